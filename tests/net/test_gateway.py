"""When one address stands for all clients, and how often one may come: with a clock that a test turns."""

import pytest

from mailservices.net.gateway import CONNECTIONS, SPAN, WARNING_SECONDS, Gateway


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
