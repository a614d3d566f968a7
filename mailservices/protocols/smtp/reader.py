"""Bytes to events, for the server's side of SMTP: command lines, the text after DATA, the chunks after BDAT.

Security rules of this file: only CRLF ends a line and only CRLF.CRLF ends a message (RFC 5321 §2.3.8, §4.1.1.4).
Whoever accepts a bare LF there lets a stranger hide a second message in a first one. Bare CR, bare LF and NUL in
the text are the caller's to find (mail/line_ends.py), and its policy what is done about them.
"""

from dataclasses import dataclass
from typing import Final

#: Octets of a command line with its CRLF (RFC 5321 §4.5.3.1.4: 512, and what extensions add).
LINE_OCTETS: Final = 4096
#: Octets of an answer inside AUTH (RFC 4954 §4).
AUTH_LINE_OCTETS: Final = 12288

_END: Final = b"\r\n.\r\n"


@dataclass(slots=True)
class Line:
    """A command line, or an answer inside AUTH, without its CRLF."""

    text: bytes


@dataclass(slots=True)
class LineTooLong:
    """A line beyond the limit; it was dropped."""


@dataclass(slots=True)
class BareLineEnd:
    """A line that LF alone ended; it was dropped."""


@dataclass(slots=True)
class Text:
    """The next octets of a message, dots unstuffed; of a chunk, as they came."""

    octets: bytes


@dataclass(slots=True)
class EndOfText:
    """CRLF.CRLF, or the last octet of a chunk."""


Event = Line | LineTooLong | BareLineEnd | Text | EndOfText


class Reader:
    """Feed with `receive`, ask with `next_event`; None means: more octets are needed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._limit = LINE_OCTETS
        self._dropping = False
        self._in_text = self._ended = False
        self._skip = 0
        #: Octets of a chunk that are still to come; None outside of one.
        self._chunk: int | None = None

    def receive(self, octets: bytes) -> None:
        self._buffer += octets

    @property
    def empty(self) -> bool:
        """Nothing was received that no event told of: STARTTLS insists on it (RFC 3207 §4.2)."""
        return not self._buffer

    def clear(self) -> None:
        """Forget what a client sent before TLS."""
        self._buffer.clear()
        self._searched = 0
        self._dropping = False

    def expect_text(self) -> None:
        """The answer to DATA was 354: a message follows."""
        # A text begins as if after a line end, so that a dot on its first line is nothing special.
        self._buffer[:0] = b"\r\n"
        self._skip = 2
        self._in_text = True
        self._ended = False

    def expect_chunk(self, octets: int) -> None:
        """BDAT was read: so many octets follow, whatever they are (RFC 3030 §2)."""
        self._chunk = octets

    def expect_lines_of(self, limit: int) -> None:
        """Longer lines are allowed inside AUTH."""
        self._limit = limit

    def next_event(self) -> Event | None:
        if self._chunk is not None:
            return self._next_of_chunk(self._chunk)
        return self._next_text() if self._in_text else self._next_line()

    def _next_line(self) -> Event | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            if len(self._buffer) > self._limit:
                # One endless line must not fill the memory: it is dropped while it comes.
                self._buffer.clear()
                self._searched = 0
                self._dropping = True
            return None
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._searched = 0
        if self._dropping or len(line) > self._limit:
            self._dropping = False
            return LineTooLong()
        if not line.endswith(b"\r\n"):
            return BareLineEnd()
        return Line(line[:-2])

    def _next_text(self) -> Event | None:
        if self._ended:
            return self._end()
        end = self._buffer.find(_END)
        if end >= 0:
            self._ended = True
            octets = self._take(end + 2)
            return Text(octets) if octets else self._end()
        # What may be the beginning of the end, or of a stuffed dot, stays until more is known.
        held = next((n for n in range(len(_END) - 1, 0, -1) if self._buffer.endswith(_END[:n])), 0)
        octets = self._take(len(self._buffer) - held)
        return Text(octets) if octets else None

    def _take(self, count: int) -> bytes:
        """The first octets of the buffer without stuffed dots (RFC 5321 §4.5.2)."""
        if count <= self._skip:
            return b""
        octets = bytes(self._buffer[:count]).replace(b"\r\n.", b"\r\n")[self._skip :]
        del self._buffer[:count]
        self._skip = 0
        return octets

    def _end(self) -> EndOfText:
        # Of CRLF.CRLF, the first CRLF belongs to the text; where the text is empty it is the one made up above.
        del self._buffer[: self._skip + len(_END) - 2]
        self._skip = 0
        self._in_text = False
        return EndOfText()

    def _next_of_chunk(self, left: int) -> Event | None:
        if not left:
            self._chunk = None
            return EndOfText()
        octets = bytes(self._buffer[:left])
        if not octets:
            return None
        del self._buffer[:left]
        self._chunk = left - len(octets)
        return Text(octets)
