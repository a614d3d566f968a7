"""What accounts send is counted together, and each message has a count of its own."""

import asyncio

import pytest

from mailservices.mail.errors import Unavailable
from mailservices.store import allowance
from mailservices.store.allowance import Message
from mailservices.store.pool import Pool
from tests.conftest import Database, Person


async def test_messages_of_one_account_at_once_are_counted_one_after_the_other(
    pool: Pool, database: Database, alice: Person, bob: Person
) -> None:
    limits = "UPDATE directory_account SET sending_messages = 4 WHERE id = ANY(%s)"
    database.execute(limits, [[alice.account_id, bob.account_id]])
    charges = allowance.charges(pool)
    senders = [alice.account_id] * 5 + [bob.account_id] * 2
    found = await asyncio.gather(
        *(allowance.charge(charges, Message(sender, {f"{n}@elsewhere.test"})) for n, sender in enumerate(senders))
    )
    assert [one.count for one in found] == [1, 2, 3, 4, 5, 1, 2]
    assert [one.exceeded for one in found] == [False] * 4 + [True] + [False] * 2
    sent = "SELECT messages, recipients, newcomers FROM queue_sending WHERE account_id = %s"
    assert database.execute(sent, [alice.account_id]).fetchone() == (5, 5, 5)


async def test_an_account_that_is_gone_sends_nothing(pool: Pool) -> None:
    with pytest.raises(Unavailable):
        await allowance.charge(allowance.charges(pool), Message(-1, {"one@elsewhere.test"}))
