"""Guessing is slowed, then blocked: by account, address and network, over Redis and without it."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mailservices.auth import throttle
from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate
from mailservices.auth.throttle import ACCOUNT, ADDRESS
from mailservices.config import Config
from mailservices.mail.errors import SignInFailed, TooManySignIns
from mailservices.net import limiter
from mailservices.net.limiter import Blocks, Limiter
from mailservices.protocols.sasl.exchange import Claim
from mailservices.store.pool import Pool
from tests.auth.world import ADDRESSES, HERE, by_scram, web
from tests.conftest import Person
from webadmin.security.models import AccessRule


async def guess(gate: Gate, name: str, times: int, client: Client = HERE) -> None:
    for _ in range(times):
        with pytest.raises(SignInFailed):
            await by_scram(gate, name, "wrong", client)


def blocked(config: Config, what: str) -> list[str]:
    blocks = Blocks(config.redis_url)
    try:
        return [block.limit for block in blocks.all() if block.what == what]
    finally:
        blocks.close()


async def test_an_account_is_blocked_and_its_owner_goes_on(gate: Gate, config: Config, alice: Person) -> None:
    home, stranger = Client(next(ADDRESSES)), Client("127.0.0.1")
    claim = Claim(alice.address, alice.password)
    await gate.check(claim, home)
    await guess(gate, alice.address, int(ACCOUNT.size) + 1, stranger)
    assert blocked(config, alice.address) == ["account"]
    with pytest.raises(TooManySignIns):
        await gate.check(claim, stranger)
    with pytest.raises(TooManySignIns):
        await by_scram(gate, alice.address, alice.password, stranger)
    assert await gate.check(claim, home)
    assert await by_scram(gate, alice.address, alice.password, home)


async def test_a_name_that_nobody_has_is_blocked_alike(gate: Gate, alice: Person) -> None:
    name = f"nobody@{alice.address.partition('@')[2]}"
    await guess(gate, name, int(ACCOUNT.size) + 1)
    with pytest.raises(TooManySignIns):
        await gate.check(Claim(name, "x"), HERE)


async def test_an_owners_own_mistakes_block_nobody_else(gate: Gate, config: Config, alice: Person) -> None:
    home = Client(next(ADDRESSES))
    await gate.check(Claim(alice.address, alice.password), home)
    await guess(gate, alice.address, int(ACCOUNT.size) + 2, home)
    assert blocked(config, alice.address) == []
    assert await gate.check(Claim(alice.address, alice.password), HERE)


async def test_an_address_is_blocked_whatever_it_asks(gate: Gate, alice: Person, bob: Person) -> None:
    stranger, neighbour = Client("2001:db8:77:1::1"), Client("2001:db8:77:1::2")
    for number in range(int(ADDRESS.size) + 1):
        await guess(gate, f"a{number}@nowhere.test", 1, stranger)
    # Of IPv6 a customer has a /64.
    for client in (stranger, neighbour):
        with pytest.raises(TooManySignIns):
            await gate.check(Claim(alice.address, alice.password), client)
    assert await gate.check(Claim(alice.address, alice.password), Client("2001:db8:77:2::1"))
    assert await gate.check(Claim(bob.address, bob.password), HERE)


async def test_a_block_is_seen_and_lifted(
    gate: Gate, config: Config, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "HELD_SECONDS", 0.0)
    await guess(gate, alice.address, int(ACCOUNT.size) + 1)
    blocks = Blocks(config.redis_url)
    found = next(block for block in blocks.all() if block.what == alice.address)
    assert found.why == f"imap: {alice.address}"
    blocks.lift(found)
    assert [block for block in blocks.all() if block.what == alice.address] == []
    blocks.close()
    assert await gate.check(Claim(alice.address, alice.password), HERE)


async def test_the_pause_grows(config: Config, alice: Person) -> None:
    limiter = Limiter(config.redis_url)
    slow = throttle.Throttle(limiter, "imap")
    pauses = [await slow.failed("127.0.0.1", f"pause@{alice.address.partition('@')[2]}") for _ in range(7)]
    assert pauses == sorted(pauses)
    assert pauses[0] == throttle.FIRST_PAUSE
    assert pauses[-1] == throttle.LONGEST_PAUSE
    await limiter.close()


async def test_without_redis_each_process_has_its_own_limits(
    pool: Pool, config: Config, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.0)
    away = dataclasses.replace(config, redis_url="redis://127.0.0.1:1/0")
    gate, other = Gate(pool, away, "imap"), Gate(pool, away, "imap")
    claim, home = Claim(alice.address, alice.password), Client(next(ADDRESSES))
    assert await gate.check(claim, home)
    await guess(gate, alice.address, int(ACCOUNT.size) + 1)
    with pytest.raises(TooManySignIns):
        await gate.check(claim, HERE)
    assert await gate.check(claim, home)
    assert await other.check(claim, HERE)
    await gate.close()
    await other.close()


@asynccontextmanager
async def ruled(gate: Gate, network: str, effect: str) -> AsyncIterator[None]:
    """A rule of access that holds meanwhile."""
    rule = await web(lambda: AccessRule.objects.create(network=network, effect=effect))
    await gate.learn()
    yield
    await web(rule.delete)
    await gate.learn()


async def test_who_is_shut_out_signs_in_by_nothing(gate: Gate, alice: Person, committed: None) -> None:
    client = Client(next(ADDRESSES))
    async with ruled(gate, client.peer, "deny"):
        await _signs_in_by_nothing(gate, alice, client)


async def _signs_in_by_nothing(gate: Gate, alice: Person, client: Client) -> None:
    with pytest.raises(TooManySignIns):
        await gate.check(Claim(alice.address, alice.password), client)
    with pytest.raises(TooManySignIns):
        await by_scram(gate, alice.address, alice.password, client)
    assert await gate.check(Claim(alice.address, alice.password), Client(next(ADDRESSES)))


async def test_who_is_allowed_is_never_blocked(gate: Gate, alice: Person, committed: None) -> None:
    client = Client(next(ADDRESSES))
    async with ruled(gate, client.peer, "allow"):
        for _ in range(int(ADDRESS.size) + 1):
            with pytest.raises(SignInFailed):
                await gate.check(Claim(alice.address, "wrong"), client)
        assert await gate.check(Claim(alice.address, alice.password), client)


async def test_the_rules_of_access_are_read(gate: Gate, committed: None) -> None:
    await web(lambda: AccessRule.objects.create(network="203.0.113.0/24", effect="deny"))
    await gate.learn()
    assert gate.throttle.access.denies("203.0.113.5")
    await web(lambda: AccessRule.objects.all().delete())
