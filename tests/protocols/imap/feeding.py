"""Lines as a client writes them, to the parts that parsers are given."""

from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.reader import LiteralAhead, Part, Reader, Received


def parts_of(line: bytes) -> tuple[Part, ...]:
    """One command, its literals taken into it."""
    reader = Reader()
    reader.receive(line + b"\r\n")
    event = reader.next_event()
    while isinstance(event, LiteralAhead):
        reader.accept()
        event = reader.next_event()
    assert isinstance(event, Received), event
    return event.parts


def scanner_of(line: bytes) -> Scanner:
    return Scanner(parts_of(line))
