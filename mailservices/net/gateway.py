"""Whether every client seems to have one address: then a gateway hides the real ones, as containers' networks do.

SPF, reverse DNS, blocklists and limits then judge the gateway and not the client: that must be mended, and until
then nothing that rests on the address may be final, nor may the address be trusted.
"""

import ipaddress
import time
from collections.abc import Callable

from mailservices import log

#: Connections in a row from one private address, and seconds over which they came, that make a gateway of it.
CONNECTIONS = 100
SPAN = 600.0
#: Seconds between two warnings.
WARNING_SECONDS = 3600.0

_log = log.get()


class Gateway:
    """Watches the addresses of clients that no balancer speaks for, on port 25, in one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._address = ""
        self._since = 0.0
        self._count = 0
        self._warn_at = 0.0

    def saw(self, address: str) -> bool:
        """A client came; whether it is time to warn."""
        if address != self._address:
            self._address, self._since, self._count, self._warn_at = address, self._clock(), 0, 0.0
        self._count += 1
        now = self._clock()
        if not self.suspected or now < self._warn_at:
            return False
        self._warn_at = now + WARNING_SECONDS
        _log.warning("every client has one private address", address=address, connections=self._count)
        return True

    @property
    def suspected(self) -> str:
        """The address that hides the clients; empty while there is no such suspicion."""
        hides = self._count >= CONNECTIONS and self._clock() - self._since >= SPAN and _is_private(self._address)
        return self._address if hides else ""


def _is_private(address: str) -> bool:
    """Of a private network (RFC 1918, RFC 4193), but not this very machine."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_private and not parsed.is_loopback
