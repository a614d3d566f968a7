"""Lanes: how many lines stand at once, counted for all workers."""

import asyncio

from mailservices.store import lanes
from mailservices.store.lanes import WIDEST, Closed, Entered
from mailservices.store.pool import Pool
from tests.conftest import Database

FIRST_WIDTH = 4


async def entered(pool: Pool, lane: str, widest: int = WIDEST) -> Entered:
    found = await lanes.enter(pool, lane, widest)
    assert isinstance(found, Entered)
    return found


async def fill(pool: Pool, lane: str, widest: int = WIDEST) -> int:
    """How many lines it takes, by as many workers at once."""
    found = await asyncio.gather(*(lanes.enter(pool, lane, widest) for _ in range(WIDEST + 3)))
    return sum(isinstance(one, Entered) for one in found)


async def test_so_many_lines_stand_at_once_however_many_workers_ask(pool: Pool) -> None:
    assert await fill(pool, "full.lanes.test") == FIRST_WIDTH
    assert await lanes.enter(pool, "full.lanes.test") == Closed()
    assert await fill(pool, "other.lanes.test", 2) == 2


async def test_a_line_that_is_given_back_is_free_and_one_that_is_renewed_is_not(
    pool: Pool, database: Database
) -> None:
    lane = "back.lanes.test"
    one = await entered(pool, lane, 1)
    assert await lanes.enter(pool, lane, 1) == Closed()
    await lanes.leave(pool, one.line)
    two = await entered(pool, lane, 1)
    # Its worker dies; unless it renews the line, another one has it.
    database.execute("UPDATE queue_line SET until = now() - interval '1 second' WHERE line = %s", [two.line])
    await lanes.renew(pool, two.line)
    assert await lanes.enter(pool, lane, 1) == Closed()
    database.execute("UPDATE queue_line SET until = now() - interval '1 second' WHERE line = %s", [two.line])
    await entered(pool, lane, 1)


async def test_a_lane_grows_while_all_goes_well_and_shrinks_when_it_does_not(pool: Pool) -> None:
    lane = "width.lanes.test"
    one = await entered(pool, lane)
    await lanes.leave(pool, one.line)
    for _ in range(WIDEST + 5):
        await lanes.went_well(pool, lane)
    assert await fill(pool, lane) == WIDEST
    lane = "narrow.lanes.test"
    await lanes.leave(pool, (await entered(pool, lane)).line)
    for _ in range(6):
        await lanes.went_badly(pool, lane)
    assert await fill(pool, lane) == 1


async def test_where_nobody_can_be_reached_one_line_probes_after_a_pause(pool: Pool, database: Database) -> None:
    lane = "down.lanes.test"
    one = await entered(pool, lane)
    two = await entered(pool, lane)
    # Both fail together: one failure.
    await lanes.went_down(pool, lane, "The host refused the connection")
    await lanes.went_down(pool, lane, "The host refused the connection")
    await lanes.leave(pool, one.line)
    await lanes.leave(pool, two.line)
    query = "SELECT failures, reason FROM queue_lane WHERE lane = %s"
    assert database.execute(query, [lane]).fetchone() == (1, "The host refused the connection")
    pause = await lanes.enter(pool, lane)
    assert isinstance(pause, Closed)
    assert pause.seconds > 30
    database.execute("UPDATE queue_lane SET down_until = now() WHERE lane = %s", [lane])
    probe = await entered(pool, lane)
    assert probe.probes
    assert await lanes.enter(pool, lane) == Closed()
    await lanes.went_down(pool, lane, "again")
    longer = await lanes.enter(pool, lane)
    assert isinstance(longer, Closed)
    assert longer.seconds > pause.seconds
    await lanes.leave(pool, probe.line)
    await lanes.went_well(pool, lane)
    assert not (await entered(pool, lane)).probes
    assert database.execute(query, [lane]).fetchone() == (0, "")


async def test_what_nobody_uses_is_forgotten(pool: Pool, database: Database) -> None:
    lane = "old.lanes.test"
    await entered(pool, lane)
    database.execute("UPDATE queue_lane SET changed_at = now() - interval '3 days' WHERE lane = %s", [lane])
    database.execute("UPDATE queue_line SET until = now() - interval '1 day' WHERE lane = %s", [lane])
    assert await lanes.drop_lanes(pool, 1000) >= 1
    assert database.execute("SELECT FROM queue_line WHERE lane = %s", [lane]).fetchone() is None


async def test_all_lanes_together_have_a_limit(pool: Pool, database: Database) -> None:
    database.execute("DELETE FROM queue_line")
    found = await asyncio.gather(*(lanes.enter(pool, f"{number}.total.test", most=3) for number in range(8)))
    entered = [one for one in found if isinstance(one, Entered)]
    assert len(entered) == 3
    assert [one for one in found if isinstance(one, Closed)] == [Closed(crowded=True)] * 5
    await lanes.leave(pool, entered[0].line)
    assert isinstance(await lanes.enter(pool, "more.total.test", most=3), Entered)
