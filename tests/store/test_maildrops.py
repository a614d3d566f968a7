"""Maildrops: the lock and who may have it when, what is listed, what an update does or leaves undone."""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mailservices.mail.errors import InUse, NoSuchFolder, SwitchedOff, TooSoon
from mailservices.store import mailboxes, maildrops, messages
from mailservices.store.maildrops import Held, Lists, Locks
from mailservices.store.pool import Connection, Pool
from tests.conftest import Database, Person
from tests.store.test_messages import fill
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account
from webadmin.directory.pop import change_pop


async def choose(person: Person, **changes: Any) -> None:
    def carry_out() -> None:
        change_pop(OPERATOR, Account.objects.get(pk=person.account_id), **changes)

    await asyncio.to_thread(carry_out)


@pytest.fixture
async def locks(pool: Pool) -> AsyncIterator[Locks]:
    """As one process holds them."""
    made = Locks(pool)
    yield made
    await made.close()


async def take(locks: Locks, account_id: int) -> Held:
    return await locks.take(account_id, lambda: None)


async def listed(pool: Pool, held: Held) -> list[tuple[int, int, bytes, bool]]:
    return await listed_in(pool, held, held.mailbox_id)


async def listed_in(pool: Pool, held: Held, mailbox_id: int) -> list[tuple[int, int, bytes, bool]]:
    octets, rows = await maildrops.listing(pool, held, mailbox_id, held.newest_days)
    assert len(rows) % maildrops.ROW_OCTETS == 0
    found = list(struct.iter_unpack(maildrops.ROW, rows))
    assert octets == sum(row[1] for row in found)
    return found


async def test_one_session_has_the_lock(locks: Locks, alice: Person, bob: Person, database: Database) -> None:
    held = await take(locks, alice.account_id)
    with pytest.raises(InUse):
        await take(locks, alice.account_id)
    await locks.release(await take(locks, bob.account_id))
    await locks.release(held)
    again = await take(locks, alice.account_id)
    assert again.owner != held.owner
    # Whoever held it has died.
    end(database, alice)
    assert (await take(locks, alice.account_id)).owner != again.owner


def end(database: Database, person: Person) -> None:
    """The lock's time runs out."""
    database.execute(
        "UPDATE mail_lease SET until = now() - interval '1 second' WHERE account_id = %s", [person.account_id]
    )


async def test_locks_are_renewed_and_who_loses_one_is_told(
    pool: Pool, locks: Locks, alice: Person, bob: Person, database: Database
) -> None:
    lost: list[str] = []
    mine = await locks.take(alice.account_id, lambda: lost.append(alice.address))
    await locks.take(bob.account_id, lambda: lost.append(bob.address))
    for person in (alice, bob):
        end(database, person)
    await locks.renew()
    with pytest.raises(InUse):
        await take(locks, alice.account_id)
    end(database, bob)
    others = Locks(pool)
    await take(others, bob.account_id)
    await locks.renew()
    await locks.renew()
    assert lost == [bob.address]
    # What was given back is nobody's loss, nor is it taken again.
    database.execute("UPDATE mail_lease SET until = '-infinity' WHERE account_id = %s", [alice.account_id])
    await locks.renew()
    await others.release(await take(others, alice.account_id))
    await locks.release(mine)
    await locks.renew()
    assert lost == [bob.address]
    await others.close()


async def test_one_that_is_being_given_back_is_neither_lost_nor_waited_for(
    locks: Locks, alice: Person, bob: Person, database: Database
) -> None:
    lost: list[str] = []
    await locks.take(alice.account_id, lambda: lost.append(alice.address))
    with database.transaction():
        database.execute("UPDATE mail_lease SET until = '-infinity' WHERE account_id = %s", [alice.account_id])
        async with asyncio.timeout(5):
            await locks.renew()
            tries = await asyncio.gather(
                take(locks, alice.account_id), take(locks, alice.account_id), take(locks, bob.account_id),
                return_exceptions=True,
            )  # fmt: skip
    assert [type(one) for one in tries] == [InUse, InUse, Held]
    assert lost == []


async def test_of_many_at_once_one_gets_it(locks: Locks, alice: Person) -> None:
    tries = await asyncio.gather(*(take(locks, alice.account_id) for _ in range(20)), return_exceptions=True)
    assert len([one for one in tries if isinstance(one, Held)]) == 1
    assert len([one for one in tries if isinstance(one, InUse)]) == 19


async def test_each_of_many_gets_ones_own(locks: Locks, alice: Person, bob: Person) -> None:
    ids = [alice.account_id, bob.account_id]
    held = await asyncio.gather(*(take(locks, account_id) for account_id in ids))
    assert [one.account_id for one in held] == ids
    await asyncio.gather(*(locks.release(one) for one in held))
    assert [one.account_id for one in await asyncio.gather(*(take(locks, one) for one in ids))] == ids


async def test_who_signs_in_too_soon_is_told_so(locks: Locks, alice: Person, database: Database) -> None:
    await choose(alice, login_delay=60)
    held = await take(locks, alice.account_id)
    with pytest.raises(InUse):
        await take(locks, alice.account_id)
    await locks.release(held)
    with pytest.raises(TooSoon):
        await take(locks, alice.account_id)
    database.execute(
        "UPDATE mail_lease SET taken_at = now() - interval '61 seconds' WHERE account_id = %s", [alice.account_id]
    )
    assert (await take(locks, alice.account_id)).login_delay == 60


async def test_who_is_not_served(pool: Pool, locks: Locks, alice: Person, database: Database) -> None:
    await choose(alice, active=False)
    with pytest.raises(SwitchedOff):
        await take(locks, alice.account_id)
    await choose(alice, active=True, folder="Archive")
    await mailboxes.delete(pool, alice.account_id, "Archive")
    with pytest.raises(NoSuchFolder, match="Archive"):
        await take(locks, alice.account_id)
    with pytest.raises(SwitchedOff):
        await take(locks, 0)
    found = database.execute("SELECT FROM mail_lease WHERE account_id IN (0, %s)", [alice.account_id])
    assert not found.fetchall()


async def test_a_list_tells_twins_apart(pool: Pool, locks: Locks, alice: Person) -> None:
    held = await take(locks, alice.account_id)
    assert await listed(pool, held) == []
    account_id, inbox = alice.account_id, held.mailbox_id
    archive = (await mailboxes.find(pool, account_id, "Archive")).mailbox_id
    await fill(pool, alice, inbox)
    await messages.copy(pool, account_id, inbox, [1, 2], inbox)
    await messages.copy(pool, account_id, inbox, [1, 3, 4], archive)
    rows = await listed(pool, held)
    assert [(row[0], row[1], row[3]) for row in rows] == [
        (1, 9, False), (2, 9, False), (3, 9, False), (4, 9, True), (5, 9, True),
    ]  # fmt: skip
    assert [row[2] for row in rows][3:] == [row[2] for row in rows][:2]
    # Two with one content that come together are told apart, too; and what was told stays so.
    assert [row[3] for row in await listed_in(pool, held, archive)] == [False, False, True]
    await maildrops.update(pool, locks, held, inbox, [1, 2])
    again = await take(locks, account_id)
    assert [(row[0], row[3]) for row in await listed(pool, again)] == [(3, False), (4, True), (5, True)]


async def test_only_what_came_of_late_is_listed(
    pool: Pool, locks: Locks, alice: Person, database: Database
) -> None:
    await choose(alice, newest_days=7)
    held = await take(locks, alice.account_id)
    await fill(pool, alice, held.mailbox_id)
    assert await listed(pool, held) == []
    database.execute(
        "UPDATE mail_message SET internaldate = now() - interval '6 days' WHERE account_id = %s AND uid = 2",
        [alice.account_id],
    )
    assert [row[0] for row in await listed(pool, held)] == [2]


async def test_an_update_removes_and_gives_the_lock_back(pool: Pool, locks: Locks, alice: Person) -> None:
    held = await take(locks, alice.account_id)
    await fill(pool, alice, held.mailbox_id)
    [(folder, modseq)] = await maildrops.update(pool, locks, held, held.mailbox_id, [1, 3, 99])
    assert (folder, modseq > 1) == (held.mailbox_id, True)
    again = await take(locks, alice.account_id)
    assert [row[0] for row in await listed(pool, again)] == [2]
    assert await maildrops.update(pool, locks, again, again.mailbox_id, []) == []
    await take(locks, alice.account_id)


async def test_whoever_has_lost_the_lock_removes_nothing(
    pool: Pool, locks: Locks, alice: Person, database: Database
) -> None:
    held = await take(locks, alice.account_id)
    await fill(pool, alice, held.mailbox_id)
    database.execute("DELETE FROM mail_lease WHERE account_id = %s", [alice.account_id])
    with pytest.raises(InUse):
        await maildrops.update(pool, locks, held, held.mailbox_id, [1])
    assert len(await listed(pool, held)) == 3


@pytest.mark.parametrize("trash", [False, True])
async def test_what_has_expired_goes_with_it(
    pool: Pool, locks: Locks, alice: Person, database: Database, trash: bool
) -> None:
    await choose(alice, expire_days=10, newest_days=5, to_trash=trash)
    held = await take(locks, alice.account_id)
    await fill(pool, alice, held.mailbox_id)
    database.execute(
        "UPDATE mail_message SET savedate = now() - interval '11 days' WHERE account_id = %s AND uid = 2",
        [alice.account_id],
    )
    bin_id = (await mailboxes.find(pool, alice.account_id, "Trash")).mailbox_id
    changed = await maildrops.update(pool, locks, held, held.mailbox_id, [1])
    assert {folder for folder, _ in changed} == {held.mailbox_id} | ({bin_id} if trash else set())
    assert await messages.uids(pool, alice.account_id, held.mailbox_id) == [3]
    assert await messages.uids(pool, alice.account_id, bin_id) == ([1, 2] if trash else [])


async def test_nothing_expires_in_another_folder(
    pool: Pool, locks: Locks, alice: Person, database: Database
) -> None:
    """RFC 937: FOLD leads there, and the lock is kept."""
    await choose(alice, expire_days=10)
    held = await take(locks, alice.account_id)
    archive = (await mailboxes.find(pool, alice.account_id, "Archive")).mailbox_id
    await fill(pool, alice, archive)
    database.execute(
        "UPDATE mail_message SET savedate = now() - interval '11 days' WHERE account_id = %s", [alice.account_id]
    )
    assert await maildrops.update(pool, locks, held, archive, [], keep=True) == []
    assert [folder for folder, _ in await maildrops.update(pool, locks, held, archive, [2], keep=True)] == [
        archive
    ]
    assert await messages.uids(pool, alice.account_id, archive) == [1, 3]
    with pytest.raises(InUse):
        await take(locks, alice.account_id)


async def test_what_is_removed_from_trash_is_gone(pool: Pool, locks: Locks, alice: Person) -> None:
    await choose(alice, folder="Trash", to_trash=True)
    held = await take(locks, alice.account_id)
    await fill(pool, alice, held.mailbox_id)
    await maildrops.update(pool, locks, held, held.mailbox_id, [1, 2])
    assert await messages.uids(pool, alice.account_id, held.mailbox_id) == [3]


async def test_the_strictest_of_all_choices(pool: Pool, alice: Person, bob: Person, database: Database) -> None:
    database.execute("DELETE FROM directory_pop_choices")
    assert await maildrops.extremes(pool) == (None, 0)
    await choose(alice, expire_days=30, login_delay=60)
    await choose(bob, expire_days=20, login_delay=90, active=False)
    assert await maildrops.extremes(pool) == (30, 60)
    await choose(bob, active=True)
    assert await maildrops.extremes(pool) == (20, 90)
    await choose(bob, delete_retrieved=True)
    assert await maildrops.extremes(pool) == (0, 90)
    database.execute("DELETE FROM directory_pop_choices")


async def test_a_list_is_kept_until_something_changes(
    pool: Pool, locks: Locks, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read = maildrops.listing

    async def reading(pool: Pool, held: Held, mailbox_id: int, newest_days: int | None) -> tuple[int, bytes]:
        asked.append(mailbox_id)
        return await read(pool, held, mailbox_id, newest_days)

    monkeypatch.setattr(maildrops, "listing", reading)
    inbox = (await mailboxes.find(pool, alice.account_id, "INBOX")).mailbox_id
    lists = Lists(pool)

    async def uids() -> list[int]:
        held = await take(locks, alice.account_id)
        _, rows = await lists.of(held)
        await locks.release(held)
        return [row[0] for row in struct.iter_unpack(maildrops.ROW, rows)]

    await fill(pool, alice, inbox)
    assert [await uids(), await uids()] == [[1, 2, 3]] * 2
    assert len(asked) == 1
    # What comes, and what another session removes.
    await fill(pool, alice, inbox)
    assert await uids() == [1, 2, 3, 4, 5, 6]
    await messages.remove(pool, alice.account_id, inbox, [2, 5], None, _nothing)
    assert [await uids(), await uids()] == [[1, 3, 4, 6]] * 2
    assert len(asked) == 3
    # What leaves the list with time is not kept.
    await choose(alice, newest_days=36500)
    assert [await uids(), await uids()] == [[1, 3, 4, 6]] * 2
    assert len(asked) == 5


async def _nothing(_db: Connection) -> None:
    """The lock stays as it is."""


async def test_no_more_lists_are_kept_than_there_is_room_for(
    pool: Pool, locks: Locks, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = Lists(pool)
    held = {}
    for person in (alice, bob):
        inbox = (await mailboxes.find(pool, person.account_id, "INBOX")).mailbox_id
        await fill(pool, person, inbox)
        held[inbox] = await take(locks, person.account_id)
    monkeypatch.setattr(maildrops, "LISTS_OCTETS", 5 * maildrops.ROW_OCTETS)
    for one in held.values():
        await lists.of(one)
    assert list(lists._kept) == [list(held)[1]]
    monkeypatch.setattr(maildrops, "LIST_OCTETS", 2 * maildrops.ROW_OCTETS)
    await lists.of(list(held.values())[1])
    assert (lists._kept, lists._octets) == ({}, 0)
