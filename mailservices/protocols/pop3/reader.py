"""Bytes to lines, for the server's side of POP3 (RFC 1939 §3). Only CRLF ends a line; LF alone is forgiven.

A line beyond the limit is dropped as it comes, so that no client can make us remember it.
"""

from dataclasses import dataclass
from typing import Final

#: RFC 2449 §4: 255 octets, and room for long names; and for a response inside AUTH. The CR counts.
LINE_OCTETS: Final = 1024
AUTH_LINE_OCTETS: Final = 12288


@dataclass(frozen=True, slots=True)
class Line:
    """Without its line end."""

    text: bytes


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """It was dropped."""


Event = Line | LineTooLong


class Reader:
    """Feed with `receive`, ask with `next_event`; None means: more octets are needed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._dropping = False
        self.limit = LINE_OCTETS

    def receive(self, octets: bytes) -> None:
        self._buffer += octets

    @property
    def empty(self) -> bool:
        return not self._buffer and not self._dropping

    def next_event(self) -> Event | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > self.limit:
                self._dropping = True
                self._buffer.clear()
                self._searched = 0
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._searched = 0
        # With its CR, as above: a line is too long however it was cut on its way.
        if self._dropping or end > self.limit:
            self._dropping = False
            return LineTooLong()
        return Line(line)
