"""Hours of the trace are counted once they are over, and not twice."""

from datetime import UTC, datetime, timedelta

from mailservices.mail.vocabulary import Event
from mailservices.store import counting
from mailservices.store.pool import Pool, connection

HOURS = "SELECT count(*) FROM trace_count WHERE kind = '' AND hour >= $1"
COUNTED = "SELECT events FROM trace_count WHERE kind = $1 AND hour = $2"
HAPPENED = """
INSERT INTO trace_event (at, trace_id, kind, service) VALUES ($1, gen_random_uuid(), $2, 'test')
"""


async def test_hours_that_are_over_are_counted_once(pool: Pool) -> None:
    this = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    now, hour = this + timedelta(minutes=2), this - timedelta(hours=5)
    async with connection(pool) as db:
        await db.execute("DELETE FROM trace_count")
        before = await db.fetchval(
            "SELECT count(*) FROM trace_event WHERE kind = 'reported' AND at >= $1 AND at < $2",
            hour,
            hour + timedelta(hours=1),
        )
        for minutes in (0, 59):
            await db.execute(HAPPENED, hour + timedelta(minutes=minutes), Event.REPORTED)
        await db.execute(HAPPENED, now, Event.REPORTED)
    # What happened in the last hour may not be committed yet.
    assert await counting.count_hours(pool, now - timedelta(seconds=1)) == counting.HOURS - 1
    assert await counting.count_hours(pool, now) == 1
    assert await counting.count_hours(pool, now) == 0
    async with connection(pool) as db:
        assert await db.fetchval(COUNTED, Event.REPORTED, hour) == before + 2
        # The hour that is not over is not counted.
        assert await db.fetchval(COUNTED, "", this) is None
        await db.execute("DELETE FROM trace_count WHERE hour >= $1", hour)
    assert await counting.count_hours(pool, now) == 5
    async with connection(pool) as db:
        assert await db.fetchval(COUNTED, Event.REPORTED, hour) == before + 2
        await db.execute("UPDATE trace_count SET hour = hour - interval '500 days' WHERE hour = $1", hour)
    assert await counting.drop_counts(pool, 1000) == 2
    async with connection(pool) as db:
        await db.execute("DELETE FROM trace_count")
