"""The buckets: the script in Redis and its copy in Python do the same."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mailservices.config import Config
from mailservices.net.limiter import Blocks, Bucket, Limit, Limiter
from mailservices.store.ids import new_id

BLOCKS = Limit("test", 3, 1000, 100)
RATE = Limit("rate", 3, 1000)


@pytest.fixture(params=["redis", "own"])
async def limiter(config: Config, request: pytest.FixtureRequest) -> AsyncIterator[Limiter]:
    url = config.redis_url if request.param == "redis" else "redis://127.0.0.1:1/0"
    made = Limiter(url)
    yield made
    await made.close()


def bucket(limit: Limit) -> Bucket:
    return Bucket(limit, new_id().hex)


async def test_what_overflows_is_blocked(limiter: Limiter) -> None:
    one = bucket(BLOCKS)
    for number in range(1, 4):
        (state,) = await limiter.charge([one])
        assert (round(state.level, 1), state.wait) == (number, 0)
    (state,) = await limiter.charge([one])
    assert state.wait == pytest.approx(100, abs=1)
    (again,) = await limiter.charge([one])
    assert 0 < again.wait <= state.wait
    assert (await limiter.look([one]))[0].wait > 0


async def test_a_process_knows_its_own_blocks_at_once_and_those_of_others_soon(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, others = Limiter(config.redis_url), Limiter(config.redis_url)
    one, two, open_ = bucket(BLOCKS), bucket(BLOCKS), bucket(BLOCKS)
    assert await mine.blocked([one, open_]) == [False, False]
    await others.charge([one], 4)
    await mine.charge([two], 4)
    await mine.charge([bucket(RATE)], 4)
    assert await mine.blocked([two, one, open_]) == [True, False, False]
    monkeypatch.setattr("mailservices.net.limiter.HELD_SECONDS", 0.0)
    mine._blocks_until = 0.0
    assert await mine.blocked([two, one, open_]) == [True, True, False]
    # Of too many none is held: each is asked for.
    monkeypatch.setattr("mailservices.net.limiter.HELD_BLOCKS", 1)
    assert await mine.blocked([two, one, open_]) == [True, True, False]
    await mine.close()
    await others.close()


async def test_what_overflows_is_known_to_be_blocked(limiter: Limiter) -> None:
    one = bucket(BLOCKS)
    assert await limiter.blocked([one]) == [False]
    assert await limiter.blocked([]) == []
    await limiter.charge([one], 4)
    assert await limiter.blocked([one]) == [True]


async def test_a_further_block_lasts_twice_as_long(limiter: Limiter) -> None:
    one = bucket(Limit("quick", 3, 1000, 0.01))
    for seconds in (0.01, 0.02, 0.04):
        assert (await limiter.charge([one], 4))[0].wait == pytest.approx(seconds)
        await asyncio.sleep(seconds + 0.01)


async def test_a_rate_turns_away_no_more_than_overflows(limiter: Limiter) -> None:
    one = bucket(RATE)
    assert (await limiter.charge([one], 2))[0].wait == 0
    (state,) = await limiter.charge([one], 2)
    assert state.wait == pytest.approx(1000 / 3, abs=1)
    assert (await limiter.charge([one], 1))[0].wait == 0


async def test_a_bucket_empties_in_its_period(limiter: Limiter) -> None:
    one = bucket(Limit("fast", 1000, 0.001))
    await limiter.charge([one], 1000)
    await asyncio.sleep(0.01)
    assert (await limiter.charge([one], 1000))[0].wait == 0


async def test_buckets_do_not_meet(limiter: Limiter) -> None:
    one, other = bucket(BLOCKS), bucket(BLOCKS)
    await limiter.charge([one, other], 1)
    await limiter.charge([one], 1)
    assert [round(state.level, 1) for state in await limiter.look([one, other])] == [2, 1]
    assert await limiter.charge([]) == []


async def test_marks(limiter: Limiter) -> None:
    name = new_id().hex
    assert not await limiter.marked(name)
    await limiter.mark(name, 60)
    assert await limiter.marked(name)


async def test_a_block_is_listed_until_it_is_lifted(config: Config) -> None:
    limiter, one = Limiter(config.redis_url), bucket(BLOCKS)
    await limiter.charge([one], 4, "why: " + "x" * 1000)
    blocks = Blocks(config.redis_url)
    found = next(block for block in blocks.all() if block.what == one.what)
    assert (found.limit, found.why[:5], len(found.why)) == ("test", "why: ", 200)
    blocks.lift(found)
    assert not [block for block in blocks.all() if block.what == one.what]
    assert (await limiter.charge([one], 1))[0].wait == 0
    blocks.close()
    await limiter.close()
