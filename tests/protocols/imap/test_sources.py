"""Which folders a command is about (RFC 5465 §6, RFC 7377 §2.2)."""

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.sources import MULTISEARCH, NAMES, Kind, Source, holds, read_sources
from tests.protocols.imap.feeding import scanner_of


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        (b"selected", [Source(Kind.SELECTED)]),
        (b"Inboxes PERSONAL subscribed", [Source(Kind.INBOXES), Source(Kind.PERSONAL), Source(Kind.SUBSCRIBED)]),
        (b"mailboxes inbox subtree (a b)", [Source(Kind.MAILBOXES, ("INBOX",)), Source(Kind.SUBTREE, ("a", "b"))]),
        (b'subtree-one "&APw-"', [Source(Kind.SUBTREE_ONE, ("\u00fc",))]),
    ],
)
def test_sources(text: bytes, sources: list[Source]) -> None:
    scanner = scanner_of(text)
    assert read_sources(scanner, MULTISEARCH) == tuple(sources)
    scanner.end()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"nonsense", b"selected-delayed", b"mailboxes", b"mailboxes ()", b"subtree", b"selected ",
        b"personal " * (NAMES + 1), b"mailboxes (" + b" ".join([b"a"] * (NAMES + 1)) + b")",
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_sources(scanner_of(text), MULTISEARCH)


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        (Source(Kind.PERSONAL), ["INBOX", "a", "a/b", "a/b/c", "ab"]),
        (Source(Kind.INBOXES), ["INBOX"]),
        (Source(Kind.SUBSCRIBED), ["a"]),
        (Source(Kind.MAILBOXES, ("a/b", "x")), ["a/b"]),
        (Source(Kind.SUBTREE, ("a",)), ["a", "a/b", "a/b/c"]),
        (Source(Kind.SUBTREE_ONE, ("a",)), ["a", "a/b"]),
        (Source(Kind.SELECTED), []),
    ],
)
def test_which_folders_are_meant(source: Source, meant: list[str]) -> None:
    roles = dict.fromkeys(("INBOX", "a", "a/b", "a/b/c", "ab"), "")
    assert [name for name in roles if holds(source, name, roles, {"a", "x"})] == meant
