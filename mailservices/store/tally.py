"""What reports to other domains are made of: counted by day (UTC), domain and facts, not kept for each message.

A process counts in memory and adds up every few seconds: what dies with it was only statistics.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.store.pool import Pool, connection

FLUSH_SECONDS = 2.0
#: Different facts that wait to be written; more are dropped, and counted in the log.
WAITING_FACTS = 5000
#: Rows of one statement.
BATCH = 1000

ADD = """
INSERT INTO report_tally (kind, day, domain, print, facts, count)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::bytea[], $5::text[], $6::bigint[])
ON CONFLICT (kind, day, domain, print) DO UPDATE SET count = report_tally.count + EXCLUDED.count
"""

_log = log.get()


class Kind(StrEnum):
    """What a report is about."""

    DMARC = "dmarc"
    TLS = "tls"


class Tally:
    """One for a process. Made inside the event loop."""

    def __init__(self, pool: Pool, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._pool = pool
        self._now = now
        self._counts: Counter[tuple[Kind, date, str, str]] = Counter()
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, kind: Kind, domain: str, facts: str) -> None:
        """Count one more of these. Returns at once.

        Args:
            domain: whom the report goes to.
        """
        key = kind, self._now().date(), domain, facts
        if key not in self._counts and len(self._counts) >= WAITING_FACTS:
            self._dropped += 1
            return
        self._counts[key] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Write what waits. What the database does not take now is lost: it is told, not promised."""
        counts, self._counts = self._counts, Counter()
        dropped, self._dropped = self._dropped, 0
        # In one order, so that two processes that add to the same rows never deadlock.
        rows = sorted(
            (kind, day, domain, hashlib.sha256(facts.encode()).digest(), facts, count)
            for (kind, day, domain, facts), count in counts.items()
        )
        try:
            async with connection(self._pool) as db:
                for start in range(0, len(rows), BATCH):
                    await db.execute(ADD, *map(list, zip(*rows[start : start + BATCH], strict=True)))
        except Unavailable:
            dropped += len(rows)
        if dropped:
            _log.warning("facts for reports dropped", facts=dropped)
