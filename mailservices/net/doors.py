"""Who is in: the clients of one process, in all and from one address, and how they are sent home at its end."""

import asyncio
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from typing import Protocol

from mailservices.net import metrics
from mailservices.net.connection import is_loopback

#: Clients of one process.
CONNECTIONS = 20_000
#: Of them from one address; this machine's own are not counted.
CONNECTIONS_PER_ADDRESS = 200


class Guest(Protocol):
    """One client's connection."""

    @property
    def peer(self) -> str:
        """Its IP address."""

    @property
    def account_id(self) -> int | None:
        """Whose session it is; None until somebody has signed in."""

    def dismiss(self) -> None:
        """The service stops: begin nothing more, and leave as soon as nothing is in flight."""


class Doors:
    """Counts who is in. A guest is let in and leaves once."""

    def __init__(self, total: int = CONNECTIONS, per_address: int = CONNECTIONS_PER_ADDRESS) -> None:
        self._total = total
        self._per_address = per_address
        #: Guest -> the listener that it came by.
        self._inside: dict[Guest, str] = {}
        self._by_address: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, guest: Guest, listener: str) -> bool:
        """Whether one more may come in."""
        crowded = self._by_address[guest.peer] >= self._per_address and not is_loopback(guest.peer)
        if len(self._inside) >= self._total or crowded:
            return False
        self._inside[guest] = listener
        self._by_address[guest.peer] += 1
        self._empty.clear()
        metrics.CONNECTIONS.labels(listener).inc()
        metrics.CONNECTED.labels(listener).inc()
        return True

    def leave(self, guest: Guest) -> None:
        """A guest, or somebody who was not let in, is gone."""
        listener = self._inside.pop(guest, None)
        if listener is None:
            return
        metrics.CONNECTED.labels(listener).dec()
        self._by_address[guest.peer] -= 1
        if not self._by_address[guest.peer]:
            del self._by_address[guest.peer]
        if not self._inside:
            self._empty.set()

    def dismiss(self, accounts: Container[int]) -> int:
        """Send home who is in for one of these accounts; how many those were."""
        found = [guest for guest in self._inside if guest.account_id in accounts]
        for guest in found:
            guest.dismiss()
        return len(found)

    async def clear(self, seconds: float) -> None:
        """Dismiss everybody, and wait so long for what is in flight."""
        for guest in list(self._inside):
            guest.dismiss()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)
