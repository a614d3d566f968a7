"""The queue's statements on PostgreSQL: what is claimed first, and that it is found by walking an index."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from mailservices.store import queue
from mailservices.store.pool import Pool
from mailservices.store.queue import Wanted
from tests.conftest import Database

ADD = """
WITH m AS (
    INSERT INTO queue_message (message_id, expires_at, sender, size, prefix, header, blob_id)
    VALUES (gen_random_uuid(), now() + interval '5 days', 'a@us.test', 1, '', '', gen_random_uuid())
    RETURNING message_id
)
INSERT INTO queue_recipient (message_id, address, destination, priority, next_attempt_at)
SELECT message_id, 'r' || n || '@' || %(destination)s, %(destination)s, %(priority)s, now() + %(due)s::interval
FROM m, generate_series(1, %(count)s) n
"""


def add(database: Database, destination: str, count: int = 1, priority: int = 0, due: str = "-1 second") -> None:
    database.execute(ADD, {"destination": destination, "count": count, "priority": priority, "due": due})


async def test_the_highest_priority_is_claimed_first_and_what_waits_longest(
    pool: Pool, database: Database
) -> None:
    destination = "order.queue.test"
    add(database, destination, 2, priority=0, due="-2 seconds")
    add(database, destination, 1, priority=5, due="-1 second")
    add(database, destination, 1, priority=9, due="1 hour")
    add(database, destination, 1, priority=0, due="-3 seconds")
    rows = "SELECT priority, next_attempt_at < now() FROM queue_recipient WHERE lease = %s"
    first = await queue.claim(pool, destination, 1)
    assert first
    assert database.execute(rows, [first.lease]).fetchall() == [(5, False)]
    second = await queue.claim(pool, destination, 10)
    assert second
    assert len(second.recipients) == 3
    assert await queue.claim(pool, destination, 10) is None


async def test_destinations_are_due_in_the_order_in_which_they_wait(pool: Pool, database: Database) -> None:
    add(database, "b.due.test", 3, due="-3 hours")
    add(database, "a.due.test", 1, due="-2 hours")
    add(database, "c.due.test", 1, due="1 hour")
    found = [one for one in await queue.due(pool, 1000) if one.endswith(".due.test")]
    assert found == ["b.due.test", "a.due.test"]
    assert len(await queue.due(pool, 1)) == 1


async def test_several_claims_at_once_share_nothing(pool: Pool, database: Database) -> None:
    add(database, "one.claims.test", 5)
    add(database, "two.claims.test", 2)
    wanted = [
        Wanted(name, 3) for name in ("one.claims.test", "two.claims.test", "one.claims.test", "no.claims.test")
    ]
    first, other, second, none = await queue.claim_all(pool, wanted)
    assert first
    assert other
    assert second
    assert none is None
    assert [len(one.recipients) for one in (first, other, second)] == [3, 2, 2]
    assert not set(first.recipient_ids) & set(second.recipient_ids)
    assert first.messages.keys() == second.messages.keys()
    await queue.release(pool, first)
    again = await queue.claim(pool, "one.claims.test", 10)
    assert again
    assert again.recipient_ids == first.recipient_ids


@pytest.fixture
def long_queue(database: Database) -> Iterator[Database]:
    """Twenty thousand for one destination, most of them for later; gone after the test."""
    with database.transaction() as whole:
        add(database, "dead.queue.test", 10_000, priority=3, due="1 hour")
        add(database, "dead.queue.test", 10_000, priority=0)
        for number in range(50):
            add(database, f"{number}.queue.test", 5)
        database.execute("ANALYZE queue_recipient")
        database.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        database.execute("SET LOCAL jit = off")
        yield database
        raise psycopg.Rollback(whole)


def scans(plan: dict[str, object]) -> Iterator[tuple[str, str, float]]:
    """How each table is read: node, index, rows of one loop."""
    node = str(plan["Node Type"])
    if "Scan" in node and "Relation Name" in plan:
        yield node, str(plan.get("Index Name", "")), float(str(plan["Actual Rows"]))
    for below in plan.get("Plans", []):  # type: ignore[attr-defined]
        yield from scans(below)


@pytest.mark.parametrize(
    ("name", "arguments", "types"),
    [
        (
            "CLAIM",
            [
                "'{dead.queue.test,7.queue.test}'",
                "'{100,100}'",
                "ARRAY[gen_random_uuid(), gen_random_uuid()]",
                "interval '20 s'",
                "interval '5 s'",
            ],
            "text[], bigint[], uuid[], interval, interval",
        ),
        ("DUE", ["1000"], "bigint"),
    ],
)
def test_what_is_due_is_found_by_walking_an_index(
    long_queue: Database, name: str, arguments: list[str], types: str
) -> None:
    long_queue.execute(f"PREPARE one ({types}) AS {getattr(queue, name)}")
    found = long_queue.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE one ({', '.join(arguments)})").fetchone()
    long_queue.execute("DEALLOCATE one")
    assert found
    plan = found[0] if isinstance(found[0], list) else json.loads(str(found[0]))
    read = list(scans(plan[0]["Plan"]))
    assert read
    assert all("Index" in node and index for node, index, _ in read), read
    # Not a tenth of the queue is looked at.
    assert sum(rows for _, _, rows in read) < 1000, read
