"""Connections of one process: so many at most, handed on in order, closed but for one when nobody wants them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import pytest

from mailservices.config import Config
from mailservices.mail.errors import Unavailable
from mailservices.store import pool as pools
from mailservices.store.pool import Connection, Pool, acquired, connection, open_pool, transaction
from tests import direct


class Opened:
    """A connection that says nothing."""

    def __init__(self) -> None:
        self.closed = False
        self.begun = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.begun

    def terminate(self) -> None:
        self.closed = True


class Server:
    """Where they are opened: each one in turn, or none."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.away = False

    async def connect(self) -> Connection:
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionRefusedError
        self.opened.append(Opened())
        return cast("Connection", self.opened[-1])


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def two(server: Server) -> AsyncIterator[Pool]:
    opened = Pool(server.connect, 2)
    yield opened
    await opened.close()


def number(server: Server, db: Connection) -> int:
    return server.opened.index(cast("Any", db))


async def test_one_is_opened_when_it_is_needed_and_taken_again(server: Server, two: Pool) -> None:
    for _ in range(3):
        async with acquired(two) as db:
            assert number(server, db) == 0
    async with acquired(two), acquired(two) as other:
        assert number(server, other) == 1


async def test_who_comes_first_is_served_first(server: Server, two: Pool) -> None:
    first, second = await two.acquire(), await two.acquire()
    served = list[tuple[str, int]]()

    async def want(name: str) -> None:
        async with acquired(two) as db:
            served.append((name, number(server, db)))

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(want(name))
        await asyncio.sleep(0.01)
        assert served == []
        two.release(second)
        two.release(first)
    assert served == [("a", 1), ("b", 0), ("c", 1)]
    assert len(server.opened) == 2


async def test_who_waits_too_long_is_told(two: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ACQUIRE_LIMIT", 0.01)
    held = [await two.acquire(), await two.acquire()]
    with pytest.raises(Unavailable):
        async with connection(two):
            pass
    for db in held:
        two.release(db)
    async with acquired(two), acquired(two):
        pass


async def test_who_does_not_wait_any_more_hands_it_on(server: Server, two: Pool) -> None:
    first, second = await two.acquire(), await two.acquire()
    impatient, patient = (asyncio.create_task(two.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    two.release(first)
    impatient.cancel()
    assert number(server, await patient) == 0
    # So is the leave to open another.
    impatient, patient = (asyncio.create_task(two.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    second.terminate()
    two.release(second)
    impatient.cancel()
    assert number(server, await patient) == 2
    two.release(cast("Connection", server.opened[0]))
    two.release(cast("Connection", server.opened[2]))


async def test_where_nobody_answers_the_place_is_left_to_others(server: Server, two: Pool) -> None:
    server.away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            async with connection(two):
                pass
    server.away = False
    async with acquired(two), acquired(two):
        waiting = asyncio.create_task(two.acquire())
        await asyncio.sleep(0)
    two.release(await waiting)


async def test_what_is_closed_or_in_the_middle_of_something_is_not_given_to_anybody(
    server: Server, two: Pool
) -> None:
    async with acquired(two):
        server.opened[0].closed = True
    async with acquired(two):
        server.opened[1].begun = True
    assert server.opened[1].closed
    async with acquired(two) as db:
        assert number(server, db) == 2
    # The server went away meanwhile.
    server.opened[2].closed = True
    async with acquired(two) as db, acquired(two) as other:
        assert (number(server, db), number(server, other)) == (3, 4)


async def test_what_nobody_wants_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE_LIMIT", 0.5)
    pool = Pool(server.connect, 3)
    async with acquired(pool), acquired(pool), acquired(pool):
        pass
    async with asyncio.timeout(20):
        while not server.opened[2].closed:
            await asyncio.sleep(0.05)
            async with acquired(pool) as db:
                assert number(server, db) == 0
    # The last one stays, and what does not wake up closes nothing.
    async with asyncio.timeout(20):
        while pool._tidying is not None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    assert [one.closed for one in server.opened] == [False, True, True]
    async with acquired(pool) as db, acquired(pool) as other:
        assert (number(server, db), number(server, other)) == (0, 3)
    await pool.close()


async def test_what_types_are_is_asked_once(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[frozenset[int]] = []
    ask = asyncpg.Connection._introspect_types  # type: ignore[attr-defined]

    async def counted(self: Connection, wanted: frozenset[int], limit: float | None) -> Any:
        asked.append(wanted)
        return await ask(self, wanted, limit)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    monkeypatch.setattr(pools, "_known_types", {})
    pool = await open_pool(config.database, "test")
    words = "SELECT $1::money[] AS paid, $2::int8range AS span, ARRAY[3, 4]"
    async with acquired(pool) as one, acquired(pool) as other:
        first, second = [await db.fetchrow(words, ["1.00"], asyncpg.Range(1, 2)) for db in (one, other)]
        assert first == second
        assert len(asked) == 1
        # What is of this database may be something else in another.
        await one.execute("CREATE TYPE pg_temp.colour AS ENUM ('red')")
        assert await one.fetchval("SELECT 'red'::pg_temp.colour") == "red"
        assert (len(asked), len(pools._known_types)) == (2, 1)
    await pool.close()


async def test_closing_waits_for_those_that_are_taken(server: Server, two: Pool) -> None:
    async with acquired(two):
        async with acquired(two):
            waiting = asyncio.create_task(two.acquire())
            await asyncio.sleep(0)
            closing = asyncio.create_task(two.close())
            await asyncio.sleep(0.01)
            with pytest.raises(ConnectionError):
                await waiting
        await asyncio.sleep(0.01)
        assert not closing.done()
    await closing
    assert all(one.closed for one in server.opened)
    with pytest.raises(Unavailable):
        async with connection(two):
            pass


async def test_a_statement_that_is_given_up_holds_up_no_other(pool: Pool) -> None:
    async def long() -> None:
        async with transaction(pool) as db:
            await db.execute("SELECT pg_sleep(10)")

    for _ in range(2 * pools.CONNECTIONS):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await long()
    assert await direct.fetchval(pool, "SELECT 1") == 1
    count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    assert await direct.fetchval(pool, count) == 0
