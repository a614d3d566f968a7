"""Who watches an account hears of its changes, and at once that there may have been some before."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mailservices.config import Config
from mailservices.net.nudges import UNHEARD, Nudges

LIMIT = 10.0


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    def hear(self, mailbox_id: int, modseq: int) -> None:
        self._heard.put_nowait((mailbox_id, modseq))

    async def next(self) -> tuple[int, int]:
        async with asyncio.timeout(LIMIT):
            return await self._heard.get()


@pytest.fixture
async def nudges(config: Config) -> AsyncIterator[Nudges]:
    opened = Nudges(config.redis_url)
    yield opened
    await opened.close()


async def test_who_watches_hears_and_nobody_else(nudges: Nudges, config: Config) -> None:
    mine, other, ear, deaf = 10**15, 10**15 + 1, Ear(), Ear()
    telling = Nudges(config.redis_url)
    nudges.watch(mine, ear.hear)
    nudges.watch(other, deaf.hear)
    assert (await ear.next(), await deaf.next()) == ((0, UNHEARD), (0, UNHEARD))
    telling.tell(mine, 7, 1)
    assert await ear.next() == (7, 1)
    # Nobody is left for a while: then it begins anew.
    nudges.unwatch(mine, ear.hear)
    nudges.unwatch(other, deaf.hear)
    await asyncio.sleep(0.05)
    telling.tell(mine, 7, 2)
    await asyncio.sleep(0.05)
    nudges.watch(mine, ear.hear)
    assert await ear.next() == (0, UNHEARD)
    telling.tell(mine, 7, 3)
    assert await ear.next() == (7, 3)
    await telling.close()


async def test_nothing_is_looked_for_while_nobody_watches(nudges: Nudges, monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Ear()
    nudges.watch(10**15, ear.hear)
    assert await ear.next() == (0, UNHEARD)
    nudges.unwatch(10**15, ear.hear)
    await asyncio.sleep(0.05)
    woken, loop = [0], asyncio.get_running_loop()
    call_at = loop.call_at

    def count(*arguments: object, **named: object) -> asyncio.TimerHandle:
        woken[0] += 1
        return call_at(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_at", count)
    await asyncio.sleep(0.3)
    assert woken[0] <= 3
