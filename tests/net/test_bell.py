"""The bell rings at once after a pause, and gathers what comes soon after."""

import asyncio
from collections.abc import Sequence

import pytest

from mailservices.config import Config
from mailservices.net import bell
from mailservices.net.bell import Bell


class Heard(Bell):
    """Keeps what would have been sent."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.redis_url)
        self.sent: list[list[str]] = []
        self.rung = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def _send(self, destinations: Sequence[str]) -> None:
        self.sent.append(list(destinations))
        self._loop.call_soon_threadsafe(self.rung.set)


async def test_the_first_ring_goes_at_once_and_those_behind_it_together(config: Config) -> None:
    heard = Heard(config)
    heard.ring(["a.test"])
    await heard.rung.wait()
    for name in ("b.test", "a.test", "b.test", "c.test"):
        heard.ring([name])
    await heard.close()
    assert heard.sent == [["a.test"], ["b.test", "a.test", "c.test"]]


async def test_where_much_goes_out_more_is_gathered(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(bell.asyncio, "sleep", pause)
    for rings in (1, bell.MANY_RINGS - 1, bell.MANY_RINGS):
        heard = Heard(config)
        for _ in range(rings):
            heard.ring(["a.test"])
        await heard.close()
    assert pauses == [bell.GATHER_SECONDS, bell.GATHER_SECONDS, bell.MANY_SECONDS]


async def test_no_more_wait_than_are_remembered(config: Config) -> None:
    heard = Heard(config)
    heard.ring(f"{number}.test" for number in range(bell.WAITING_DESTINATIONS + 5))
    await heard.close()
    assert [len(one) for one in heard.sent] == [bell.WAITING_DESTINATIONS]
