"""POP3 lines, fed three ways."""

import pytest

from mailservices.protocols.pop3.reader import AUTH_LINE_OCTETS, LINE_OCTETS, Event, Line, LineTooLong, Reader
from tests.protocols.feeding import Feed, whole


@pytest.mark.parametrize(
    ("octets", "events"),
    [
        (b"STAT\r\n", [Line(b"STAT")]),
        (b"\r\n\r\n", [Line(b""), Line(b"")]),
        (b"USER a\r\nPASS b\r\n", [Line(b"USER a"), Line(b"PASS b")]),
        # LF alone is forgiven.
        (b"STAT\nQUIT\r\n", [Line(b"STAT"), Line(b"QUIT")]),
        (b"x" * (LINE_OCTETS - 1) + b"\r\n", [Line(b"x" * (LINE_OCTETS - 1))]),
        (b"x" * LINE_OCTETS + b"\r\nQUIT\r\n", [LineTooLong(), Line(b"QUIT")]),
        (b"x" * 5 * LINE_OCTETS + b"\r\nQUIT\r\n", [LineTooLong(), Line(b"QUIT")]),
    ],
)
def test_lines(feed: Feed, octets: bytes, events: list[Event]) -> None:
    assert list(feed(Reader(), octets)) == events


def test_longer_lines_are_allowed_inside_auth(feed: Feed) -> None:
    reader = Reader()
    reader.limit = AUTH_LINE_OCTETS
    line = b"x" * (AUTH_LINE_OCTETS - 1)
    assert list(feed(reader, line + b"\r\n")) == [Line(line)]


def test_an_endless_line_is_not_kept() -> None:
    reader = Reader()
    for _ in range(1000):
        assert list(whole(reader, b"x" * 1000)) == []
        assert len(reader._buffer) <= LINE_OCTETS + 1000
    assert not reader.empty
    assert list(whole(reader, b"\r\n")) == [LineTooLong()]
    assert reader.empty
