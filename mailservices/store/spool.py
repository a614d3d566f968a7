"""A message while it arrives: its header in memory, its body in memory up to a size and then in a file.

The header ends where RFC 5322 §2.1 says: at the first empty line. Nothing is changed: header + body is what came.
"""

import mmap
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from mailservices.mail import codes
from mailservices.mail.errors import BadMessage, TooLarge, Unavailable

#: Octets of a header; Postfix takes a fifth of that.
HEADER_OCTETS = 512 * 1024
#: Octets of a body that are kept in memory.
MEMORY_OCTETS = 2**20
#: Octets beyond that, of all secret messages together, that one process keeps in memory: more have to come again.
SECRET_OCTETS = 256 * 2**20

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_STARTS_EMPTY = re.compile(rb"\r?\n")


class Spool:
    """Collects one message, or a piece of one, which has no header to be found.

    Use as a context manager: a file is removed at the end. What is secret never gets into a file on a disk.
    """

    #: Octets of secret messages in this process.
    secrets_held = 0

    def __init__(
        self, limit: int, folder: Path | None = None, *, piece: bool = False, secret: bool = False
    ) -> None:
        self.limit = limit
        self.secret = secret
        self._held = 0
        self.size = 0
        self.header = b""
        self.folder = folder
        self._in_header = not piece
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        #: Why the message cannot be taken, once that is clear.
        self.objection: TooLarge | BadMessage | Unavailable | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next octets; none are kept once there is an objection."""
        self.size += len(data)
        if self.objection is not None:
            return
        if self.size > self.limit:
            self._object(TooLarge())
            return
        if self._file is not None:
            self._put(data)
            return
        searched = max(0, len(self._memory) - 3)
        self._memory += data
        if self._in_header:
            self._find_body(searched)
        if not self._in_header and len(self._memory) > MEMORY_OCTETS:
            self._to_file()

    def _find_body(self, searched: int) -> None:
        start = _STARTS_EMPTY.match(self._memory) if not searched else None
        end = start or _EMPTY_LINE.search(self._memory, searched)
        if end:
            self.header = bytes(self._memory[: end.end()])
            del self._memory[: end.end()]
            self._in_header = False
        elif len(self._memory) > HEADER_OCTETS:
            self._object(BadMessage(codes.HEADER_TOO_LARGE))

    def _to_file(self) -> None:
        # Closed by close(): its life is that of the spool.
        if self.secret:
            self._file = open(os.memfd_create("message"), "w+b")  # noqa: SIM115
        else:
            self._file = tempfile.TemporaryFile(dir=self.folder, prefix="message-")  # noqa: SIM115
        memory, self._memory = self._memory, bytearray()
        self._put(memory)

    def _put(self, data: bytes | bytearray | memoryview) -> None:
        if self.secret:
            self._hold(len(data))
            if Spool.secrets_held > SECRET_OCTETS:
                self._object(Unavailable())
        if self._file is not None:
            self._file.write(data)

    def _hold(self, octets: int) -> None:
        self._held += octets
        Spool.secrets_held += octets

    def _object(self, objection: TooLarge | BadMessage | Unavailable) -> None:
        self.objection = objection
        self._memory.clear()
        self.close()

    def finish(self) -> None:
        """No more octets come: a message without an empty line is all header.

        Raises:
            TooLarge: it has more octets than the limit.
            BadMessage: its header has no end.
            Unavailable: it is secret, and there is no memory for more of these now.
        """
        if self.objection is not None:
            raise self.objection
        if self._in_header:
            self.header = bytes(self._memory)
            self._memory.clear()
            self._in_header = False

    def body(self) -> bytes | mmap.mmap:
        """The body; it lives as long as the spool."""
        if self._file is None:
            return bytes(self._memory)
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map

    def close(self) -> None:
        self._hold(-self._held)
        if self._map is not None:
            # A thread may still read it for a client that is gone: then it ends with the thread.
            with suppress(BufferError):
                self._map.close()
            self._map = None
        if self._file is not None:
            self._file.close()
            self._file = None
