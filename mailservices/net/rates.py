"""How often one address comes in a minute: to all processes together, in bounded memory.

A process counts for itself first, and asks the others (net/limiter.py) only about those who come often.
"""

import ipaddress
import time
from collections.abc import Callable
from typing import Final

from mailservices.net.limiter import Bucket, Limit, Limiter

#: Addresses that are counted at once; beyond them the count begins anew, which lets some through.
COUNTED = 50_000
MINUTE: Final = 60.0
#: The share of a limit that a process lets pass without asking.
OWN_SHARE: Final = 0.1


class Rates:
    """The counts of one process, and what all have counted."""

    def __init__(self, limiter: Limiter, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter = limiter
        self._clock = clock
        self._window = 0
        self._counts: dict[tuple[str, str], int] = {}

    async def take(self, kind: str, address: str, most: int) -> bool:
        """Whether one more may come of this kind from this address within the minute."""
        who = network(address, 32, 64)
        own, free = self._count(kind, who), int(most * OWN_SHARE)
        if own <= free:
            return True
        bucket = Bucket(Limit(kind, most, MINUTE), who)
        # With the first that is asked about, those before it are told of.
        [state] = await self._limiter.charge([bucket], own if own == free + 1 else 1)
        return not state.wait

    async def close(self) -> None:
        await self._limiter.close()

    def _count(self, kind: str, who: str) -> int:
        """How many with this one came to this process in this minute."""
        window = int(self._clock() // MINUTE)
        if window != self._window or len(self._counts) >= COUNTED:
            self._window = window
            self._counts.clear()
        count = self._counts[kind, who] = self._counts.get((kind, who), 0) + 1
        return count


def network(address: str, ipv4_bits: int, ipv6_bits: int) -> str:
    """The network that an address stands for: of IPv6 one client may have a whole /64."""
    parsed = ipaddress.ip_address(address)
    bits = ipv4_bits if parsed.version == 4 else ipv6_bits
    return str(ipaddress.ip_network((parsed, bits), strict=False))
