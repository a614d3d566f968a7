"""A connection's octets, compressed both ways (RFC 4978): bounded memory, whatever a client sends.

What comes is kept compressed until it is asked for: a kilobyte may stand for a megabyte.
"""

import zlib
from typing import Final

#: Little is gained by more, and the time of all clients is lost.
_LEVEL: Final = 3
#: RFC 4978 §3: raw DEFLATE, without a header. The window is as large as it can be.
_WINDOW: Final = -15


class Damaged(Exception):
    """What came is not compressed as it has to be."""


class Deflate:
    """One connection's."""

    __slots__ = ("_packer", "_received", "_unpacker")

    def __init__(self) -> None:
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW)
        self._unpacker = zlib.decompressobj(_WINDOW)
        self._received = b""

    def packed(self, data: bytes) -> bytes:
        """So that the other side can read all of it at once."""
        return self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)

    def receive(self, data: bytes) -> None:
        self._received += data

    def unpacked(self, most: int) -> bytes:
        """So many octets at most of what came; empty where more must come first.

        Raises:
            Damaged
        """
        try:
            data = self._unpacker.decompress(self._received, most)
        except zlib.error as error:
            raise Damaged from error
        self._received = self._unpacker.unconsumed_tail
        if self._unpacker.eof and not data:
            raise Damaged
        return data
