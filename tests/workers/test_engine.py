"""Who drains a destination: somebody idle looks again, somebody busy has a moment, else there is another line."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mailservices.config import Config
from workers import engine as module
from workers.engine import Engine


class Drains:
    """Stands in for outbound/drain.py: begins, and ends or idles when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.roused = 0
        self.busy = asyncio.Event()
        self.two = asyncio.Event()

    async def __call__(self, engine: Engine, destination: str) -> None:
        self.begun += 1
        if self.begun == 2:
            self.two.set()
        await self.busy.wait()
        while await engine.idle(destination):
            self.roused += 1


@pytest.fixture
async def drains() -> AsyncIterator[Drains]:
    made = Drains()
    yield made
    made.busy.set()


async def settle_down() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_somebody_idle_looks_again(config: Config, drains: Drains) -> None:
    engine = Engine(config, drains)
    drains.busy.set()
    engine.wake("one.test")
    await settle_down()
    for _ in range(3):
        engine.wake("one.test")
        await settle_down()
    assert (drains.begun, drains.roused) == (1, 3)


async def test_somebody_busy_has_a_moment_and_then_there_is_another_line(config: Config, drains: Drains) -> None:
    engine = Engine(config, drains)
    engine.wake("one.test")
    await settle_down()
    engine.wake("one.test")
    engine.wake("one.test")
    await settle_down()
    assert drains.begun == 1
    await drains.two.wait()
    assert drains.begun == 2


async def test_help_is_another_line_at_once_up_to_a_limit(config: Config, drains: Drains) -> None:
    engine = Engine(config, drains)
    for _ in range(module.LINES + 3):
        engine.help("one.test")
    await settle_down()
    assert drains.begun == module.LINES


async def test_where_connections_are_scarce_nobody_keeps_one(config: Config, drains: Drains) -> None:
    engine = Engine(config, drains)
    drains.busy.set()
    engine.wake("one.test")
    await settle_down()
    engine.make_room()
    await settle_down()
    engine.wake("one.test")
    await settle_down()
    assert (drains.begun, drains.roused) == (2, 0)


async def test_nobody_begins_once_it_stops(config: Config, drains: Drains) -> None:
    engine = Engine(config, drains)
    engine.stopping = True
    engine.wake("one.test")
    await settle_down()
    assert drains.begun == 0
