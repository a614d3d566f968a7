"""When one address stands for all clients, and how often one may come: with a clock that a test turns."""

import pytest

from mailservices.net.gateway import CONNECTIONS, SPAN, WARNING_SECONDS, Gateway
from mailservices.net.rates import Rates, network


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def come(gateway: Gateway, clock: Clock, address: str, times: int = CONNECTIONS, seconds: float = SPAN + 1) -> int:
    """So many connections over so long; how many warnings there were."""
    warnings = 0
    for _ in range(times):
        clock.now += seconds / times
        warnings += gateway.saw(address)
    return warnings


def test_a_private_address_that_all_have_is_a_gateway(clock: Clock) -> None:
    gateway = Gateway(clock)
    gateway.saw("172.18.0.1")
    assert come(gateway, clock, "172.18.0.1") == 1
    assert gateway.suspected == "172.18.0.1"
    assert come(gateway, clock, "172.18.0.1", 50, WARNING_SECONDS / 2) == 0
    assert come(gateway, clock, "172.18.0.1", 50, WARNING_SECONDS) == 1


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450::1", "127.0.0.1", "::1", ""])
def test_a_public_address_or_this_machine_is_none(clock: Clock, address: str) -> None:
    gateway = Gateway(clock)
    assert come(gateway, clock, address, 3 * CONNECTIONS, 3 * SPAN) == 0
    assert gateway.suspected == ""


def test_another_client_ends_the_suspicion(clock: Clock) -> None:
    gateway = Gateway(clock)
    come(gateway, clock, "10.0.0.1", 2 * CONNECTIONS, 2 * SPAN)
    assert gateway.suspected
    gateway.saw("192.0.2.7")
    assert gateway.suspected == ""


def test_few_or_sudden_connections_are_no_reason(clock: Clock) -> None:
    gateway = Gateway(clock)
    come(gateway, clock, "10.0.0.1", CONNECTIONS - 1, 5 * SPAN)
    assert gateway.suspected == ""
    gateway = Gateway(clock)
    come(gateway, clock, "10.0.0.1", 5 * CONNECTIONS, SPAN / 2)
    assert gateway.suspected == ""


def test_a_minute_has_a_limit_for_each_address(clock: Clock) -> None:
    rates = Rates(clock)
    assert [rates.take("messages", "192.0.2.1", 2) for _ in range(3)] == [True, True, False]
    assert rates.take("messages", "192.0.2.2", 2)
    assert rates.take("connections", "192.0.2.1", 2)
    clock.now += 60
    assert rates.take("messages", "192.0.2.1", 2)


def test_a_client_of_ipv6_is_its_network(clock: Clock) -> None:
    rates = Rates(clock)
    assert rates.take("messages", "2001:db8::1", 1)
    assert not rates.take("messages", "2001:db8::2", 1)
    assert network("2001:db8::1", 24, 64) == "2001:db8::/64"
    assert network("192.0.2.99", 24, 64) == "192.0.2.0/24"


def test_counting_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailservices.net.rates.COUNTED", 10)
    rates = Rates(clock)
    for number in range(100):
        assert rates.take("messages", f"192.0.2.{number}", 5)
    assert len(rates._counts) <= 10
