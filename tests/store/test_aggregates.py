"""Reports on days: each is due once its day is over, and told by one of those who try."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mailservices.store import aggregates
from mailservices.store.aggregates import Counted
from mailservices.store.pool import Pool, transaction
from mailservices.store.reports import AlreadyReported
from mailservices.store.tally import Kind, Tally
from tests.conftest import Database

DAY = date(2020, 5, 4)
ONE = Counted(Kind.DMARC, DAY, "due.test")


@pytest.fixture(autouse=True)
async def _counted(pool: Pool, database: Database) -> None:
    database.execute("DELETE FROM report_tally")
    counting = Tally(pool, lambda: datetime(2020, 5, 4, 12, tzinfo=UTC))
    for facts in ("a", "b", "b"):
        counting.add(Kind.DMARC, "due.test", facts)
    await counting.flush()


async def test_a_day_is_due_when_it_is_over_and_for_some_days(pool: Pool) -> None:
    assert await aggregates.due(pool, DAY, 10) == []
    assert await aggregates.due(pool, DAY + timedelta(days=1), 10) == [ONE]
    assert await aggregates.due(pool, DAY + timedelta(days=4), 10) == []
    assert await aggregates.counted(pool, ONE) == [("b", 2), ("a", 1)]


async def test_only_one_tells(pool: Pool) -> None:
    async with transaction(pool) as db:
        await aggregates.clear(db, ONE)
    with pytest.raises(AlreadyReported):
        async with transaction(pool) as db:
            await aggregates.clear(db, ONE)


async def test_what_is_old_is_forgotten(pool: Pool, database: Database) -> None:
    query = (
        "INSERT INTO report_{0} (organisation, {1}, report_id, domain, begins, ends, proven, trace_id {2}) "
        "VALUES ('o', 'c', '1', 'old.test', now(), now() - interval '401 days', false, gen_random_uuid() {3})"
    )
    database.execute(query.format("dmarc", "email", ", policy", ", 'none'"))
    database.execute(query.format("tls", "contact", "", ""))
    assert await aggregates.drop_counted(pool, 10) == 2
    assert await aggregates.drop_dmarc(pool, 10) == 1
    assert await aggregates.drop_tls(pool, 10) == 1
    assert await aggregates.drop_tls(pool, 10) == 0
