"""Lines as a client writes them, to the parts that parsers are given."""

from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.reader import LiteralAhead, Part, Reader, Received
from tests.protocols.feeding import Feed, whole


def parts_of(line: bytes, feed: Feed = whole) -> tuple[Part, ...]:
    """One command, its literals taken into it."""
    reader, event = Reader(), None
    for event in feed(reader, line + b"\r\n"):
        if isinstance(event, LiteralAhead):
            reader.accept()
    assert isinstance(event, Received), event
    return event.parts


def scanner_of(line: bytes) -> Scanner:
    return Scanner(parts_of(line))
