"""IMAP commands from octets: lines, literals that wait and that do not, literals that are refused, limits."""

from collections.abc import Iterator
from typing import Any

import pytest

from mailservices.protocols.imap.reader import (
    LINE_OCTETS,
    Event,
    Literal,
    LiteralAhead,
    Reader,
    Received,
    TooLong,
    tag_of,
)
from tests.protocols.feeding import Feed, whole


def taking(reader: Reader, events: Iterator[Event]) -> Iterator[Event]:
    """Every literal is taken into its command."""
    for event in events:
        if isinstance(event, LiteralAhead):
            reader.accept()
        yield event


def received(*parts: bytes | Literal) -> Received:
    return Received(parts)


@pytest.mark.parametrize(
    ("octets", "events"),
    [
        (b"a NOOP\r\n", [received(b"a NOOP")]),
        (b"\r\n", [received(b"")]),
        # A bare LF ends a line, as with every IMAP server.
        (b"a NOOP\nb NOOP\r\n", [received(b"a NOOP"), received(b"b NOOP")]),
        (
            b"a LOGIN {5}\r\nalice {6+}\r\nsecret\r\nb NOOP\r\n",
            [
                LiteralAhead((b"a LOGIN ",), 5, waits=True),
                LiteralAhead((b"a LOGIN ", Literal(5, b"alice"), b" "), 6, waits=False),
                received(b"a LOGIN ", Literal(5, b"alice"), b" ", Literal(6, b"secret"), b""),
                received(b"b NOOP"),
            ],
        ),
        (
            b"a X {0}\r\n\r\n",
            [LiteralAhead((b"a X ",), 0, waits=True), received(b"a X ", Literal(0, b""), b"")],
        ),
        # What is in a literal is no command.
        (
            b"a X {17}\r\n\r\nb NOOP {3}\r\n\r\n\0\r\n",
            [
                LiteralAhead((b"a X ",), 17, waits=True),
                received(b"a X ", Literal(17, b"\r\nb NOOP {3}\r\n\r\n\0"), b""),
            ],
        ),
        # These announce no literal.
        (b"a X {5} \r\n", [received(b"a X {5} ")]),
        (b"a X {}\r\n", [received(b"a X {}")]),
        (b"a X {5-}\r\n", [received(b"a X {5-}")]),
        (b"a X {-5}\r\n", [received(b"a X {-5}")]),
        (b"a X {1234567890123}\r\n", [received(b"a X {1234567890123}")]),
        (b"x" * (LINE_OCTETS - 1) + b"\r\n", [received(b"x" * (LINE_OCTETS - 1))]),
        (b"a " + b"x" * LINE_OCTETS + b"\r\nb NOOP\r\n", [TooLong(b"a"), received(b"b NOOP")]),
        (b"a " + b"x" * 3 * LINE_OCTETS + b"\r\nb NOOP\r\n", [TooLong(b"a"), received(b"b NOOP")]),
        (b"(" * 2 * LINE_OCTETS + b"\r\n", [TooLong(b"*")]),
    ],
)
def test_commands(feed: Feed, octets: bytes, events: list[Event]) -> None:
    reader = Reader()
    assert list(taking(reader, feed(reader, octets))) == events


def test_a_line_may_not_grow_by_literals(feed: Feed) -> None:
    reader = Reader()
    octets = b"a X " + b"y" * 1000 + b" {1}\r\nz"
    octets += (b"y" * 1000 + b" {1}\r\nz") * (LINE_OCTETS // 1000 + 1) + b"\r\nb NOOP\r\n"
    events = list(taking(reader, feed(reader, octets)))
    assert TooLong(b"a") in events
    assert events[-1] == received(b"b NOOP")


def test_a_message_goes_to_a_sink(feed: Feed) -> None:
    reader, sink = Reader(), bytearray()
    message = b"Subject: x\r\n\r\n" + b"y" * 1000
    events: list[Any] = []
    for event in feed(reader, b"a APPEND x {%d}\r\n" % len(message) + message + b"\r\nb NOOP\r\n"):
        if isinstance(event, LiteralAhead):
            reader.accept(sink.extend)
        events.append(event)
    assert sink == message
    assert events[1:] == [received(b"a APPEND x ", Literal(len(message), None), b""), received(b"b NOOP")]


def refusing(reader: Reader, events: Iterator[Event]) -> Iterator[Event]:
    """Every literal of more than three octets is refused."""
    for event in events:
        if isinstance(event, LiteralAhead):
            if event.size > 3:
                reader.refuse(waits=event.waits)
            else:
                reader.accept()
        yield event


@pytest.mark.parametrize(
    ("octets", "events"),
    [
        # Whoever waited does not send it.
        (b"a X {5}\r\nb NOOP\r\n", [LiteralAhead((b"a X ",), 5, waits=True), received(b"b NOOP")]),
        # Whoever did not wait sends it all the same, and the rest of the command.
        (b"a X {5+}\r\n12345 y\r\nb NOOP\r\n", [LiteralAhead((b"a X ",), 5, waits=False), received(b"b NOOP")]),
        (
            b"a X {5+}\r\n12345 {9+}\r\nb NOOP\r\n. y\r\nb NOOP\r\n",
            [LiteralAhead((b"a X ",), 5, waits=False), received(b"b NOOP")],
        ),
        # A further literal that waits is never sent: our refusal was read instead of "+".
        (
            b"a X {5+}\r\n12345 {6}\r\nb NOOP\r\nc NOOP\r\n",
            [LiteralAhead((b"a X ",), 5, waits=False), received(b"b NOOP"), received(b"c NOOP")],
        ),
        (
            b"a X {1}\r\n1 {5+}\r\n12345\r\nb NOOP\r\n",
            [
                LiteralAhead((b"a X ",), 1, waits=True),
                LiteralAhead((b"a X ", Literal(1, b"1"), b" "), 5, waits=False),
                received(b"b NOOP"),
            ],
        ),
    ],
)
def test_refused_literals(feed: Feed, octets: bytes, events: list[Event]) -> None:
    reader = Reader()
    assert list(refusing(reader, feed(reader, octets))) == events


@pytest.mark.parametrize("octets", [b"a X {5}\r\nb NOOP\r\n", b"a X {5+}\r\n12345 y\r\nb NOOP\r\n"])
def test_a_literal_that_nobody_answers_is_refused(feed: Feed, octets: bytes) -> None:
    """Where no literal makes sense, as in IDLE, nobody asks what is ahead."""
    assert list(feed(Reader(), octets))[1:] == [received(b"b NOOP")]


def test_an_endless_line_is_not_kept() -> None:
    reader = Reader()
    for _ in range(500):
        assert list(whole(reader, b"x" * 1000)) == []
        assert len(reader._buffer) <= LINE_OCTETS + 1000
    assert list(whole(reader, b"\r\n")) == [TooLong(b"*")]


def test_whether_something_came_that_was_not_told() -> None:
    reader = Reader()
    assert reader.empty
    reader.receive(b"a STARTTLS\r\nb NOOP")
    assert reader.next_event() == received(b"a STARTTLS")
    assert not reader.empty


@pytest.mark.parametrize(
    ("parts", "tag"),
    [
        ((b"a1 NOOP",), b"a1"),
        ((b"a1",), b"a1"),
        ((b"a.[x]-1 X",), b"a.[x]-1"),
        ((b"",), b"*"),
        ((b"a+b NOOP",), b"*"),
        ((b'"a" NOOP',), b"*"),
        ((b"x" * 65 + b" NOOP",), b"*"),
        ((b"\xff NOOP",), b"*"),
        ((), b"*"),
        ((Literal(1, b"a"),), b"*"),
    ],
)
def test_tags_of_broken_commands(parts: tuple[bytes | Literal, ...], tag: bytes) -> None:
    assert tag_of(parts) == tag
