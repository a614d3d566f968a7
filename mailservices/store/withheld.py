"""Capabilities of IMAP that an administrator withholds from accounts and clients: kept for seconds."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from mailservices.mail.errors import Unavailable
from mailservices.store.pool import Pool, connection

#: Seconds until a change is seen.
KEPT_SECONDS: Final = 3.0

READ = "SELECT account_id, client, capabilities FROM policy_withheld"


class Withheld:
    """As it is now, or was a moment ago; one process reads it once, however many sign in."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._fresh_until = float("-inf")
        self._reading = asyncio.Lock()
        #: Account or None, client or nothing, capabilities.
        self._rules: list[tuple[int | None, str, list[str]]] = []

    async def of(self, account_id: int | None, client: str) -> frozenset[str]:
        """What is not offered to this account, None before it is known, and to a client that calls itself so."""
        if self._clock() >= self._fresh_until:
            async with self._reading:
                await self._read()
        name = client.lower()
        return frozenset(
            word
            for account, wanted, words in self._rules
            if account in (None, account_id) and wanted in ("", name)
            for word in words
        )

    async def _read(self) -> None:
        """Unless somebody else just has."""
        if self._clock() < self._fresh_until:
            return
        # What held a moment ago holds where nobody answers; the log has the cause.
        with suppress(Unavailable):
            async with connection(self._pool) as db:
                self._rules = [tuple(row) for row in await db.fetch(READ)]
        self._fresh_until = self._clock() + KEPT_SECONDS
