"""Changes of messages whose answer was lost: what was done is said to be done, and is done once."""

import datetime as dt

import pytest

from mailservices.config import Config
from mailservices.mail.errors import NoSuchFolder, Unavailable
from mailservices.store import bodies, mailboxes, maintenance, messages
from mailservices.store.appender import Appender
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.pool import Connection, Pool, open_pool
from tests import direct
from tests.conftest import Person
from tests.store.relay import Relay

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


async def fill(pool: Pool, person: Person, mailbox_id: int) -> None:
    appender = Appender(pool, lambda *_where: None)
    for number in range(3):
        content = Content(b"", b"X: y\r\n\r\n", await bodies.keep(pool, b"%d" % number), b"()", b"()", None)
        await appender.deliver(Delivery(((content, (Placement(person.account_id, mailbox_id, NOW),)),)))
    await appender.stop()


@pytest.mark.parametrize(("passes", "late"), [(True, 0.0), (True, 1.0), (False, 0.0)])
async def test_a_copy_whose_answer_was_lost(
    config: Config, pool: Pool, alice: Person, passes: bool, late: float
) -> None:
    account_id = alice.account_id
    inbox = (await mailboxes.find(pool, account_id, "INBOX")).mailbox_id
    target = (await mailboxes.find(pool, account_id, "Archive")).mailbox_id
    await fill(pool, alice, inbox)
    async with Relay(config, passes=passes, late=late) as relay:
        through = await open_pool(relay.database(), "test")
        if passes:
            copied = await messages.copy(through, account_id, inbox, [1, 3], target)
            assert (copied.source_uids, copied.target_uids) == ((1, 3), (1, 2))
        else:
            with pytest.raises(Unavailable):
                await messages.copy(through, account_id, inbox, [1, 3], target)
        assert relay.broken
        assert await messages.uids(pool, account_id, target) == ([1, 2] if passes else [])
        await through.close()


async def test_what_was_expunged_too_long_ago_is_not_known(pool: Pool, alice: Person) -> None:
    """RFC 7162 §3.2.6: whoever asks about that time hears that, rather than half of it."""
    account_id = alice.account_id
    inbox = (await mailboxes.find(pool, account_id, "INBOX")).mailbox_id
    await fill(pool, alice, inbox)

    async def nothing(_db: Connection) -> None:
        pass

    [(_, first), (_, second)] = [
        changed
        for uid in (1, 2)
        for changed in await messages.remove(pool, account_id, inbox, [uid], None, nothing)
    ]
    assert await messages.vanished(pool, account_id, inbox, 0) == (4, [1, 2])
    await direct.execute(
        pool,
        "UPDATE mail_expunged SET expunged_at = now() - $2::interval WHERE account_id = $1 AND uid = 1",
        account_id, maintenance.UNDELETE + dt.timedelta(minutes=1),
    )  # fmt: skip
    await maintenance.drop_tombstones(pool, 1000)
    assert await messages.vanished(pool, account_id, inbox, first - 1) == (4, None)
    assert await messages.vanished(pool, account_id, inbox, first) == (4, [2])
    assert await messages.vanished(pool, account_id, inbox, second) == (4, [])
    with pytest.raises(NoSuchFolder):
        await messages.vanished(pool, account_id, 0, 0)
