"""How long a client may take, and how much it may send, until something whole has come of it.

An endless line never becomes a command, and one octet a minute never a line: neither is waited for.
"""

import time

#: Octets that may come before something whole; readers drop all but their own, much lower limits.
ENDLESS_OCTETS = 2**20
#: Octets a second that earn a client more time, so that a large message may come over a slow line.
LEAST_RATE = 500


class Endless(Exception):
    """The client sends and sends, and nothing comes of it."""


class Patience:
    """With one client."""

    __slots__ = ("_most", "_octets", "_since")

    def __init__(self) -> None:
        self.renew()

    def renew(self, expected: int = 0) -> None:
        """Something whole has come and was answered; next, so many octets more are expected."""
        self._since = time.monotonic()
        self._octets = 0
        self._most = ENDLESS_OCTETS + expected

    def left(self, limit: float) -> float:
        """Seconds for the next octets, of the limit for something whole; no pause is longer than the limit."""
        earned = self._octets / LEAST_RATE
        return max(0.0, min(limit, self._since + limit + earned - time.monotonic()))

    def took(self, octets: int) -> None:
        """So many octets came.

        Raises:
            Endless: they are too many for anything whole.
        """
        self._octets += octets
        if self._octets > self._most:
            raise Endless
