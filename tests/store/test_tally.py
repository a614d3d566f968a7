"""What reports to others are made of is counted by day and facts, whoever counts it."""

from datetime import UTC, datetime

import pytest

from mailservices.store import tally
from mailservices.store.pool import Pool
from mailservices.store.tally import Kind, Tally
from tests.conftest import Database

NOW = datetime(2026, 5, 4, 23, 59, 59, tzinfo=UTC)


def rows(database: Database, domain: str) -> list[tuple[object, ...]]:
    query = "SELECT kind, day::text, facts, count FROM report_tally WHERE domain = %s"
    return sorted(database.execute(query, [domain]).fetchall(), key=lambda row: (row[1], row[0], row[2]))


async def test_the_same_facts_are_one_row(pool: Pool, database: Database) -> None:
    now = NOW
    one, other = Tally(pool, lambda: now), Tally(pool, lambda: now)
    for _ in range(3):
        one.add(Kind.DMARC, "counted.test", "{}")
    one.add(Kind.TLS, "counted.test", "{}")
    other.add(Kind.DMARC, "counted.test", "{}")
    other.add(Kind.DMARC, "counted.test", '{"a": 1}')
    now = datetime(2026, 5, 5, tzinfo=UTC)
    one.add(Kind.DMARC, "counted.test", "{}")
    for each in (one, other):
        await each.flush()
    assert rows(database, "counted.test") == [
        ("dmarc", "2026-05-04", '{"a": 1}', 1),
        ("dmarc", "2026-05-04", "{}", 4),
        ("tls", "2026-05-04", "{}", 1),
        ("dmarc", "2026-05-05", "{}", 1),
    ]


async def test_what_nobody_could_remember_is_dropped(
    pool: Pool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "WAITING_FACTS", 2)
    counting = Tally(pool)
    for number in (1, 2, 3, 1):
        counting.add(Kind.DMARC, "many.test", str(number))
    await counting.flush()
    assert [(facts, count) for _, _, facts, count in rows(database, "many.test")] == [("1", 2), ("2", 1)]


async def test_thousands_are_written_in_steps(
    pool: Pool, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "BATCH", 3)
    counting = Tally(pool)
    for number in range(7):
        counting.add(Kind.DMARC, "steps.test", str(number))
    await counting.flush()
    assert len(rows(database, "steps.test")) == 7
