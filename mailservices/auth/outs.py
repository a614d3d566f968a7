"""Signed out everywhere: the sessions of an account end at every server, soon after somebody has said so.

Whoever signs in between the word and the look goes as well, and comes back at once if it still may.
"""

import asyncio
from contextlib import suppress

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.net.doors import Doors
from mailservices.store import signins
from mailservices.store.pool import Pool

#: Seconds between two looks.
LOOK_SECONDS = 2.0

_log = log.get()


class SignOuts:
    """Of one process. Made inside the event loop."""

    def __init__(self, pool: Pool, doors: Doors) -> None:
        self._pool = pool
        self._doors = doors
        self._seen: set[int] = set()
        self._task = asyncio.create_task(self._look_always())

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(Unavailable):  # the log has the cause
                await self.look()

    async def look(self) -> None:
        """Send those home whose accounts were signed out since the last look."""
        found = await signins.signed_out(self._pool)
        accounts = {account_id for row, account_id in found.items() if row not in self._seen}
        self._seen = set(found)
        if accounts and (count := self._doors.dismiss(accounts)):
            _log.info("sessions ended", accounts=len(accounts), sessions=count)
