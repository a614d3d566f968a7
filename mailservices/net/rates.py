"""How often one address comes: counted by the minute, in this process, in bounded memory."""

import ipaddress
import time
from collections.abc import Callable

#: Addresses that are counted at once; beyond them the count begins anew, which lets some through.
COUNTED = 50_000
MINUTE = 60.0


class Rates:
    """Counts in windows of a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window = 0
        self._counts: dict[tuple[str, str], int] = {}

    def take(self, kind: str, address: str, most: int) -> bool:
        """Whether one more may come of this kind from this address within the minute."""
        window = int(self._clock() // MINUTE)
        if window != self._window or len(self._counts) >= COUNTED:
            self._window = window
            self._counts.clear()
        key = (kind, network(address, 32, 64))
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return count <= most


def network(address: str, ipv4_bits: int, ipv6_bits: int) -> str:
    """The network that an address stands for: of IPv6 one client may have a whole /64."""
    parsed = ipaddress.ip_address(address)
    bits = ipv4_bits if parsed.version == 4 else ipv6_bits
    return str(ipaddress.ip_network((parsed, bits), strict=False))
