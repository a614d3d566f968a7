"""What is told of a folder since a modseq: the same from what was noted of changes as from all of its messages."""

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest

from mailservices.mail import rights
from mailservices.mail.flags import DELETED, FLAGGED, SEEN, Change, Flags
from mailservices.store import (
    bodies,
    flags,
    mailboxes,
    maintenance,
    messages,
    modseqs,
    replacing,
    seen,
    sharing,
    undelete,
)
from mailservices.store.appender import Appender
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.pool import Pool, transaction
from tests import direct
from tests.conftest import Database, Person
from tests.store.test_messages import NOW, fill

CHANGED = """
SELECT uid, modseq FROM mail_message WHERE account_id = %s AND mailbox_id = %s AND modseq > %s ORDER BY uid
"""
NOTED = "SELECT modseq, logged, unlogged FROM mail_mailbox WHERE account_id = %s AND mailbox_id = %s"


class Box:
    """A folder of somebody, asked in both ways."""

    def __init__(self, pool: Pool, database: Database, person: Person, mailbox_id: int) -> None:
        self.where = pool, person.account_id, mailbox_id
        self._database = database
        self._person = person

    async def noted(self) -> bool:
        """Whether all was noted; either way what is told is all that has changed, since whatever modseq."""
        _, account_id, mailbox_id = self.where
        [(modseq, logged, unlogged)] = self._database.execute(NOTED, [account_id, mailbox_id]).fetchall()
        for since in range(modseq + 1):
            found = self._database.execute(CHANGED, [account_id, mailbox_id, since]).fetchall()
            changes = await messages.changes(*self.where, since)
            assert [(one.uid, one.modseq) for one in changes.flagged] == found
            assert await messages.changed_since(*self.where, since) == [uid for uid, _ in found]
        return (logged, unlogged) == (modseq, 0)

    async def flag(self, bit: int, *uids: int) -> None:
        await flags.set_flags(*self.where, uids, Change.ADD, Flags(bit))

    def by_an_older_release(self, uid: int) -> None:
        """Flags are changed by statements that know nothing of mail_change."""
        _, account_id, mailbox_id = self.where
        query = """
            WITH drawn AS (
                UPDATE mail_mailbox SET modseq = modseq + 1 WHERE account_id = %s AND mailbox_id = %s
                RETURNING modseq)
            UPDATE mail_message SET modseq = (SELECT modseq FROM drawn), flags = flags # 2
            WHERE account_id = %s AND mailbox_id = %s AND uid = %s"""
        self._database.execute(query, [account_id, mailbox_id, account_id, mailbox_id, uid])


@pytest.fixture
async def inbox(pool: Pool, database: Database, alice: Person) -> Box:
    """Three messages."""
    mailbox_id = (await mailboxes.find(pool, alice.account_id, "INBOX")).mailbox_id
    await fill(pool, alice, mailbox_id)
    return Box(pool, database, alice, mailbox_id)


async def contents(pool: Pool, numbers: Sequence[int]) -> list[Content]:
    return [
        Content(b"", b"X: y\r\n\r\n", await bodies.keep(pool, b"%d" % one), b"()", b"()", None) for one in numbers
    ]


async def test_whatever_comes_or_is_changed_is_noted(
    pool: Pool, database: Database, alice: Person, bob: Person, inbox: Box
) -> None:
    account_id, inbox_id = inbox.where[1:]
    archive = Box(pool, database, alice, (await mailboxes.find(pool, account_id, "Archive")).mailbox_id)
    theirs = Box(pool, database, bob, (await mailboxes.find(pool, bob.account_id, "INBOX")).mailbox_id)
    placements = [Placement(*box.where[1:], NOW) for box in (inbox, archive, theirs)]
    many = tuple((content, tuple(placements)) for content in await contents(pool, range(50)))
    appender = Appender(pool, lambda *_where: None)
    await appender.deliver(Delivery(many))
    await appender.stop()
    await inbox.flag(FLAGGED, 1, 3, 30)
    await inbox.flag(DELETED, 3)
    await messages.copy(*inbox.where, [1, 2, 5], archive.where[2])
    await messages.copy(*inbox.where, [], archive.where[2])
    await messages.copy(*inbox.where, [1], inbox_id)
    await messages.move(*inbox.where, [2, 8], archive.where[2])
    gone = await messages.expunge(*inbox.where, None)
    assert gone.expunged == (3,)
    tombstone = database.execute(
        "SELECT content_id FROM mail_expunged WHERE account_id = %s AND mailbox_id = %s AND uid = 3",
        [account_id, inbox_id],
    ).fetchone()
    assert tombstone
    assert await undelete.restore(*inbox.where, [tombstone[0]])
    await sharing.copy(*inbox.where, [1, 6], *theirs.where[1:], rights.OWNER, moves=True)
    [content] = await contents(pool, [99])
    await replacing.replace(*inbox.where, 5, Delivery(((content, (placements[0],)),)))
    assert await seen.mark(*inbox.where, bob.account_id, [7, 9], seen=True)
    assert await seen.mark(*inbox.where, bob.account_id, [7], seen=False)
    assert await inbox.noted()
    assert await archive.noted()
    assert await theirs.noted()


async def test_an_older_release_notes_nothing(inbox: Box) -> None:
    """It may still run while the database is that of a newer one."""
    inbox.by_an_older_release(2)
    assert not await inbox.noted(), "it drew last"
    await inbox.flag(SEEN, 1)
    assert not await inbox.noted(), "it drew before"
    inbox.by_an_older_release(3)
    inbox.by_an_older_release(2)
    await inbox.flag(SEEN, 3)
    assert not await inbox.noted()


async def test_old_notes_go(pool: Pool, database: Database, inbox: Box) -> None:
    await inbox.flag(FLAGGED, 2)
    account_id = inbox.where[1]
    age = maintenance.CHANGES_KNOWN + dt.timedelta(minutes=1)
    await direct.execute(
        pool, "UPDATE mail_change SET changed_at = now() - $2::interval WHERE account_id = $1 AND modseq < 4",
        account_id, age,
    )  # fmt: skip
    assert await maintenance.drop_changes(pool, 1)
    while await maintenance.drop_changes(pool, 1000):
        pass
    kept = database.execute(
        "SELECT modseq FROM mail_change WHERE account_id = %s ORDER BY 1", [account_id]
    ).fetchall()
    assert kept == [(4,), (5,)]
    assert database.execute(NOTED, inbox.where[1:]).fetchone() == (5, 5, 3)
    assert not await inbox.noted()


async def test_a_folder_takes_its_notes_along(pool: Pool, database: Database, alice: Person) -> None:
    account_id = alice.account_id
    mailbox_id = await mailboxes.create(pool, account_id, ["Short-lived"])
    await fill(pool, alice, mailbox_id)
    left = "SELECT count(*) FROM mail_change WHERE account_id = %s AND mailbox_id = %s"
    assert database.execute(left, [account_id, mailbox_id]).fetchone() != (0,)
    await mailboxes.delete(pool, account_id, "Short-lived")
    assert database.execute(left, [account_id, mailbox_id]).fetchone() == (0,)


async def test_who_waited_for_the_folder_sees_what_was_done_meanwhile(pool: Pool, inbox: Box) -> None:
    """The statement began before: it must not undo what it did not see."""
    _, account_id, mailbox_id = inbox.where
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
    async with transaction(pool) as db:
        await db.execute(modseqs.LOCK, account_id, mailbox_id)
        late = [asyncio.create_task(inbox.flag(bit, 1, 2)) for bit in (FLAGGED, DELETED)]
        async with asyncio.timeout(30):
            while await direct.fetchval(pool, waits) < len(late):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await db.fetch(
            flags.SET_FLAGS, account_id, mailbox_id, [1, 2], SEEN, ["first"], Change.ADD.value, flags.LARGEST, 0
        )
    await asyncio.gather(*late)
    changes = await messages.changes(*inbox.where, 0)
    both = [(one.bits, one.keywords) for one in changes.flagged if one.uid in (1, 2)]
    assert both == [(SEEN | FLAGGED | DELETED, ("first",))] * 2
    folder = await mailboxes.find(pool, account_id, "INBOX")
    assert (folder.unseen, folder.deleted) == (1, 2)
    assert await inbox.noted()
