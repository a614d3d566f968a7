"""The rules as the engine reads them, and greylisting by one statement, on a real PostgreSQL."""

import asyncio
import dataclasses
import ipaddress
from datetime import timedelta

import pytest
from django.db.models import F

from mailservices.config import Config
from mailservices.mail.dnslist import DnsList
from mailservices.mail.errors import Unavailable
from mailservices.mail.policy import Action, Inbound, ListEffect
from mailservices.store import greylist, policy
from mailservices.store.policy import KEPT_SECONDS, Policies, Rules
from mailservices.store.pool import Pool, open_pool
from tests.conftest import orm
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Domain
from webadmin.policy import actions
from webadmin.policy.models import Greylisted, Notice

TRIPLET = ("10.9.8.0/24", "sender.test")


async def forget() -> None:
    await orm(lambda: Greylisted.objects.all().delete())


async def test_rules_are_what_the_verbs_wrote(pool: Pool, domain: Domain) -> None:
    def write() -> list[object]:
        actions.change_inbound(OPERATOR, domain, spf="refuse", greylist=True)
        return [
            actions.create_dnslist(OPERATOR, "rules.bl.test", "allow", "127.0.0.2"),
            actions.trust_network(OPERATOR, "2001:db8::/32"),
            actions.trust_sealer(OPERATOR, "lists.test"),
            actions.change_limit(OPERATOR, "messages", 7),
        ]

    rows = await orm(write)
    try:
        rules = await policy.read(pool)
        assert rules.of(domain.name) == Inbound(spf=Action.REFUSE, greylist=True)
        assert rules.of("elsewhere.test") == rules.default
        code = int(ipaddress.IPv4Address("127.0.0.2"))
        assert DnsList("rules.bl.test", ListEffect.ALLOW, ((code, code),)) in rules.lists
        assert rules.trusts("2001:db8::1")
        assert not rules.trusts("192.0.2.1")
        assert "lists.test" in rules.sealers
        assert rules.messages_per_minute == 7
    finally:
        await orm(lambda: [row.delete() for row in rows])  # type: ignore[attr-defined]


async def test_rules_are_read_once_for_seconds(pool: Pool, domain: Domain) -> None:
    now = 0.0
    policies = Policies(pool, lambda: now)
    first, *others = await asyncio.gather(*(policies.current() for _ in range(20)))
    assert all(one is first for one in others)
    await orm(lambda: actions.change_inbound(OPERATOR, domain, spf="off"))
    assert await policies.current() is first
    now = KEPT_SECONDS
    assert (await policies.current()).of(domain.name).spf is Action.OFF


async def test_without_rules_nothing_is_let_pass(config: Config) -> None:
    nowhere = await open_pool(dataclasses.replace(config.database, port=1), "test")
    policies = Policies(nowhere)
    with pytest.raises(Unavailable):
        await policies.current()
    # Who need not know goes by what was read last.
    assert await policies.recent() == Rules()
    await nowhere.close()


async def test_a_notice_is_renewed(pool: Pool, committed: None) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        await policy.notice(pool, policy.GATEWAY, address)
    assert (await orm(lambda: Notice.objects.get(name=policy.GATEWAY))).detail == "10.0.0.2"
    await orm(lambda: Notice.objects.all().delete())


async def age(minutes: float, **which: str) -> None:
    """Let time pass for these rows."""
    past = timedelta(minutes=minutes)
    aged = {"first_seen": F("first_seen") - past, "last_seen": F("last_seen") - past}
    await orm(lambda: Greylisted.objects.filter(**which).update(**aged))


async def test_who_comes_again_passes(pool: Pool, committed: None) -> None:
    triplet = (*TRIPLET, "alice@again.test")
    first = await greylist.attempt(pool, *triplet, spf_passed=False)
    assert not first.passes
    assert first.seconds in (300, 301)
    await age(4, recipient=triplet[2])
    assert (await greylist.attempt(pool, *triplet, spf_passed=False)).seconds in range(55, 62)
    await age(2, recipient=triplet[2])
    assert (await greylist.attempt(pool, *triplet, spf_passed=False)).passes
    assert (await greylist.attempt(pool, *triplet, spf_passed=False)).passes
    await forget()


async def test_a_network_that_comes_again_often_is_known(pool: Pool, committed: None) -> None:
    for number in range(greylist.SUCCESSES):
        triplet = (*TRIPLET, f"p{number}@network.test")
        assert not (await greylist.attempt(pool, *triplet, spf_passed=False)).passes
        await age(6, recipient=triplet[2])
        assert (await greylist.attempt(pool, *triplet, spf_passed=False)).passes
    assert (await greylist.attempt(pool, *TRIPLET, "new@network.test", spf_passed=False)).passes
    assert not (
        await greylist.attempt(pool, "198.51.100.0/24", "x.test", "new@network.test", spf_passed=False)
    ).passes
    await age(60 * 24 * 40, recipient="")
    assert not (await greylist.attempt(pool, *TRIPLET, "other@network.test", spf_passed=False)).passes
    await forget()


@pytest.mark.parametrize(("passed", "passes"), [(True, True), (False, False)])
async def test_a_known_domain_whose_spf_passes_is_known(
    pool: Pool, committed: None, passed: bool, passes: bool
) -> None:
    triplet = (*TRIPLET, "alice@spf.test")
    await greylist.attempt(pool, *triplet, spf_passed=True)
    await age(6, recipient=triplet[2])
    assert (await greylist.attempt(pool, *triplet, spf_passed=True)).passes
    elsewhere = ("198.51.100.0/24", TRIPLET[1], "bob@spf.test")
    assert (await greylist.attempt(pool, *elsewhere, spf_passed=passed)).passes is passes
    await forget()


async def test_what_is_no_longer_known_is_removed(pool: Pool, committed: None) -> None:
    await greylist.attempt(pool, *TRIPLET, "old@gone.test", spf_passed=False)
    await greylist.attempt(pool, *TRIPLET, "new@gone.test", spf_passed=False)
    await age(60 * 24 * 3, recipient="old@gone.test")
    assert await greylist.drop_greylisted(pool, 1000) >= 1
    left = await orm(
        lambda: list(Greylisted.objects.filter(network=TRIPLET[0]).values_list("recipient", flat=True))
    )
    assert left == ["new@gone.test"]
    await forget()
