"""REPLACE (RFC 8508): both or neither, also where the answer to the commit was lost."""

import pytest

from mailservices.config import Config
from mailservices.mail.errors import MessageGone, NoSuchFolder, Unavailable
from mailservices.store import bodies, mailboxes, messages, replacing
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.pool import Pool, open_pool
from tests.conftest import Person
from tests.store.relay import Relay
from tests.store.test_messages import NOW, fill


async def delivery(pool: Pool, person: Person, mailbox_id: int) -> Delivery:
    content = Content(b"", b"X: y\r\n\r\n", await bodies.keep(pool, b"new"), b"()", b"()", None)
    return Delivery(((content, (Placement(person.account_id, mailbox_id, NOW),)),))


@pytest.mark.parametrize(("passes", "late"), [(True, 0.0), (False, 0.0)])
async def test_the_answer_was_lost(config: Config, pool: Pool, alice: Person, passes: bool, late: float) -> None:
    account_id = alice.account_id
    inbox = (await mailboxes.find(pool, account_id, "INBOX")).mailbox_id
    await fill(pool, alice, inbox)
    new = await delivery(pool, alice, inbox)
    async with Relay(config, passes=passes, late=late) as relay:
        through = await open_pool(relay.database(), "test")
        if passes:
            [placed], changes = await replacing.replace(through, account_id, inbox, 2, new)
            assert (placed.uid, changes.expunged) == (4, (2,))
        else:
            with pytest.raises(Unavailable):
                await replacing.replace(through, account_id, inbox, 2, new)
        assert relay.broken
        await through.close()
    assert await messages.uids(pool, account_id, inbox) == ([1, 3, 4] if passes else [1, 2, 3])


async def test_what_cannot_be_replaced_stays(pool: Pool, alice: Person) -> None:
    account_id = alice.account_id
    inbox = (await mailboxes.find(pool, account_id, "INBOX")).mailbox_id
    await fill(pool, alice, inbox)
    with pytest.raises(NoSuchFolder):
        await replacing.replace(pool, account_id, inbox, 1, await delivery(pool, alice, 0))
    with pytest.raises(MessageGone):
        await replacing.replace(pool, account_id, inbox, 9, await delivery(pool, alice, inbox))
    assert await messages.uids(pool, account_id, inbox) == [1, 2, 3]
