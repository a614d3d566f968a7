"""What happened in each hour that is over, counted once: a chart of weeks looks at some hundred rows.

A row of no kind says that its hour is counted, with how much happened in all.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from mailservices.store.maintenance import TRACE_DAYS
from mailservices.store.pool import Pool, connection

HOUR = timedelta(hours=1)
#: What happened in an hour may be committed so long after it.
SETTLES = timedelta(minutes=2)
#: Hours of one round, and how long they are kept.
HOURS = 24 * TRACE_DAYS
KEPT = timedelta(days=400)

NEXT = "SELECT max(hour) FROM trace_count WHERE kind = ''"
COUNT = """
WITH counted AS (
    SELECT kind, count(*) AS events FROM trace_event WHERE at >= $1 AND at < $2 GROUP BY kind
)
INSERT INTO trace_count (hour, kind, events)
SELECT $1, kind, events FROM counted UNION ALL SELECT $1, '', coalesce(sum(events), 0) FROM counted
ON CONFLICT (hour, kind) DO NOTHING
"""
DROP = """
DELETE FROM trace_count WHERE ctid IN (
    SELECT ctid FROM trace_count WHERE hour < now() - $2::interval LIMIT $1)
"""


async def count_hours(pool: Pool, now: datetime | None = None) -> int:
    """Count the hours that are over and not counted yet, from the oldest; returns how many those were.

    Args:
        now: the moment, with its time zone; None: this one.
    """
    now = now or datetime.now(UTC)
    async with connection(pool) as db:
        last = await db.fetchval(NEXT)
        hour = last + HOUR if last else _whole(now - timedelta(days=TRACE_DAYS))
        counted = 0
        while hour + HOUR + SETTLES <= now and counted < HOURS:
            await db.execute(COUNT, hour, hour + HOUR)
            hour, counted = hour + HOUR, counted + 1
    return counted


def _whole(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


async def drop_counts(pool: Pool, limit: int) -> int:
    """Forget hours of long ago."""
    async with connection(pool) as db:
        done: Any = await db.execute(DROP, limit, KEPT)
    return int(done.rpartition(" ")[2])
