"""Bytes to whole IMAP commands. The only file that knows {n}, {n+} and ~{n} (RFC 9051 §4.3, RFC 7888, RFC 3516).

A command is a line, interrupted by literals. Before a literal's octets come, the shell is asked whether it wants
them (`LiteralAhead`), and where they shall go: small ones into the command, a message into a sink of the shell's.
Nothing is parsed twice and nothing unasked is kept.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Octets of one command without its literals (RFC 9051 §4: 8192 are recommended as a least).
LINE_OCTETS: Final = 64 * 1024
#: Digits of a literal's size: 999 GB.
_LITERAL: Final = re.compile(rb"(~?)\{(\d{1,12})(\+?)\}$")
_TAG: Final = re.compile(rb"[!#$&',-.0-9:;<=>?@A-\[\]^-z|}~/]{1,64}$")

Sink = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Literal:
    """The octets of a literal, or only their count where they went to a sink.

    `binary`: it came as ~{n}, and may hold any octet (RFC 3516 §4.4).
    """

    size: int
    octets: bytes | None
    binary: bool = False


Part = bytes | Literal


@dataclass(frozen=True, slots=True)
class Received:
    """A whole command: its text, and its literals between."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class LiteralAhead:
    """`size` octets follow; `waits` for our continuation. Answer with `accept`; not to answer is to refuse."""

    parts: tuple[Part, ...]
    size: int
    waits: bool


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line beyond the limit; it was dropped. `tag` is its tag where it could be seen."""

    tag: bytes


Event = Received | LiteralAhead | TooLong


class Reader:
    """Feed with `receive`, ask with `next_event`; None means: more octets are needed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._parts: list[Part] = []
        self._text_octets = 0
        self._ahead = 0
        self._binary = False
        self._remaining = 0
        self._literal = bytearray()
        self._kept = False
        #: Where the octets of a literal go while they come.
        self._sink: Sink | None = None
        self._dropping = False
        self._refused = False
        #: The literal that was told of and is not answered yet.
        self._told: LiteralAhead | None = None

    def receive(self, octets: bytes) -> None:
        self._buffer += octets

    @property
    def empty(self) -> bool:
        """Nothing was received that no event told of: STARTTLS insists on it (RFC 9051 §6.2.1)."""
        return not self._buffer

    def accept(self, sink: Sink | None = None) -> None:
        """Take the literal that is ahead, into the command or into this sink."""
        self._told = None
        self._remaining = self._ahead
        self._literal = bytearray()
        self._kept = sink is None
        self._sink = sink or self._literal.extend

    def refuse(self, *, waits: bool) -> None:
        """Do not take it. A client that did not wait sends it all the same: it is dropped, and its command."""
        self._told = None
        self._refused = True
        if waits:
            # RFC 9051 §7.6: the client goes on with a new command.
            self._start_over()
        else:
            self.accept(_drop)

    def next_event(self) -> Event | None:
        if self._told is not None:
            self.refuse(waits=self._told.waits)
        while True:
            if self._sink is not None:
                self._take_literal(self._sink)
                if self._remaining:
                    return None
                self._end_literal()
            line = self._next_line()
            if line is None:
                return self._too_long()
            if (event := self._line(line)) is not None:
                return event

    def _take_literal(self, sink: Sink) -> None:
        octets = bytes(self._buffer[: self._remaining])
        del self._buffer[: len(octets)]
        self._remaining -= len(octets)
        sink(octets)

    def _end_literal(self) -> None:
        self._parts.append(Literal(self._ahead, bytes(self._literal) if self._kept else None, self._binary))
        self._literal, self._sink = bytearray(), None
        self._searched = 0

    def _next_line(self) -> bytes | None:
        """The next line without its line end. A bare LF is taken for one, as every IMAP server does."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        # With its CR: a line is too long however it was cut on its way.
        self._text_octets += len(line)
        return line.removesuffix(b"\r")

    def _too_long(self) -> Event | None:
        if self._text_octets + len(self._buffer) <= LINE_OCTETS:
            return None
        if not self._dropping:
            self._parts.append(bytes(self._buffer[:100]))
        self._dropping = True
        self._buffer.clear()
        self._searched = 0
        return None

    def _line(self, line: bytes) -> Event | None:
        if self._dropping or self._text_octets > LINE_OCTETS:
            tag = tag_of([*self._parts, line])
            self._start_over()
            return TooLong(tag)
        match = _LITERAL.search(line)
        if match:
            self._parts.append(line[: match.start()])
            self._ahead, self._binary = int(match[2]), bool(match[1])
            if self._refused:
                # The client has read our refusal by now, if it waits: it goes on with a new command.
                self.refuse(waits=not match[3])
                return None
            self._told = LiteralAhead(tuple(self._parts), self._ahead, waits=not match[3])
            return self._told
        if self._refused:
            self._start_over()
            return None
        self._parts.append(line)
        parts = tuple(self._parts)
        self._start_over()
        return Received(parts)

    def _start_over(self) -> None:
        self._parts = []
        self._text_octets = 0
        self._dropping = self._refused = False
        self._literal, self._sink = bytearray(), None
        self._remaining = self._ahead = 0


def _drop(_octets: bytes) -> None:
    """Where refused literals go."""


def tag_of(parts: list[Part] | tuple[Part, ...]) -> bytes:
    """The tag of a command that may be broken; "*" where none can be made out."""
    first = parts[0] if parts and isinstance(parts[0], bytes) else b""
    tag = first.split(b" ", 1)[0]
    return tag if _TAG.match(tag) and b"+" not in tag else b"*"
