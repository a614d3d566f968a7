"""Line ends of a message (RFC 5321 §2.3.8): CR and LF occur together or not at all, and NUL nowhere.

A bare CR or LF that one host takes for text and the next for a line end hides a message in another one. Here they
are noticed, or mended; pieces may be cut anywhere, between CR and LF too.
"""

import re
from typing import Final

_ANY: Final = re.compile(rb"\r\n|\r|\n")


class LineEnds:
    """Feed with all octets of a text, piece by piece; then ask."""

    def __init__(self) -> None:
        #: NUL was seen.
        self.nul = False
        self._bare = self._held = False

    def feed(self, octets: bytes) -> None:
        if self._held:
            octets = b"\r" + octets
        self._held = octets.endswith(b"\r")
        pairs = octets.count(b"\r\n")
        self._bare |= octets.count(b"\n") != pairs or octets.count(b"\r") - self._held != pairs
        self.nul |= b"\0" in octets

    @property
    def bare(self) -> bool:
        """CR or LF stood alone."""
        return self._bare or self._held

    @property
    def clean(self) -> bool:
        return not (self.bare or self.nul)


class Mender:
    """Makes CRLF of every line end: for clients of our own that write as their system does."""

    def __init__(self) -> None:
        self._held = False

    def mend(self, octets: bytes) -> bytes:
        if self._held:
            octets = b"\r" + octets
        self._held = octets.endswith(b"\r")
        if self._held:
            octets = octets[:-1]
        return _ANY.sub(b"\r\n", octets)

    def end(self) -> bytes:
        """What is left when the text has ended."""
        held, self._held = self._held, False
        return b"\r\n" if held else b""
