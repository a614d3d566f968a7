"""The words of RFC 9051 §9, one by one."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import flags
from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import Flags
from mailservices.protocols.imap.grammar import MEMBERS, Scanner, flags_of
from tests.protocols.imap.feeding import scanner_of

Read = Callable[[Scanner], Any]


def numbers(scanner: Scanner) -> list[int]:
    return scanner.parenthesised(scanner.number)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (Scanner.tag, b"a-1.[]", b"a-1.[]"),
        (Scanner.atom, b"ATOM+x", b"ATOM+x"),
        (Scanner.string, b'""', b""),
        (Scanner.string, b'"a b"', b"a b"),
        (Scanner.string, b'"a \\"b\\" \\\\"', b'a "b" \\'),
        (Scanner.string, b'"gr\xc3\xbc\xc3\x9fe"', b"gr\xc3\xbc\xc3\x9fe"),
        (Scanner.string, b"{0}\r\n", b""),
        (Scanner.string, b'{5+}\r\na\r\n"b', b'a\r\n"b'),
        (Scanner.astring, b"atom]", b"atom]"),
        (Scanner.astring, b'"quoted"', b"quoted"),
        (Scanner.astring, b"{7}\r\nliteral", b"literal"),
        (Scanner.nstring, b"nil", None),
        (Scanner.nstring, b'"NIL"', b"NIL"),
        (Scanner.number, b"0", 0),
        (Scanner.number, b"9223372036854775807", 2**63 - 1),
        (Scanner.mailbox, b"&AOQ-", "ä"),
        (Scanner.mailbox, b'"inBox"', "INBOX"),
        (Scanner.list_mailbox, b"a%*", "a%*"),
        (Scanner.list_mailbox, b'"a %"', "a %"),
        (Scanner.text, b'"\xc3\xa4"', "ä"),
        (Scanner.flag, b"\\Seen", b"\\Seen"),
        (Scanner.flag, b"$Forwarded", b"$Forwarded"),
        (Scanner.flag_list, b"()", Flags()),
        (Scanner.flag_list, b"(\\Seen \\DRAFT a b)", Flags(flags.SEEN | flags.DRAFT, ("a", "b"))),
        (Scanner.flag_list, b"\\Seen a", Flags(flags.SEEN, ("a",))),
        (Scanner.date_time, b'" 1-Jul-2026 02:44:25 +0000"', datetime(2026, 7, 1, 2, 44, 25, tzinfo=UTC)),
        (Scanner.date, b"1-Jul-2026", date(2026, 7, 1)),
        (Scanner.date, b'"01-Jul-2026"', date(2026, 7, 1)),
        (numbers, b"()", []),
        (numbers, b"(1 22 3)", [1, 22, 3]),
    ],
)
@pytest.mark.parametrize("tail", [b"", b" tail"])
def test_words_are_read(read: Read, text: bytes, value: object, tail: bytes) -> None:
    """Alone, and with something behind."""
    if read is Scanner.flag_list and not text.startswith(b"("):
        tail = b""  # what follows would be flags
    scanner = scanner_of(text + tail)
    assert read(scanner) == value
    if tail:
        scanner.space()
        assert scanner.atom() == b"tail"
    scanner.end()


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (Scanner.tag, b"+"),
        (Scanner.tag, b""),
        (Scanner.atom, b"(a"),
        (Scanner.atom, b"\xff"),
        (Scanner.string, b"atom"),
        (Scanner.string, b'"open'),
        (Scanner.string, b'"a\\b"'),
        (Scanner.string, b'"a\0"'),
        (Scanner.string, b"{3}\r\na\0b"),
        (Scanner.string, b""),
        (Scanner.nstring, b"x"),
        (Scanner.literal, b'"a"'),
        (Scanner.literal, b""),
        (Scanner.number, b"x"),
        (Scanner.number, b"9223372036854775808"),
        (Scanner.number, b"99999999999999999999"),
        (Scanner.number_set, b"x"),
        (Scanner.number_set, b"1::2"),
        (Scanner.text, b'"\xff"'),
        (Scanner.store_item, b"FLAGS"),
        (Scanner.date_time, b'"yesterday"'),
        (Scanner.date_time, b"x"),
        (Scanner.date, b"31-Feb-2026"),
        (Scanner.date, b'"1-Jul-2026'),
        (Scanner.date, b"("),
        (Scanner.flag_list, b"(\\Nonsense)"),
        (Scanner.flag_list, b"("),
        (numbers, b"1"),
        (numbers, b"(1  2)"),
        (numbers, b"(1 2"),
        (numbers, b"( 1)"),
        (numbers, b"(" + b" ".join([b"1"] * (MEMBERS + 1)) + b")"),
    ],
)
def test_what_is_no_such_word_is_refused(read: Read, text: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(scanner_of(text))


def test_a_literal_that_went_elsewhere_is_no_string() -> None:
    """The message of an APPEND has no octets here."""
    scanner = scanner_of(b"{1}\r\nx")
    scanner._literals[0] = type(scanner._literals[0])(1, None)
    with pytest.raises(ProtocolError):
        scanner.string()


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ProtocolError, match="'x' is missing"):
        scanner_of(b"y").expect(b"x")
    with pytest.raises(ProtocolError, match="A space is missing"):
        scanner_of(b"y").space()


def test_the_end_forgives_spaces_only() -> None:
    scanner_of(b"   ").end()
    for more in (b"x", b" {1}\r\nx"):
        with pytest.raises(ProtocolError):
            scanner_of(more).end()


def test_places() -> None:
    scanner = scanner_of(b"(x")
    assert scanner.at_any_of(b"[(")
    assert not scanner.at_any_of(b"[{")
    assert scanner.skip(b"(")
    assert not scanner.skip(b"(")
    assert not scanner.at_literal


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], Flags()),
        ([b"\\seen", b"\\Seen"], Flags(flags.SEEN)),
        # RFC 3501 §2.3.2: \Recent is the server's; a client that sends it back is forgiven.
        ([b"\\Recent", b"\\Flagged"], Flags(flags.FLAGGED)),
        ([b"a", b"A", b"a"], Flags(0, ("a", "A"))),
    ],
)
def test_flags(words: list[bytes], found: Flags) -> None:
    assert flags_of(words) == found


@pytest.mark.parametrize(
    "words",
    [
        [b"\\Junk"],
        [b"\\*"],
        [b"x" * (flags.KEYWORD_OCTETS + 1)],
        [b"k%d" % number for number in range(flags.KEYWORDS + 1)],
    ],
)
def test_flags_that_cannot_be_set(words: list[bytes]) -> None:
    with pytest.raises(ProtocolError):
        flags_of(words)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n")))
def test_a_quoted_string_comes_back(text: str) -> None:
    quoted = b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    assert scanner_of(quoted).text() == text
