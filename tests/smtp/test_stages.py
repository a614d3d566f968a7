"""What conversations cannot bring about: a gateway that hides the clients, trusted seals, lists that are gone."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from mailservices.config import Config
from mailservices.mail import authentication_results, codes
from mailservices.mail.address import Address
from mailservices.mail.arc import chain
from mailservices.mail.arc.seal import seal
from mailservices.mail.arc.verify import Chain
from mailservices.mail.dkim.canonical import Fields
from mailservices.mail.dkim.sign import Key, new_private
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import ComeBack, TurnedAway
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import NO_CHECKS, Action, Inbound
from mailservices.net.dns import Resolver
from mailservices.net.gateway import CONNECTIONS, SPAN, Gateway
from mailservices.net.limiter import Limiter
from mailservices.net.rates import Rates
from mailservices.smtp import pipeline
from mailservices.smtp.stages import dmarc
from mailservices.smtp.stages.arrival import Arrival, Desk, Outcome, Stranger
from mailservices.smtp.stages.lately import HELD, HELD_SECONDS, Lately
from mailservices.smtp.stages.listings import FAILURES, PASSED_OVER, Listings
from mailservices.store.policy import Policies, Rules
from mailservices.store.pool import Pool
from mailservices.store.tally import Tally
from tests.world import NameServer

RECIPIENT = Address("alice", "here.test")
HEADER = b"From: a@sender.test\r\n\r\n"


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    served = NameServer()
    served.say("sender.test", "v=spf1 -all")
    served.say("_dmarc.sender.test", "v=DMARC1; p=reject")
    yield served
    served.close()


@pytest.fixture
async def desk(pool: Pool, config: Config, names: NameServer) -> AsyncIterator[Desk]:
    resolver = Resolver(replace(config, dns=(("127.0.0.1", names.port),)))
    rates = Rates(Limiter(config.redis_url))
    yield Desk(pool, resolver, Policies(pool), Listings(), rates, Gateway(), Tally(pool))
    await rates.close()


def arrive(desk: Desk, policy: Inbound, peer: str = "10.0.0.1", sealers: frozenset[str] = frozenset()) -> Arrival:
    envelope = Envelope(Address("a", "sender.test"))
    rules = Rules(policy, sealers=sealers)
    return Arrival(
        desk, Stranger(peer), "mx.here.test", rules, exempt=False, helo="h.sender.test", envelope=envelope
    )


async def test_what_rests_on_a_gateways_address_is_not_final(desk: Desk) -> None:
    now = 0.0
    gateway = Gateway(lambda: now)
    for _ in range(CONNECTIONS + 1):
        now += SPAN / CONNECTIONS
        gateway.saw("10.0.0.1")
    policy = replace(NO_CHECKS, spf=Action.REFUSE)
    with pytest.raises(TurnedAway):
        await pipeline.recipient(arrive(desk, policy), RECIPIENT)
    with pytest.raises(ComeBack) as error:
        await pipeline.recipient(arrive(replace(desk, gateway=gateway), policy), RECIPIENT)
    assert error.value.reply == codes.UNDECIDED
    assert "spf=fail" in error.value.reason


@pytest.mark.parametrize(
    ("sealer", "result", "seen", "outcome"),
    [
        ("lists.test", Result.PASS, Result.PASS, Outcome.ACCEPT),
        ("lists.test", Result.PASS, Result.FAIL, Outcome.REFUSE),
        ("lists.test", Result.FAIL, Result.PASS, Outcome.REFUSE),
        ("others.test", Result.PASS, Result.PASS, Outcome.REFUSE),
    ],
)
async def test_a_trusted_seal_stands_for_what_was_lost(
    desk: Desk, sealer: str, result: Result, seen: Result, outcome: Outcome
) -> None:
    arrival = arrive(desk, Inbound(), sealers=frozenset({"lists.test"}))
    arrival.policy, arrival.header = arrival.rules.default, HEADER
    saw = Finding("spf", seen, "", (("smtp.mailfrom", "sender.test"),))
    results = authentication_results.text(sealer, [saw])
    key = Key("s", new_private(Algorithm.ED25519))
    sealed = seal(HEADER, bytes(32), Result.NONE, results, key, sealer, 0)
    sets = chain.read(Fields(sealed + HEADER)) if result is Result.PASS else ()
    arrival.chain = Chain(Finding("arc", result), sets)
    assert (await dmarc.check(arrival)).outcome is outcome


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        (Action.OFF, Outcome.ACCEPT),
        (Action.NOTE, Outcome.ACCEPT),
        (Action.JUNK, Outcome.JUNK),
        (Action.APPLY, Outcome.REFUSE),
    ],
)
async def test_the_policy_bounds_what_the_sender_wishes(desk: Desk, action: Action, outcome: Outcome) -> None:
    for header in (HEADER, HEADER.replace(b"\r\n\r\n", b"\r\nFrom: b@other.test\r\n\r\n")):
        arrival = arrive(desk, Inbound(dmarc=action))
        arrival.policy, arrival.header = arrival.rules.default, header
        assert (await dmarc.check(arrival)).outcome is outcome


async def test_a_message_without_from_forges_nobody(desk: Desk) -> None:
    arrival = arrive(desk, Inbound())
    arrival.policy, arrival.header = arrival.rules.default, b"Subject: x\r\n\r\n"
    verdict = await dmarc.check(arrival)
    assert (verdict.outcome, verdict.findings[0].result) == (Outcome.ACCEPT, Result.PERMERROR)


async def test_nothing_is_asked_where_nothing_is_to_be(desk: Desk, names: NameServer) -> None:
    names.asked.clear()
    arrival = arrive(desk, NO_CHECKS)
    await pipeline.recipient(arrival, RECIPIENT)
    arrival.header = HEADER
    await pipeline.message(arrival)
    assert (names.asked, arrival.findings) == ([], [])


def test_a_list_that_is_gone_is_passed_over_for_a_while() -> None:
    now = 0.0
    listings = Listings(lambda: now)
    for _ in range(FAILURES - 1):
        listings.failed("bl.test")
    assert listings.usable("bl.test")
    listings.failed("bl.test")
    assert not listings.usable("bl.test")
    now = PASSED_OVER + 1
    assert listings.usable("bl.test")
    for _ in range(FAILURES - 1):
        listings.failed("bl.test")
    listings.answered("bl.test")
    listings.failed("bl.test")
    assert listings.usable("bl.test")


def test_what_was_found_holds_for_a_moment() -> None:
    now = 0.0
    lately = Lately(lambda: now)
    lately.put("asked", Result.PASS)
    assert (lately.get("asked"), lately.get("other")) == (Result.PASS, None)
    for number in range(HELD):
        lately.put(number, Result.FAIL)
    assert lately.get("asked") is None, "the oldest has made place"
    now = HELD_SECONDS
    assert lately.get(1) is None
