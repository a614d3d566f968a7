"""A message while it arrives by DATA or BDAT: its octets, and what is wrong with its line ends.

A bare CR or LF is refused (RFC 5321 §2.3.8). Whoever has signed in is one of ours, whose mail program may write
lines as its system does: theirs are mended.
"""

from collections.abc import Iterable
from pathlib import Path

from mailservices.mail import codes
from mailservices.mail.errors import BadMessage
from mailservices.mail.line_ends import LineEnds, Mender
from mailservices.store.spool import Spool


class Incoming:
    """Feed with `write`, then `finish`; `close` in the end."""

    def __init__(self, limit: int, folder: Path | None, *, mend: bool, secret: bool = False) -> None:
        self.spool = Spool(limit, folder, secret=secret)
        self._ends = LineEnds()
        self._mender = Mender() if mend else None

    def write(self, octets: bytes) -> None:
        if self._mender is not None:
            octets = self._mender.mend(octets)
        self._ends.feed(octets)
        self.spool.write(octets)

    def finish(self) -> None:
        """No more octets come.

        Raises:
            TooLarge, BadMessage: it cannot be taken for its size or its header.
        """
        if self._mender is not None:
            self.spool.write(self._mender.end())
        self.spool.finish()

    def check_lines(self) -> None:
        """Raises BadMessage for what no text may hold."""
        if self._ends.nul:
            raise BadMessage(codes.HAS_NUL)
        if self._ends.bare:
            raise BadMessage(codes.BARE_IN_DATA)

    def replace(self, pieces: Iterable[bytes], limit: int) -> "Incoming":
        """The same message in other octets, whole; this one is still to be closed."""
        made = Incoming(limit, self.spool.folder, mend=False, secret=self.spool.secret)
        try:
            for piece in pieces:
                made.write(piece)
            made.finish()
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        self.spool.close()
