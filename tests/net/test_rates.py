"""How often one address may come: to one process, to several, with Redis away."""

from collections.abc import AsyncIterator, Callable

import pytest

from mailservices.config import Config
from mailservices.net.limiter import Limiter
from mailservices.net.rates import MINUTE, Rates, network
from mailservices.store.ids import new_id
from tests.net.test_gateway import Clock

Make = Callable[[], Rates]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "own"])
async def make(config: Config, clock: Clock, request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """One more process. Without Redis each counts for itself."""
    made: list[Rates] = []

    def process() -> Rates:
        url = config.redis_url if request.param == "redis" else "redis://127.0.0.1:1/0"
        made.append(Rates(Limiter(url), clock))
        return made[-1]

    yield process
    for rates in made:
        await rates.close()


async def test_a_minute_has_a_limit_for_each_address_and_kind(make: Make) -> None:
    rates, kind = make(), new_id().hex
    assert [await rates.take(kind, "192.0.2.1", 20) for _ in range(22)] == [True] * 20 + [False] * 2
    assert await rates.take(kind, "192.0.2.2", 20)
    assert await rates.take(new_id().hex, "192.0.2.1", 20)


async def test_processes_count_together(config: Config, clock: Clock) -> None:
    kind = new_id().hex
    several = [Rates(Limiter(config.redis_url), clock) for _ in range(3)]
    passed = 0
    for _ in range(40):
        for rates in several:
            passed += await rates.take(kind, "192.0.2.1", 30)
    # Each may let a tenth pass before it asks.
    assert 30 <= passed <= 30 + 2 * 3
    for rates in several:
        await rates.close()


async def test_whoever_comes_seldom_is_never_asked_about(clock: Clock) -> None:
    class Silent(Limiter):
        async def charge(self, *_: object) -> list[object]:  # type: ignore[override]
            raise AssertionError

    rates = Rates(Silent("redis://127.0.0.1:1/0"), clock)
    for _ in range(5):
        assert [await rates.take("x", "192.0.2.1", 30) for _ in range(3)] == [True] * 3
        clock.now += MINUTE
    await rates.close()


async def test_a_client_of_ipv6_is_its_network(make: Make) -> None:
    rates, kind = make(), new_id().hex
    assert await rates.take(kind, "2001:db8::1", 1)
    assert not await rates.take(kind, "2001:db8::2", 1)
    assert network("2001:db8::1", 24, 64) == "2001:db8::/64"
    assert network("192.0.2.99", 24, 64) == "192.0.2.0/24"


async def test_counting_is_bounded(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailservices.net.rates.COUNTED", 10)
    rates = make()
    for number in range(100):
        assert await rates.take("messages", f"192.0.2.{number}", 20)
    assert len(rates._counts) <= 10
