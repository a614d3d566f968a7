"""Maildrops that are large, and sessions that die while they are updated: removed wholly, or not at all."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress

import pytest

from mailservices.store.maildrops import LEASE
from tests.conftest import Person
from tests.faults.clients import Imap, Lost, Pop3, Refused, eventually
from tests.faults.conftest import World
from tests.faults.ledger import broken, compose
from tests.faults.test_hostile import MIB, memory

SEED = int(os.environ.get("FAULTS_SEED") or time.time())
#: Messages of the large maildrop; what its session may cost (its list is three megabytes); their removal at once.
LARGE = 100_000
LARGE_OCTETS = 24 * MIB
REMOVAL_OCTETS = 48 * MIB
#: Messages that are removed at once, and how often it is tried.
REMOVED, ROUNDS = 500, 12

# Copies of the message with UID 1.
COPIES = """
INSERT INTO mail_message (account_id, mailbox_id, uid, modseq, internaldate, size, content_id, twin)
SELECT account_id, mailbox_id, n, modseq, internaldate, size, content_id, true
FROM mail_message, generate_series(2, %s) n WHERE account_id = %s AND uid = 1
"""
COUNTED = """
UPDATE mail_mailbox SET uidnext = %s + 1, messages = %s, unseen = %s, bytes = bytes * %s
WHERE account_id = %s AND name = 'INBOX'
"""
NOTED = "UPDATE mail_change SET uids = int8multirange(int8range(1, %s + 1)) WHERE account_id = %s"
USED = "UPDATE mail_usage SET messages = %s, bytes = bytes * %s WHERE account_id = %s"


async def fill(world: World, person: Person, count: int) -> None:
    """So many messages in INBOX, all alike."""
    async with Imap(world.services.ports["imap"]) as client:
        await client.sign_in(person)
        await client.append("INBOX", compose(f"m{person.account_id}", 2000))
    with world.database() as database:
        database.execute(COPIES, [count, person.account_id])
        database.execute(COUNTED, [count, count, count, count, person.account_id])
        database.execute(NOTED, [count, person.account_id])
        database.execute(USED, [count, count, person.account_id])


async def messages(world: World, person: Person) -> int:
    async with Imap(world.services.ports["imap"]) as client:
        await client.sign_in(person)
        told = await client.ask(b"STATUS INBOX (MESSAGES)")
    return int(told[0].split(b"MESSAGES ")[1].rstrip(b")\r\n"))


async def test_a_maildrop_of_a_hundred_thousand(world: World, person: Person) -> None:
    await fill(world, person, LARGE)
    async with Pop3(world.services.ports["pop3"]) as client:
        with memory(world, "pop3", LARGE_OCTETS):
            await client.sign_in(person)
            listed = await client.lines(b"LIST")
            assert (len(listed), listed[-1].split()[0]) == (LARGE, b"%d" % LARGE)
            ids = [line.split()[1] for line in await client.lines(b"UIDL")]
            assert len(set(ids)) == LARGE
            assert all(len(one) <= 70 for one in ids)
            assert (await client.ask(b"STAT")).split()[1] == b"%d" % LARGE
            for number in (1, LARGE // 2, LARGE):
                assert b"".join(await client.lines(b"RETR %d" % number)) == compose(f"m{person.account_id}", 2000)
        with memory(world, "pop3", REMOVAL_OCTETS):
            await client.send(b"".join(b"DELE %d\r\n" % number for number in range(2, LARGE + 1)))
            for _ in range(2, LARGE + 1):
                assert (await client.line()).startswith(b"+OK")
            await client.ask(b"QUIT")
    assert await messages(world, person) == 1


async def _mark(client: Pop3, person: Person, count: int) -> None:
    await client.sign_in(person)
    await client.send(b"".join(b"DELE %d\r\n" % number for number in range(1, count + 1)))
    for _ in range(count):
        assert (await client.line()).startswith(b"+OK")


def _kill(world: World) -> None:
    """Its workers only: the arbiter starts others."""
    for pid in world.workers("pop3"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_a_session_that_is_killed_in_the_middle_removes_nothing(whole: World, person: Person) -> None:
    """The update waits for a lock that somebody else has, and the process dies."""
    await fill(whole, person, REMOVED)
    with whole.database() as database:
        async with Pop3(whole.services.ports["pop3"]) as client:
            await _mark(client, person, REMOVED)
            with database.transaction():
                database.execute("SELECT FROM mail_usage WHERE account_id = %s FOR UPDATE", [person.account_id])
                await client.send(b"QUIT\r\n")
                await eventually(lambda: asyncio.to_thread(_waits, whole), "the update waits")
                _kill(whole)
                with pytest.raises(Lost):
                    await client.line()
    await whole.healthy()
    assert await messages(whole, person) == REMOVED

    async def may() -> bool:
        try:
            async with Pop3(whole.services.ports["pop3"]) as client:
                await client.sign_in(person)
        except Refused:
            return False
        return True

    # Nobody has to lift the lock of the dead.
    await eventually(may, "the maildrop is free again", LEASE.total_seconds() + 30)


def _waits(world: World) -> bool:
    query = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name ~ 'pop3')"
    )
    with world.database() as database:
        found = database.execute(query).fetchone()
    assert found
    return bool(found[0])


async def test_kill_at_any_moment_of_quit(whole: World) -> None:
    dice, fates = random.Random(SEED), list[str]()
    print(f"\nFAULTS_SEED={SEED}")
    people = await asyncio.to_thread(whole.people, ROUNDS)
    for person in people:
        await fill(whole, person, REMOVED)
        answered = False
        async with Pop3(whole.services.ports["pop3"]) as client:
            await _mark(client, person, REMOVED)
            await client.send(b"QUIT\r\n")
            await asyncio.sleep(dice.uniform(0.0, 0.06))
            _kill(whole)
            with suppress(Lost):
                answered = (await client.line()).startswith(b"+OK")
        await whole.healthy()
        count = await messages(whole, person)
        assert count in ((0,) if answered else (0, REMOVED)), f"{count} messages, answered: {answered}"
        fates.append("answered" if answered else "removed" if count == 0 else "nothing")
    print({fate: fates.count(fate) for fate in set(fates)})
    with whole.database() as database:
        assert broken(database) == {}
