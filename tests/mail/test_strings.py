"""Strings as IMAP writes them (RFC 9051 §4.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.strings import nstring, quoted
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.reader import LiteralAhead, Reader, Received


@pytest.mark.parametrize(
    ("octets", "written"),
    [
        (b"", b'""'),
        (b"plain text", b'"plain text"'),
        (b'say "hi" \\', b'"say \\"hi\\" \\\\"'),
        (b"two\r\nlines", b"{10}\r\ntwo\r\nlines"),
        (b"gr\xc3\xbc\xc3\x9fe", b"{7}\r\ngr\xc3\xbc\xc3\x9fe"),
        (b"\x7f\t", b'"\x7f\t"'),
    ],
)
def test_strings(octets: bytes, written: bytes) -> None:
    assert quoted(octets) == nstring(octets) == written


def test_nothing_is_nil() -> None:
    assert nstring(None) == b"NIL"


@given(st.binary(max_size=30).filter(lambda octets: b"\0" not in octets))
def test_what_is_written_is_read_again(octets: bytes) -> None:
    """By the reader and the scanner of the other direction, with words before and behind."""
    reader = Reader()
    reader.receive(b"a " + quoted(octets) + b" z\r\n")
    event = reader.next_event()
    if isinstance(event, LiteralAhead):
        reader.accept()
        event = reader.next_event()
    assert isinstance(event, Received)
    scanner = Scanner(event.parts)
    scanner.atom()
    scanner.space()
    assert scanner.string() == octets
    scanner.space()
    assert scanner.atom() == b"z"
    scanner.end()
