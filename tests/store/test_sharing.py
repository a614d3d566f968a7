"""Between two accounts: quotas, flags, and what goes with whom."""

import pytest

from mailservices.mail.errors import MailboxFull, NoSuchFolder
from mailservices.mail.flags import SEEN, Change, Flags
from mailservices.store import bodies, fetch, flags, mailboxes, rights, sharing
from mailservices.store.pool import Pool
from tests.conftest import Database, Person
from tests.store.test_messages import fill


async def inbox_of(pool: Pool, person: Person) -> mailboxes.Folder:
    return await mailboxes.find(pool, person.account_id, "INBOX")


async def test_a_copy_is_the_targets_own(pool: Pool, alice: Person, bob: Person) -> None:
    source, target = (await inbox_of(pool, alice)).mailbox_id, (await inbox_of(pool, bob)).mailbox_id
    await fill(pool, alice, source)
    await flags.set_flags(pool, alice.account_id, source, [1], Change.ADD, Flags(SEEN, ("blue",)))
    copied, gone = await sharing.copy(
        pool, alice.account_id, source, [1, 3], bob.account_id, target, "li", moves=True
    )
    assert (copied.source_uids, copied.target_uids, gone.expunged) == ((1, 3), (1, 2), (1, 3))
    folder = await inbox_of(pool, bob)
    # Without "s" and "w", flags and keywords stay behind.
    assert (folder.messages, folder.unseen) == (2, 2)
    assert (await inbox_of(pool, alice)).messages == 1
    rows = await fetch.first_pieces(pool, bob.account_id, target, [1, 2])
    assert [bodies.unpack(row[5], row[6]) for row in rows] == [b"0", b"2"]


async def test_all_or_none(pool: Pool, alice: Person, bob: Person, database: Database) -> None:
    source, target = (await inbox_of(pool, alice)).mailbox_id, (await inbox_of(pool, bob)).mailbox_id
    await fill(pool, alice, source)
    database.execute("UPDATE directory_account SET quota_bytes = 10 WHERE id = %s", [bob.account_id])
    for where, objection in ((target, MailboxFull), (2**40, NoSuchFolder)):
        if objection is NoSuchFolder:
            database.execute("UPDATE directory_account SET quota_bytes = NULL WHERE id = %s", [bob.account_id])
        with pytest.raises(objection):
            await sharing.copy(pool, alice.account_id, source, [1, 2], bob.account_id, where, "lrswi", moves=True)
    assert (await inbox_of(pool, alice)).messages == 3
    assert (await inbox_of(pool, bob)).messages == 0


async def test_rights_are_given_within_a_domain(pool: Pool, alice: Person, bob: Person) -> None:
    inbox = (await inbox_of(pool, alice)).mailbox_id
    assert await rights.grantee(pool, alice.account_id, bob.address) == bob.account_id
    assert await rights.grantee(pool, alice.account_id, alice.address) is None
    assert await rights.grantee(pool, alice.account_id, "bob@elsewhere.test") is None
    await rights.give(pool, alice.account_id, inbox, bob.account_id, "", "lr")
    await rights.give(pool, alice.account_id, inbox, rights.ANYONE, "+", "s")
    [shared] = await rights.shared(pool, bob.account_id)
    assert (shared.owner, shared.rights, shared.folder.name) == (alice.address, "lrs", "INBOX")
    assert await rights.still(pool, bob.account_id, inbox) == "lrs"
    assert await rights.shared(pool, alice.account_id) == []
    await rights.give(pool, alice.account_id, inbox, bob.account_id, "-", "lr")
    await rights.give(pool, alice.account_id, inbox, rights.ANYONE, "", "")
    assert await rights.still(pool, bob.account_id, inbox) == ""
