"""Messages of a day from one of our own addresses: counted once, however many workers ask, and never beyond."""

import asyncio

from mailservices.store import sources
from mailservices.store.pool import Pool
from tests.conftest import Database


async def test_so_many_are_taken_and_no_more(pool: Pool, database: Database) -> None:
    taken = await asyncio.gather(*(sources.take(pool, 4711, 3) for _ in range(8)))
    assert sum(taken) == 3
    await sources.give_back(pool, 4711)
    assert await sources.take(pool, 4711, 3)
    assert not await sources.take(pool, 4711, 3)
    database.execute("UPDATE queue_source_day SET day = day - 1 WHERE source_id = 4711")
    assert await sources.take(pool, 4711, 3)


async def test_old_days_are_forgotten(pool: Pool, database: Database) -> None:
    await sources.take(pool, 4712, 3)
    database.execute("UPDATE queue_source_day SET day = day - 91 WHERE source_id = 4712")
    assert await sources.drop_source_days(pool, 100) >= 1
    assert not database.execute("SELECT 1 FROM queue_source_day WHERE source_id = 4712").fetchone()
