"""A folder that was opened is known, and what has happened since is learnt: told as if it were read anew."""

import pytest

from mailservices.imap import inventories as keeping
from mailservices.imap.inventories import FOLDER_COSTS, Inventories
from mailservices.mail.errors import NoSuchFolder
from mailservices.mail.flags import FLAGGED, Change, Flags
from mailservices.mail.inventory import Inventory
from mailservices.mail.search import HasFlag, by_flags
from mailservices.store import flags, mailboxes, messages, modseqs
from mailservices.store.pool import Pool
from tests.conftest import Database, Person
from tests.store.test_messages import fill


class Folder:
    """One of somebody's, and all that is known of folders."""

    def __init__(self, pool: Pool, person: Person, mailbox_id: int) -> None:
        self.where = pool, person.account_id, mailbox_id
        self.person = person
        self.inventories = Inventories()

    async def current(self) -> Inventory:
        return await self.inventories.current(*self.where)

    async def flagged(self) -> list[int]:
        wanted = by_flags(HasFlag(FLAGGED))
        assert wanted
        return (await self.inventories.current(*self.where, flags=True)).having(wanted, 99)

    async def flag(self, uid: int, change: Change = Change.ADD) -> None:
        await flags.set_flags(*self.where, [uid], change, Flags(FLAGGED))


@pytest.fixture
async def inbox(pool: Pool, alice: Person) -> Folder:
    """Three messages, and somebody has changed flags before: an epoch has begun."""
    folder = Folder(pool, alice, (await mailboxes.find(pool, alice.account_id, "INBOX")).mailbox_id)
    await fill(pool, alice, folder.where[2])
    await folder.flag(2)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether flags were asked for, of each time that all of a folder was read."""
    times: list[bool] = []
    whole = messages.inventory

    async def inventory(pool: Pool, account_id: int, mailbox_id: int, *, flags: bool) -> Inventory:
        times.append(flags)
        return await whole(pool, account_id, mailbox_id, flags=flags)

    monkeypatch.setattr(messages, "inventory", inventory)
    return times


async def test_what_is_known_is_not_read_again(pool: Pool, inbox: Folder, read: list[bool]) -> None:
    assert (await inbox.current()).uids.tolist() == [1, 2, 3]
    await fill(pool, inbox.person, inbox.where[2])
    assert (await inbox.current()).uids.tolist() == [1, 2, 3, 4, 5, 6]
    assert read == [False]
    assert await inbox.flagged() == [2]
    await inbox.flag(5)
    await inbox.flag(2, Change.REMOVE)
    await flags.set_flags(*inbox.where, [1, 6], Change.ADD, Flags(8))
    await messages.expunge(*inbox.where, None)
    await fill(pool, inbox.person, inbox.where[2])
    await inbox.flag(8)
    assert await inbox.flagged() == [5, 8]
    assert (await inbox.current()).uids.tolist() == [2, 3, 4, 5, 7, 8, 9]
    assert read == [False, True]


async def test_whether_flags_are_at_hand(inbox: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_hand() -> bool:
        return inbox.inventories.has_at_hand(inbox.where[2])

    assert not at_hand(), "nothing is known"
    await inbox.current()
    assert at_hand(), "they are few"
    monkeypatch.setattr(keeping, "FEW", 2)
    assert not at_hand()
    await inbox.flagged()
    assert at_hand(), "they are known"


async def test_nothing_is_believed_across_a_crash(
    pool: Pool, inbox: Folder, read: list[bool], database: Database
) -> None:
    await modseqs.begin_epoch(pool)
    await inbox.flag(3)
    assert await inbox.flagged() == [2, 3]
    # The last change is lost with the crash, and whatever is not logged; then another is made.
    where = inbox.where[1:]
    database.execute(
        "UPDATE mail_message SET flags = 0 WHERE account_id = %s AND mailbox_id = %s AND uid = 3", where
    )
    database.execute("TRUNCATE mail_epoch")
    await inbox.flag(1)
    assert await inbox.flagged() == [1, 2]
    assert read == [True, True]


async def test_what_was_not_wanted_for_long_is_read_anew(
    inbox: Folder, read: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    await inbox.current()
    await inbox.current()
    assert read == [False]
    monkeypatch.setattr(keeping, "AGE", -1.0)
    await inbox.current()
    await inbox.current()
    assert read == [False, False]


async def test_the_least_wanted_goes_first(
    pool: Pool, inbox: Folder, read: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MESSAGES", 2 * FOLDER_COSTS + 3)
    account_id = inbox.where[1]
    others = [(await mailboxes.find(pool, account_id, name)).mailbox_id for name in ("Archive", "Sent", "Trash")]
    current = inbox.inventories.current
    await inbox.current()
    await current(pool, account_id, others[0])
    await inbox.current()
    await current(pool, account_id, others[1])
    await inbox.current()
    assert len(read) == 3, "it was wanted in between"
    await current(pool, account_id, others[0])
    await current(pool, account_id, others[2])
    await inbox.current()
    assert len(read) == 6


async def test_a_folder_that_is_gone(pool: Pool, alice: Person) -> None:
    mailbox_id = await mailboxes.create(pool, alice.account_id, ["Short-lived"])
    folder = Folder(pool, alice, mailbox_id)
    assert (await folder.current()).uids.tolist() == []
    await mailboxes.delete(pool, alice.account_id, "Short-lived")
    for inventories in (folder.inventories, Inventories()):
        with pytest.raises(NoSuchFolder):
            await inventories.current(*folder.where)
