"""Modification sequences: what flags do to them, and that none means something else after a crash."""

import asyncio

import psycopg
import pytest

from mailservices.mail.errors import NoSuchFolder
from mailservices.mail.flags import DELETED, FLAGGED, SEEN, Change, Flags
from mailservices.store import flags, mailboxes, messages, modseqs
from mailservices.store.mailboxes import Folder
from mailservices.store.pool import Pool
from tests.conftest import Database, Person
from tests.store.test_messages import fill

STATE = "SELECT modseq, reserved, epoch FROM mail_mailbox WHERE account_id = %s AND name = 'INBOX'"


@pytest.fixture
async def inbox(pool: Pool, alice: Person) -> Folder:
    """Three messages."""
    await fill(pool, alice, (await mailboxes.find(pool, alice.account_id, "INBOX")).mailbox_id)
    return await mailboxes.find(pool, alice.account_id, "INBOX")


async def add(pool: Pool, person: Person, folder: Folder, bits: int, *uids: int) -> int:
    changes, _ = await flags.set_flags(pool, person.account_id, folder.mailbox_id, uids, Change.ADD, Flags(bits))
    return changes.modseq


async def test_flags_draw_one_and_only_where_they_change(pool: Pool, alice: Person, inbox: Folder) -> None:
    where = pool, alice.account_id, inbox.mailbox_id
    changes, newer = await flags.set_flags(*where, [1, 2, 9], Change.ADD, Flags(SEEN | DELETED, ("b", "a")))
    told = [(one.uid, one.bits, one.keywords, one.modseq) for one in changes.flagged]
    now = inbox.modseq + 1
    assert (told, newer) == ([(uid, SEEN | DELETED, ("a", "b"), now) for uid in (1, 2)], [])
    changes, _ = await flags.set_flags(*where, [1, 2], Change.ADD, Flags(SEEN, ("a",)))
    assert (changes.modseq, changes.flagged) == (now, ())
    changes, newer = await flags.set_flags(*where, [2, 3], Change.REPLACE, Flags(FLAGGED), now - 1)
    assert ([one.uid for one in changes.flagged], newer, changes.modseq) == ([3], [2], now + 1)
    changes, _ = await flags.set_flags(*where, [1], Change.REMOVE, Flags(DELETED, ("a", "z")))
    assert [(one.bits, one.keywords) for one in changes.flagged] == [(SEEN, ("b",))]
    folder = await mailboxes.find(pool, alice.account_id, "INBOX")
    assert (folder.messages, folder.unseen, folder.deleted, folder.modseq) == (3, 1, 1, now + 2)
    with pytest.raises(NoSuchFolder):
        await flags.set_flags(pool, alice.account_id, 0, [1], Change.ADD, Flags(SEEN))


async def test_changes_at_once_are_all_kept(pool: Pool, alice: Person, inbox: Folder) -> None:
    bits = [1, 2, 4, 8, 16]
    told = await asyncio.gather(*(add(pool, alice, inbox, bit, 1, 2, 3) for bit in bits))
    assert sorted(told) == [inbox.modseq + number for number in range(1, 6)]
    changes = await messages.changes(pool, alice.account_id, inbox.mailbox_id, 0)
    assert {one.bits for one in changes.flagged} == {sum(bits)}
    folder = await mailboxes.find(pool, alice.account_id, "INBOX")
    assert (folder.unseen, folder.deleted) == (0, 3)


async def test_what_is_told_is_reserved(
    pool: Pool, alice: Person, inbox: Folder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block by a commit that waits for the disk; the others do not wait."""
    monkeypatch.setattr(flags, "SET_FLAGS", flags.SET_FLAGS.replace(f"+ {modseqs.BLOCK} END", "+ 2 END"))
    await modseqs.begin_epoch(pool)
    drawn = []
    for number in range(7):
        before = database.execute(STATE, [alice.account_id]).fetchone()
        drawn.append(await add(pool, alice, inbox, 1 << number % 5, 1 + number // 5))
        after = database.execute(STATE, [alice.account_id]).fetchone()
        assert before
        assert after
        assert drawn[-1] == after[0] <= after[1]
        assert (before[1] == after[1]) is (number % 3 != 0), "every third reserves"
    assert drawn == list(range(inbox.modseq + 1, inbox.modseq + 8))


@pytest.mark.parametrize("then", ["flags", "expunge", "deliver", "copy"])
async def test_after_a_crash_numbers_go_on_above_whatever_was_told(
    pool: Pool, alice: Person, inbox: Folder, database: Database, then: str
) -> None:
    account_id, mailbox_id = alice.account_id, inbox.mailbox_id
    await modseqs.begin_epoch(pool)
    first = await add(pool, alice, inbox, SEEN, 1)
    told = await add(pool, alice, inbox, DELETED, 2)
    # What a crash does: the last change is lost, and whatever is not logged.
    query = "UPDATE mail_mailbox SET modseq = %s, deleted = 0 WHERE account_id = %s AND mailbox_id = %s"
    database.execute(query, [first, account_id, mailbox_id])
    database.execute("UPDATE mail_message SET flags = 0 WHERE account_id = %s AND uid = 2", [account_id])
    database.execute("TRUNCATE mail_epoch")
    match then:
        case "flags":
            now = await add(pool, alice, inbox, FLAGGED, 2)
        case "expunge":
            now = (await messages.expunge(pool, account_id, mailbox_id, None)).modseq
        case "deliver":
            await fill(pool, alice, mailbox_id)
            now = (await messages.changes(pool, account_id, mailbox_id, 0)).modseq
        case _:
            now = (await messages.copy(pool, account_id, mailbox_id, [1], mailbox_id)).modseq
    assert now > told
    assert told < (await mailboxes.find(pool, account_id, "INBOX")).modseq
    again = [await add(pool, alice, inbox, 1 << number, 3) for number in range(4)]
    assert again == list(range(now + 1, now + 5)), "and then one after the other"


def test_a_crash_empties_it(database: psycopg.Connection) -> None:
    query = "SELECT relpersistence FROM pg_class WHERE relname = 'mail_epoch'"
    assert database.execute(query).fetchone() == ("u",)
