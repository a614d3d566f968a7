"""What became of recipients is written down together, and each settlement counts what its own lease held."""

import asyncio
from collections.abc import Sequence

from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import Event, QueueState
from mailservices.store import queue, settling, trace
from mailservices.store.ids import new_id
from mailservices.store.pool import Pool
from mailservices.store.queue import Attempt, Claim, QueuedRecipient
from mailservices.store.settling import Settled
from tests.conftest import Database
from tests.store.test_queue import add

STATES = "SELECT state, attempts, last_reply FROM queue_recipient WHERE destination = %s ORDER BY recipient_id"
TRIES = "SELECT count(*) FROM queue_attempt JOIN queue_recipient USING (recipient_id) WHERE destination = %s"
TRACED = "SELECT count(*) FROM trace_event WHERE recipient LIKE '%%@' || %s AND kind = 'relayed'"


async def claimed(pool: Pool, database: Database, destination: str, count: int = 1) -> Claim:
    add(database, destination, count)
    claim = await queue.claim(pool, destination, count)
    assert claim
    return claim


def relayed(recipient: QueuedRecipient, host: str = "mx.test", verdict: str = "") -> tuple[Attempt, trace.Row]:
    attempt = Attempt(
        recipient, Event.RELAYED, QueueState.RELAYED, None, "", 0.1, "final", host, "192.0.2.1", code=250,
        enhanced="2.0.0", text="taken", verdict=verdict,
    )  # fmt: skip
    return attempt, trace.Row(recipient.message_id, Event.RELAYED, "worker", recipient=recipient.address)


def settled(claim: Claim, *, again: bool = False) -> Settled:
    return Settled(claim.lease, [relayed(one) for one in claim.recipients], again)


async def settle_all(pool: Pool, those: Sequence[Settled]) -> list[int | BaseException]:
    together = settling.settlements(pool)
    return await asyncio.gather(*(settling.settle(together, one) for one in those), return_exceptions=True)


async def test_those_that_are_settled_at_once_are_each_settled(pool: Pool, database: Database) -> None:
    names = [f"{number}.together.test" for number in range(5)]
    claims = [await claimed(pool, database, name, number + 1) for number, name in enumerate(names)]
    assert await settle_all(pool, [settled(one) for one in claims]) == [1, 2, 3, 4, 5]
    for number, name in enumerate(names):
        rows = database.execute(STATES, [name]).fetchall()
        assert rows == [("relayed", 1, "250 2.0.0 taken")] * (number + 1)
        assert database.execute(TRIES, [name]).fetchone() == (number + 1,)
        assert database.execute(TRACED, [name]).fetchone() == (number + 1,)


async def test_a_lease_that_was_lost_settles_nothing_but_the_try_is_told(pool: Pool, database: Database) -> None:
    claim = await claimed(pool, database, "lost.settling.test")
    lost = Settled(new_id(), settled(claim).attempts)
    assert await settle_all(pool, [lost]) == [0]
    assert database.execute(STATES, ["lost.settling.test"]).fetchall() == [("waiting", 0, "")]
    assert database.execute(TRIES, ["lost.settling.test"]).fetchone() == (1,)


async def test_what_was_settled_before_is_not_told_again(pool: Pool, database: Database) -> None:
    claim = await claimed(pool, database, "twice.settling.test")
    assert await settle_all(pool, [settled(claim)]) == [1]
    assert await settle_all(pool, [settled(claim, again=True)]) == [0]
    assert database.execute(TRIES, ["twice.settling.test"]).fetchone() == (1,)
    assert database.execute(TRACED, ["twice.settling.test"]).fetchone() == (1,)


async def test_one_that_cannot_be_written_does_not_hold_up_the_others(pool: Pool, database: Database) -> None:
    claims = [await claimed(pool, database, f"{number}.poison.test") for number in range(4)]
    those = [settled(one) for one in claims]
    too_long = relayed(claims[2].recipients[0], verdict="x" * 1000)
    those[2] = Settled(claims[2].lease, [too_long])
    first, second, third, fourth = await settle_all(pool, those)
    assert (first, second, fourth) == (1, 1, 1)
    assert isinstance(third, Unavailable)
    assert database.execute(STATES, ["2.poison.test"]).fetchall() == [("waiting", 0, "")]
