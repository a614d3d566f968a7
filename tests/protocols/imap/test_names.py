"""Folder names: modified UTF-7 (RFC 3501 §5.1.3), INBOX, new names, and the wildcards of LIST."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.errors import FolderNameInvalid, ProtocolError
from mailservices.protocols.imap.names import (
    LEVELS,
    NAME_CHARACTERS,
    check_new,
    decode,
    encode,
    matches,
    superiors,
)


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        (b"Sent", "Sent"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"R&-D", "R&D"),
        (b"&Jjo-!", "☺!"),
        (b"&2D3cDA-", "🐌"),
    ],
)
def test_names_on_the_wire(wire: bytes, name: str) -> None:
    assert decode(wire) == name
    assert encode(name) == wire


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        # RFC 9051 §5.1: names in UTF-8.
        ("Entwürfe".encode(), "Entwürfe"),
        ("Ü&-".encode(), "Ü&-"),
        # An ampersand that begins nothing.
        (b"R&D", "R&D"),
        (b"&", "&"),
        # One letter, whether as one or as two.
        ("Entwu\u0308rfe".encode(), "Entwürfe"),
        (b"inbox", "INBOX"),
        (b"InBox/Work", "INBOX/Work"),
        (b"inboxes", "inboxes"),
        ("\u0131nbox".encode(), "\u0131nbox"),
        (b"", ""),
    ],
)
def test_names_that_clients_may_spell_otherwise(wire: bytes, name: str) -> None:
    assert decode(wire) == name


@pytest.mark.parametrize(
    "wire", [b"\xff", b"&AP-", b"&*-", b"&A-", b"&2AA-", b"&3AA-", b"&AAA-", b"a\0b", "ü\0".encode()]
)
def test_what_is_no_name_is_refused(wire: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(wire)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_names_come_back(name: str) -> None:
    name = decode(name.encode())
    written = encode(name)
    assert decode(written) == name
    if unicodedata.normalize("NFC", name).isprintable():
        assert re.fullmatch(rb"[\x20-\x7e]*", written)


@pytest.mark.parametrize(
    ("name", "kept"), [("Work", "Work"), ("Work/", "Work"), ("a/b/c", "a/b/c"), ("Büro 🐌", "Büro 🐌")]
)
def test_new_names(name: str, kept: str) -> None:
    assert check_new(name) == kept


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "/a", "a//b", "a//", "a\tb", "a\x7fb", "a\u0085b", "a\ue000", "a\uffff", "a*", "a%b",
        "a" * (NAME_CHARACTERS + 1), "/".join("a" * (LEVELS + 1)),
    ],
)  # fmt: skip
def test_names_that_no_folder_may_get(name: str) -> None:
    with pytest.raises(FolderNameInvalid):
        check_new(name)


@pytest.mark.parametrize(("name", "above"), [("a", []), ("a/b/c", ["a", "a/b"])])
def test_superiors(name: str, above: list[str]) -> None:
    assert superiors(name) == above


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "a/b", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("%/%", "a/b", True),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("a/*", "a/b/c", True),
        ("a*", "a", True),
        ("a%", "a", True),
        ("*c", "a/b/c", True),
        ("*b*", "a/b/c", True),
        ("a%c", "abc", True),
        ("a%c", "a/c", False),
        ("%*", "a/b", True),
        ("*%", "a/b", True),
        ("%%", "a/b", False),
        ("***a***", "a", True),
        ("a", "a", True),
        ("a", "b", False),
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("aaa%", "aa", False),
        ("inbox", "INBOX", True),
        ("inbox/%", "INBOX/a", True),
        ("a.b", "a.b", True),
        ("a.%", "axb", False),
        ("%ä%", "bäh", True),
    ],
)
def test_wildcards(*, pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_wildcards_are_those_of_an_expression(pattern: str, name: str) -> None:
    expression = "".join({"*": ".*", "%": "[^/]*"}.get(letter, re.escape(letter)) for letter in pattern)
    assert matches(pattern, name) == bool(re.fullmatch(expression, name, re.DOTALL))


def test_no_name_takes_long() -> None:
    """A row of ampersands took minutes when each was tried to the end; here it is enough that it ends."""
    assert decode(b"&" * 250_000) == "&" * 250_000


@pytest.mark.parametrize("pattern", ["*" * 60_000, "%*" * 30_000, "*a" * 30_000, "*a" * 200 + "*b"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """These took minutes when each wildcard of a row was tried by itself; here it is enough that they end."""
    assert matches(pattern, "a" * NAME_CHARACTERS) == (set(pattern) <= set("*%"))


def test_a_client_that_spells_in_utf8_means_what_it_writes() -> None:
    """RFC 9051 §5.1: "&" begins nothing then."""
    for name in ("Entw&APw-rfe", "R&D", "Entwürfe", "&"):
        assert decode(name.encode(), utf8=True) == name
        assert encode(name, utf8=True) == name.encode()
    assert decode(b"Entw&APw-rfe") == "Entwürfe"
