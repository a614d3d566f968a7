"""Who has signed in, or tried to: written in batches, for the owner and the administrator to see.

The same sign-in, over and over, is one row that says how often.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import SignInOutcome
from mailservices.store.pool import Pool, connection
from mailservices.store.rows import insert
from mailservices.store.trace import clean

#: Seconds that sign-ins are gathered, and how many different ones; more are dropped, and counted in the log.
FLUSH_SECONDS = 5.0
WAITING = 2000
KEPT = timedelta(days=30)

_COLUMNS = ("account_id", "name", "protocol", "remote_host", "outcome", "times")
SIGNED_OUT = "SELECT id, account_id FROM security_sign_out WHERE at > now() - interval '5 minutes'"
DROP = """
DELETE FROM security_sign_in WHERE id IN (
    SELECT id FROM security_sign_in WHERE at < now() - $2::interval ORDER BY at LIMIT $1)
"""

_log = log.get()


@dataclass(frozen=True, slots=True)
class SignIn:
    """One try. The account is known of those that were accepted."""

    name: str
    peer: str
    outcome: SignInOutcome
    account_id: int | None = None


class Ledger:
    """Sign-ins of one process on their way to the database. Made inside the event loop."""

    def __init__(self, pool: Pool, protocol: str) -> None:
        self._pool = pool
        self._protocol = protocol
        self._waiting: dict[SignIn, int] = {}
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, one: SignIn) -> None:
        if one not in self._waiting and len(self._waiting) >= WAITING:
            self._dropped += 1
            return
        self._waiting[one] = self._waiting.get(one, 0) + 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Write what waits. What the database does not take now is lost: it is told, not promised."""
        waiting, self._waiting = self._waiting, {}
        dropped, self._dropped = self._dropped, 0
        rows = [
            (one.account_id, clean(one.name, 320), self._protocol, one.peer or None, one.outcome, times)
            for one, times in waiting.items()
        ]
        try:
            async with connection(self._pool) as db:
                await insert(db, ("security_sign_in", _COLUMNS, rows))
        except Unavailable:
            dropped += len(rows)
        if dropped:
            _log.warning("sign-ins not written down", rows=dropped)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._waiting:
            await self.flush()


async def signed_out(pool: Pool) -> dict[int, int]:
    """Accounts whose sessions are to end, of the last minutes: the row's key -> the account."""
    async with connection(pool) as db:
        return {row["id"]: row["account_id"] for row in await db.fetch(SIGNED_OUT)}


async def drop_sign_ins(pool: Pool, limit: int) -> int:
    """Forget those of long ago."""
    async with connection(pool) as db:
        done: Any = await db.execute(DROP, limit, KEPT)
    return int(done.rpartition(" ")[2])
