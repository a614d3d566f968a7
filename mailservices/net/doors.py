"""How many clients a process serves: in all, and from one address."""

import asyncio
from collections import Counter

from mailservices.net.connection import is_loopback

#: Clients of one process.
CONNECTIONS = 20_000
#: Of them from one address; this machine's own are not counted.
CONNECTIONS_PER_ADDRESS = 200


class Doors:
    """Counts who is in."""

    def __init__(self, total: int = CONNECTIONS, per_address: int = CONNECTIONS_PER_ADDRESS) -> None:
        self._total = total
        self._per_address = per_address
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._by_address: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Whether one more from this address may come in; who came in must `leave`."""
        crowded = self._by_address[address] >= self._per_address and not is_loopback(address)
        if self._inside >= self._total or crowded:
            return False
        self._inside += 1
        self._empty.clear()
        self._by_address[address] += 1
        return True

    async def emptied(self) -> None:
        """Until everybody has left."""
        await self._empty.wait()

    def leave(self, address: str) -> None:
        self._inside -= 1
        if not self._inside:
            self._empty.set()
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
