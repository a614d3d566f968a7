"""Command lines and message texts, fed whole, octet by octet, and with something behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.line_ends import LineEnds
from mailservices.protocols.smtp.reader import (
    AUTH_LINE_OCTETS,
    LINE_OCTETS,
    BareLineEnd,
    EndOfText,
    Event,
    Line,
    LineTooLong,
    Reader,
    Text,
)
from tests.protocols.feeding import Feed, octet_by_octet, whole


def text_of(reader: Reader, feed: Feed, octets: bytes) -> tuple[bytes, EndOfText | None]:
    """The text up to its end; what comes behind stays in the reader."""
    reader.expect_text()
    text, end = b"", None
    for event in feed(reader, octets):
        if isinstance(event, Text):
            text += event.octets
        elif isinstance(event, EndOfText):
            end = event
            break
    return text, end


@pytest.mark.parametrize(
    ("octets", "events"),
    [
        (b"NOOP\r\n", [Line(b"NOOP")]),
        (b"\r\n", [Line(b"")]),
        (b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n", [Line(b"MAIL FROM:<>"), Line(b"RCPT TO:<a@b>")]),
        (b"NOOP\nQUIT\r\n", [BareLineEnd(), Line(b"QUIT")]),
        (b"NO\rOP\r\n", [Line(b"NO\rOP")]),
        (b"x" * LINE_OCTETS + b"\r\nQUIT\r\n", [LineTooLong(), Line(b"QUIT")]),
        (b"x" * 5 * LINE_OCTETS + b"\r\nQUIT\r\n", [LineTooLong(), Line(b"QUIT")]),
    ],
)
def test_lines(feed: Feed, octets: bytes, events: list[Event]) -> None:
    assert list(feed(Reader(), octets)) == events


def test_longer_lines_are_allowed_inside_auth(feed: Feed) -> None:
    reader = Reader()
    reader.expect_lines_of(AUTH_LINE_OCTETS)
    line = b"x" * (LINE_OCTETS + 1)
    assert list(feed(reader, line + b"\r\n" + b"x" * AUTH_LINE_OCTETS + b"\r\n")) == [Line(line), LineTooLong()]


def test_what_was_sent_before_tls_can_be_seen_and_forgotten() -> None:
    reader = Reader()
    assert reader.empty
    reader.receive(b"x" * (LINE_OCTETS + 1))
    assert reader.next_event() is None
    reader.receive(b"RSET\r\nQU")
    assert not reader.empty
    reader.clear()
    assert reader.empty
    assert list(whole(reader, b"NOOP\r\n")) == [Line(b"NOOP")]


def test_an_endless_line_is_not_kept() -> None:
    reader = Reader()
    for _ in range(1000):
        assert list(whole(reader, b"x" * 1000)) == []
    assert len(reader._buffer) <= LINE_OCTETS + 1000


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"..a\r\n..b\r\n.\r\n", b".a\r\n.b\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n...\r\n.\r\n", b"a\r\n..\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"\r\n\r\n\r\n.\r\n", b"\r\n\r\n\r\n"),
        (b"8-bit \xff\xfe\r\n.\r\n", b"8-bit \xff\xfe\r\n"),
        (b"x" * 20_000 + b"\r\n.\r\n", b"x" * 20_000 + b"\r\n"),
    ],
)
def test_texts(feed: Feed, octets: bytes, text: bytes) -> None:
    assert text_of(Reader(), feed, octets) == (text, EndOfText())


def test_commands_behind_a_text_are_commands(feed: Feed) -> None:
    reader = Reader()
    reader.receive(b"a\r\n.\r\nQUIT\r\n")
    text, end = text_of(reader, whole, b"")
    assert (text, end is not None) == (b"a\r\n", True)
    assert reader.next_event() == Line(b"QUIT")


# What real servers took for the end of a message, so that a second one could be smuggled in behind it.
@pytest.mark.parametrize(
    "trick",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\n\n.\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
    ],
)
def test_nothing_but_crlf_dot_crlf_ends_a_text(feed: Feed, trick: bytes) -> None:
    smuggled = b"a" + trick + b"MAIL FROM:<x@y>\r\n.\r\n"
    text, end = text_of(Reader(), feed, smuggled)
    assert b"MAIL FROM" in text
    assert end is not None
    ends = LineEnds()
    ends.feed(text)
    assert not ends.clean


def chunk_of(reader: Reader, feed: Feed, size: int, octets: bytes) -> tuple[bytes, bool]:
    reader.expect_chunk(size)
    text = b""
    for event in feed(reader, octets):
        if isinstance(event, EndOfText):
            return text, True
        assert isinstance(event, Text)
        text += event.octets
    return text, False


@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_chunk_is_so_many_octets_whatever_they_are(octets: bytes, size: int) -> None:
    for feed in (whole, octet_by_octet):
        found, ended = chunk_of(Reader(), feed, size, octets)
        assert found == octets[:size]
        assert ended == (len(octets) >= max(size, 1) or (size == 0 and feed is whole))


def test_commands_behind_a_chunk_are_commands() -> None:
    reader = Reader()
    reader.receive(b"\r\n.\r\nQUIT\r\n")
    assert chunk_of(reader, whole, 5, b"") == (b"\r\n.\r\n", True)
    assert reader.next_event() == Line(b"QUIT")


def stuffed(text: bytes) -> bytes:
    lines = text.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=8),
    st.data(),
)
def test_what_was_stuffed_comes_back(lines: list[bytes], data: st.DataObject) -> None:
    text = b"".join(line + b"\r\n" for line in lines)
    wire = stuffed(text) + b".\r\n"
    cut = data.draw(st.integers(0, len(wire)))
    reader = Reader()
    reader.receive(wire[:cut])
    reader.expect_text()
    events = [*whole(reader, b""), *whole(reader, wire[cut:])]
    assert b"".join(event.octets for event in events if isinstance(event, Text)) == text
    assert isinstance(events[-1], EndOfText)
