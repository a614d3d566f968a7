"""ENVELOPE and BODYSTRUCTURE of the messages in tests/messages, each beside its .envelope and .structure.

What those files say was worked out from RFC 9051 §7.5.2, not recorded. A further message needs no further code.
"""

import mmap
from pathlib import Path

import pytest

from appliance import ROOT
from mailservices.mail import headers, structure
from mailservices.mail.structure import FIELD_OCTETS, Facts

MESSAGES = sorted((ROOT / "tests" / "messages").glob("*.eml"))


def facts(message: bytes) -> Facts:
    return structure.read(*headers.split(message))


def golden(message: Path, suffix: str) -> bytes:
    return message.with_suffix(suffix).read_bytes().removesuffix(b"\n")


@pytest.fixture(params=MESSAGES, ids=lambda path: path.stem)
def message(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_the_envelope_is_as_it_should_be(message: Path) -> None:
    assert facts(message.read_bytes()).envelope == golden(message, ".envelope")


def test_the_structure_is_as_it_should_be(message: Path) -> None:
    assert facts(message.read_bytes()).bodystructure == golden(message, ".structure")


def test_a_file_has_the_structure_of_the_memory(message: Path) -> None:
    header, body = headers.split(message.read_bytes())
    with mmap.mmap(-1, len(body) + 1) as mapped:
        mapped[: len(body)] = body
        # A map is never empty: the octet more is what a body with a line end more has.
        assert structure.read(header, mapped) == structure.read(header, body + b"\0")


def test_body_is_the_structure_without_extensions(message: Path) -> None:
    header, body = headers.split(message.read_bytes())
    assert plain(structure.without_extensions(header, body)) == without_extensions(
        plain(golden(message, ".structure"))
    )


Tree = list["Tree"] | bytes


def plain(text: bytes) -> Tree:
    """A parenthesised list of RFC 9051 as lists and words; strings keep their quotes."""
    stack: list[list[Tree]] = [[]]
    position = 0
    while position < len(text):
        if text[position : position + 1] == b"(":
            stack.append([])
        elif text[position : position + 1] == b")":
            stack[-2].append(stack.pop())
        elif text[position : position + 1] == b'"':
            end = position + 1
            while text[end : end + 1] != b'"':
                end += 2 if text[end : end + 1] == b"\\" else 1
            stack[-1].append(text[position : end + 1])
            position = end
        elif text[position : position + 1] == b"{":
            end = text.index(b"}\r\n", position)
            size = int(text[position + 1 : end])
            stack[-1].append(text[position : end + 3 + size])
            position = end + 2 + size
        elif text[position : position + 1] != b" ":
            end = position
            while text[end : end + 1] not in (b" ", b")", b""):
                end += 1
            stack[-1].append(text[position:end])
            position = end - 1
        position += 1
    [[tree]] = stack
    return tree


def without_extensions(tree: Tree) -> Tree:
    """By RFC 9051 §9: what body-ext-mpart and body-ext-1part add is at the end."""
    assert isinstance(tree, list)
    if isinstance(tree[0], list):
        count = next(place for place, word in enumerate(tree) if not isinstance(word, list))
        return [*map(without_extensions, tree[:count]), tree[count]]
    is_message = tree[0] == b'"MESSAGE"' and tree[1] in (b'"RFC822"', b'"GLOBAL"')
    if is_message:
        return [*tree[:8], without_extensions(tree[8]), tree[9]]
    return tree[: 8 if tree[0] == b'"TEXT"' else 7]


def test_facts_beside_the_structure() -> None:
    found = facts(b"Date: Wed, 1 Jul 2026 02:44:25 -0700\r\nMessage-ID:\r\n <1@\xff.test>\r\n\r\n")
    assert found.sent_at is not None
    assert found.sent_at.isoformat() == "2026-07-01T02:44:25-07:00"
    assert found.message_id == "<1@\ufffd.test>"
    nothing = facts(b"")
    assert (nothing.sent_at, nothing.message_id) == (None, "")


def test_long_fields_are_cut() -> None:
    found = facts(b"Subject: " + b"x" * (FIELD_OCTETS + 5) + b"\r\nMessage-ID: " + b"y" * 2000 + b"\r\n\r\n")
    assert found.envelope.count(b"x") == FIELD_OCTETS
    assert len(found.message_id) == 998


def test_of_a_message_that_no_mailbox_gets_little_is_read() -> None:
    facts = structure.little(b"Subject: x\r\nMessage-ID: <1@a.test>\r\n\r\n")
    assert (facts.message_id, facts.envelope, facts.whole) == ("<1@a.test>", b"", True)
    assert structure.little(b"Subject: x\r\n\r\n").message_id == ""
