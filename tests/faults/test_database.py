"""PostgreSQL is stopped, killed, frozen, and started again under load: clients are told "later", then all goes on.

Nothing but PostgreSQL is started again: sessions that were open before are used again after.
"""

import asyncio
import os
import random
import signal
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from mailservices.store.queue import LEASE
from tests.conftest import Person
from tests.faults.clients import Imap, Pop3, Refused, Smtp, eventually
from tests.faults.conftest import World
from tests.faults.ledger import Ledger
from tests.faults.storm import Storm

#: What a stranger's mail looks like.
TEXT = b"X-Id: x\r\nSubject: x\r\n\r\nx\r\n"
#: How PostgreSQL ends: SIGINT is what its manual calls a fast shutdown, and what the supervisor sends.
ENDS = {"fast shutdown": signal.SIGINT, "kill -9": signal.SIGKILL}


@asynccontextmanager
async def load(world: World, people: list[Person]) -> AsyncIterator[Storm]:
    """Senders and readers who go on through whatever happens; anything but yes and "later" fails them."""
    storm = Storm(world, random.Random(1), Ledger("load"))
    async with asyncio.TaskGroup() as group:
        group.create_task(storm.send_mail(people))
        group.create_task(storm.send_mail(people))
        group.create_task(storm.append(people[0]))
        group.create_task(storm.read(people[0]))
        group.create_task(storm.submit(people[0], people[1]))
        yield storm
        storm.ending.set()


async def refusal(step: Awaitable[object]) -> str:
    """The words by which something was put off."""
    with pytest.raises(Refused) as refused:
        await step
    return str(refused.value)


async def done(step: Callable[[], Awaitable[object]]) -> bool:
    """Whether it can be done now."""
    try:
        await step()
    except Refused:
        return False
    return True


def page(world: World, path: str) -> int:
    """The status of a page or of an API call."""
    request = urllib.request.Request(f"http://127.0.0.1:{world.services.ports['web']}{path}")
    request.add_header("Authorization", f"Bearer {world.token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize("end", ENDS)
async def test_later_and_then_on(whole: World, end: str) -> None:
    world, ports = whole, whole.services.ports
    people = await asyncio.to_thread(world.people, 3)
    _, bob, carol = people
    pids = {name: (world.pid(name), *world.workers(name)) for name in ("smtp", "imap", "pop3", "worker", "web")}
    async with (
        Smtp(ports["smtp"]) as smtp, Smtp(ports["submission"]) as submission, Imap(ports["imap"]) as imap,
        Imap(ports["imap"]) as idle, Pop3(ports["pop3"]) as pop3, load(world, people[:2]) as storm,
    ):  # fmt: skip
        await submission.sign_in(bob)
        for client in (imap, idle):
            await client.sign_in(carol)
        await imap.append("INBOX", TEXT)
        for client in (imap, idle):
            await client.ask(b"SELECT INBOX")
        await pop3.sign_in(carol)
        idling = await idle.begin(b"IDLE")
        await idle.response()

        await asyncio.to_thread(world.stop, "postgresql", ENDS[end])

        assert (await refusal(smtp.send_mail("a@b.test", [carol.address], TEXT))).startswith("451 4.3.0")
        assert (await refusal(submission.send_mail(bob.address, ["x@three.outside.test"], TEXT))).startswith("451")
        for command in (
            b"STATUS INBOX (MESSAGES)",
            b"CREATE New",
            b'LIST "" "*"',
            b"FETCH 1 ENVELOPE",
            b"SELECT Sent",
        ):
            assert "NO [UNAVAILABLE]" in await refusal(imap.ask(command)), command
        assert "NO [UNAVAILABLE]" in await refusal(imap.append("INBOX", TEXT))
        assert "-ERR [SYS/TEMP]" in await refusal(pop3.lines(b"RETR 1"))
        for stranger, what in (
            (Imap(ports["imap"]), "NO [UNAVAILABLE]"),
            (Pop3(ports["pop3"]), "-ERR [SYS/TEMP]"),
        ):
            async with stranger:
                assert what in await refusal(stranger.sign_in(carol))
        async with Smtp(ports["submission"]) as stranger:
            assert (await refusal(stranger.sign_in(carol))).startswith("454 4.7.0")
        for path in ("/healthz", "/api/v1/domains/", "/api/v1/accounts/"):
            assert await asyncio.to_thread(page, world, path) == 503

        await world.start("postgresql")
        storm.lately.clear()

        await smtp.ask(b"RSET")
        again = lambda: smtp.send_mail("a@b.test", [carol.address], TEXT)  # noqa: E731
        await eventually(lambda: done(again), "port 25 takes mail again")
        await eventually(lambda: done(lambda: imap.ask(b"SELECT INBOX")), "IMAP goes on")
        assert (await pop3.lines(b"RETR 1"))[0] == b"X-Id: x\r\n"
        await pop3.ask(b"QUIT")
        while b"EXISTS" not in (told := await idle.response()):
            assert not told.startswith(idling), "IDLE outlives an outage"
        await submission.ask(b"RSET")
        before = len(world.services.far.taken)
        await submission.send_mail(bob.address, ["x@three.outside.test"], TEXT)
        await eventually(lambda: _taken(world, before), "the worker goes on")
        await eventually(lambda: _kinds(storm), "everybody is served again")
        await eventually(lambda: _serves(world), "the web is there again")
    assert pids == {name: (world.pid(name), *world.workers(name)) for name in pids}, "nothing else was restarted"


async def _taken(world: World, before: int) -> bool:
    return any(one.recipients == ["x@three.outside.test"] for one in world.services.far.taken[before:])


async def _serves(world: World) -> bool:
    return await asyncio.to_thread(page, world, "/api/v1/domains/") == 200


async def _kinds(storm: Storm) -> bool:
    return storm.lately.keys() >= {"smtp", "append", "submission", "imap"}


async def test_frozen(whole: World) -> None:
    """A database that takes connections and says nothing, as behind a dead disk: everybody gets an answer."""
    world, ports = whole, whole.services.ports
    [alice] = await asyncio.to_thread(world.people, 1)
    async with Smtp(ports["smtp"]) as smtp, Imap(ports["imap"]) as imap, Pop3(ports["pop3"]) as pop3:
        await imap.sign_in(alice)
        await imap.append("INBOX", TEXT)
        await pop3.sign_in(alice)
        frozen = [world.pid("postgresql"), *world.workers("postgresql")]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            steps = (
                smtp.send_mail("a@b.test", [alice.address], TEXT),
                imap.ask(b"SELECT INBOX"),
                pop3.lines(b"RETR 1"),
            )
            answers = await asyncio.gather(*map(refusal, steps))
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        assert answers[0].startswith("451 4.3.0")
        assert "NO [UNAVAILABLE]" in answers[1]
        assert "-ERR [SYS/TEMP]" in answers[2]
        await eventually(lambda: done(lambda: imap.ask(b"SELECT INBOX")), "IMAP goes on")
        await smtp.ask(b"RSET")
        await smtp.send_mail("a@b.test", [alice.address], TEXT)


async def test_a_message_in_the_middle(whole: World) -> None:
    """PostgreSQL dies while a large message is being stored: 451, or 250 and it is there."""
    world, ports = whole, whole.services.ports
    [alice] = await asyncio.to_thread(world.people, 1)
    ledger = Ledger("middle")
    kept = 0
    for pause in (0.0, 0.02, 0.05, 0.1, 0.2):
        sent = ledger.new(8_000_000, "smtp", [alice.account_id])
        async with Smtp(ports["smtp"]) as smtp:
            sending = asyncio.create_task(smtp.send_mail("a@b.test", [alice.address], sent.text))
            await asyncio.sleep(pause)
            await asyncio.to_thread(world.stop, "postgresql", signal.SIGKILL)
            await world.start("postgresql")
            kept += await done(lambda sending=sending: sending)
    async with Imap(ports["imap"]) as imap:
        await eventually(lambda: done(lambda: imap.sign_in(alice)), "sign-in works")
        told = b"".join(await imap.ask(b"SELECT INBOX"))
        assert f"* {kept} EXISTS".encode() in told


@pytest.mark.parametrize("leases", [0, 1.2])
async def test_what_the_far_side_has_is_settled_however_late(whole: World, leases: float) -> None:
    """PostgreSQL dies between the far side's answer and the settlement, and stays away for so many leases."""
    world, far = whole, whole.services.far
    world.services.names.lead("late.outside.test", "127.0.0.1")
    [alice] = await asyncio.to_thread(world.people, 1)
    address = f"x{leases}@late.outside.test"

    def die() -> None:
        far.before_answer = lambda: None
        world.stop("postgresql", signal.SIGKILL)

    far.before_answer = die
    async with Smtp(world.services.ports["submission"]) as client:
        await client.sign_in(alice)
        await client.send_mail(alice.address, [address], TEXT)

    def copies() -> int:
        return sum(one.recipients == [address] for one in far.taken)

    async def sent() -> bool:
        return copies() > 0

    await eventually(sent, "the far side has it")
    loop = asyncio.get_running_loop()
    end = loop.time() + leases * LEASE.total_seconds()
    while loop.time() < end:
        assert not await _serves(world)
        await asyncio.sleep(1)
    await world.start("postgresql")
    await eventually(lambda: _serves(world), "the web is there again, however long that was", 8.0)
    query = """SELECT state, attempts, (SELECT count(*) FROM queue_attempt a WHERE a.recipient_id = r.recipient_id)
               FROM queue_recipient r WHERE address = %s"""

    async def settled() -> bool:
        with world.database() as database:
            return database.execute(query, [address]).fetchone() == ("relayed", 1, 1)

    await eventually(settled, "it is settled")
    # Whoever wanted to send it again would have by now.
    await asyncio.sleep(LEASE.total_seconds() / 2)
    assert copies() == 1


async def test_what_is_kept_is_not_refused(whole: World) -> None:
    """APPEND is done, and only what others did cannot be told: NO would have the client append it again."""
    world = whole
    [alice] = await asyncio.to_thread(world.people, 1)
    async with Imap(world.services.ports["imap"]) as imap:
        await imap.sign_in(alice)
        await imap.ask(b"SELECT INBOX")
        with world.database() as database, database.transaction():
            # What was expunged is read to tell of it, and only for that.
            database.execute("LOCK TABLE mail_expunged IN ACCESS EXCLUSIVE MODE")
            assert (await imap.append("INBOX", TEXT))[1] == 1
        assert b"* 1 EXISTS\r\n" in await imap.ask(b"NOOP")


async def test_flags_that_are_lost_leave_no_number_to_others(whole: World) -> None:
    """They do not wait for the disk; but whoever was told of them must hear of what comes later (RFC 7162)."""
    world = whole
    [alice] = await asyncio.to_thread(world.people, 1)
    lately = ("ALTER SYSTEM SET wal_writer_delay = '10s'", "SELECT pg_reload_conf()")
    with world.database() as database:
        for statement in lately:
            database.execute(statement)
    async with Imap(world.services.ports["imap"]) as imap:
        await imap.sign_in(alice)
        await imap.append("INBOX", TEXT)
        await imap.ask(b"SELECT INBOX (CONDSTORE)")
        told = [await _modseq(imap, b"STORE 1 FLAGS (x%d)" % number) for number in range(20)]
        await asyncio.to_thread(world.stop, "postgresql", signal.SIGKILL)
    await world.start("postgresql")
    with world.database() as database:
        for statement in ("ALTER SYSTEM RESET wal_writer_delay", lately[1]):
            database.execute(statement)
    async with Imap(world.services.ports["imap"]) as imap:
        await eventually(lambda: done(lambda: imap.sign_in(alice)), "sign-in works")
        assert b"1 EXISTS" in b"".join(await imap.ask(b"SELECT INBOX (CONDSTORE)"))
        assert b"x19" not in b"".join(await imap.ask(b"FETCH 1 FLAGS")), "the last of them were lost"
        assert await _modseq(imap, b"STORE 1 FLAGS (other)") > max(told)


async def _modseq(imap: Imap, command: bytes) -> int:
    """The one that is told with an answer."""
    said = b"".join(await imap.ask(command))
    return int(said.partition(b"MODSEQ (")[2].partition(b")")[0])
