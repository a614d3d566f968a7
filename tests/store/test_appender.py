"""Group commit: what is acknowledged is there, once, numbered in order; what cannot be is told so."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence

import pytest
from structlog.testing import capture_logs

from mailservices.config import Config
from mailservices.mail.errors import MailboxFull, NoSuchFolder, TooLargeForMailbox, Unavailable
from mailservices.mail.flags import SEEN
from mailservices.store import bodies, single
from mailservices.store.appender import Appender
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.pool import Pool, open_pool
from tests import direct
from tests.conftest import Person, make_person
from tests.store.relay import Relay
from webadmin.directory.models import Domain

#: The header of what is delivered here: where a message is a statement of its own, this passes with its commit.
ALONE = b"Subject: x\r\n"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


Told = list[tuple[int, int, int]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
async def appender(pool: Pool, told: Told) -> AsyncIterator[Appender]:
    opened = Appender(pool, lambda *where: told.append(where))
    yield opened
    await opened.stop()


@pytest.fixture
def small(domain: Domain) -> Person:
    return make_person(domain, "small", quota_bytes=50)


async def inbox(pool: Pool, person: Person) -> int:
    sql = "SELECT mailbox_id FROM mail_mailbox WHERE account_id = $1 AND name = 'INBOX'"
    return int(await direct.fetchval(pool, sql, person.account_id))


async def message(pool: Pool, body: bytes = b"body\r\n") -> Content:
    return Content(b"", b"Subject: x\r\n\r\n", await bodies.keep(pool, body), b"()", b"()", None)


async def delivery(pool: Pool, *people: Person, flags: int = 0, body: bytes = b"body\r\n") -> Delivery:
    places = tuple([Placement(person.account_id, await inbox(pool, person), NOW, flags) for person in people])
    return Delivery(((await message(pool, body), places),))


def leaving(content: Content, person: Person) -> Outgoing:
    """The same message on its way to somebody elsewhere."""
    return Outgoing(
        (OutgoingRecipient("x@elsewhere.test", "elsewhere.test"),), person.address, NOW + dt.timedelta(days=5),
        content.prefix, content.header, content.body, new_id(), person.account_id,
    )  # fmt: skip


async def rows(pool: Pool, person: Person) -> Sequence[dict[str, int]]:
    sql = "SELECT uid, modseq, size, flags FROM mail_message WHERE account_id = $1 ORDER BY uid"
    return [dict(row) for row in await direct.fetch(pool, sql, person.account_id)]


async def counts(pool: Pool, person: Person) -> dict[str, int]:
    sql = "SELECT uidnext, messages, unseen, bytes FROM mail_mailbox WHERE account_id = $1 AND name = 'INBOX'"
    row = await direct.fetchrow(pool, sql, person.account_id)
    assert row is not None
    return dict(row)


async def test_a_delivered_message_is_counted_and_told(
    pool: Pool, appender: Appender, alice: Person, told: Told
) -> None:
    placed = await appender.deliver(await delivery(pool, alice))
    assert [(where.account_id, where.mailbox_id, where.modseq) for where in placed] == told
    assert [row["uid"] for row in await rows(pool, alice)] == [1]
    assert await counts(pool, alice) == {"uidnext": 2, "messages": 1, "unseen": 1, "bytes": 20}


async def test_arrivals_that_gather_get_distinct_ascending_uids(
    pool: Pool, appender: Appender, alice: Person
) -> None:
    deliveries = [await delivery(pool, alice, flags=SEEN) for _ in range(50)]
    placed = await asyncio.gather(*(appender.deliver(one) for one in deliveries))
    assert [where[0].uid for where in placed] == list(range(1, 51))
    assert (await counts(pool, alice))["unseen"] == 0
    assert len({row["modseq"] for row in await rows(pool, alice)}) < 50, "commits were shared"


async def test_recipients_of_one_message_share_its_body(
    pool: Pool, appender: Appender, alice: Person, bob: Person
) -> None:
    await appender.deliver(await delivery(pool, alice, bob))
    sql = "SELECT count(DISTINCT blob_id), count(*) FROM mail_content WHERE account_id = ANY($1)"
    assert tuple(await direct.fetchrow(pool, sql, [alice.account_id, bob.account_id]) or ()) == (1, 2)


async def test_two_appenders_that_cross_do_not_deadlock(
    pool: Pool, appender: Appender, alice: Person, bob: Person
) -> None:
    other = Appender(pool, lambda *_where: None)
    there = [await delivery(pool, alice, bob) for _ in range(40)]
    back = [await delivery(pool, bob, alice) for _ in range(40)]
    await asyncio.gather(*(appender.deliver(one) for one in there), *(other.deliver(one) for one in back))
    await other.stop()
    assert [row["uid"] for row in await rows(pool, alice)] == list(range(1, 81))


async def test_a_full_mailbox_refuses_and_keeps_nothing(pool: Pool, appender: Appender, small: Person) -> None:
    first, second, third = [await delivery(pool, small) for _ in range(3)]
    results = await asyncio.gather(*map(appender.deliver, (first, second, third)), return_exceptions=True)
    assert [isinstance(result, MailboxFull) for result in results] == [False, False, True]
    assert (await counts(pool, small))["bytes"] == 40


async def test_what_never_fits_is_refused_for_good(pool: Pool, appender: Appender, small: Person) -> None:
    with pytest.raises(TooLargeForMailbox):
        await appender.deliver(await delivery(pool, small, body=b"x" * 100))


async def test_one_refusal_keeps_a_message_from_all_its_recipients(
    pool: Pool, appender: Appender, alice: Person, small: Person
) -> None:
    with pytest.raises(TooLargeForMailbox):
        await appender.deliver(await delivery(pool, alice, small, body=b"x" * 100))
    assert await rows(pool, alice) == []


async def test_a_vanished_folder_fails_only_what_wanted_it(pool: Pool, appender: Appender, alice: Person) -> None:
    good = [await delivery(pool, alice) for _ in range(3)]
    bad = Delivery(((await message(pool), (Placement(alice.account_id, 999_999_999, NOW),)),))
    results = await asyncio.gather(
        *map(appender.deliver, [good[0], bad, good[1], good[2]]), return_exceptions=True
    )
    assert [isinstance(result, NoSuchFolder) for result in results] == [False, True, False, False]
    assert len(await rows(pool, alice)) == 3


@pytest.mark.parametrize("outgoing", [False, True])
async def test_a_commit_that_is_on_its_way_is_waited_for(
    config: Config, pool: Pool, alice: Person, outgoing: bool
) -> None:
    """To say "later" of what is committed a moment later would have the client send it again."""
    one = await delivery(pool, alice, alice)
    if outgoing:
        [(content, _)] = one.contents
        one = Delivery(outgoing=leaving(content, alice))
    async with Relay(config, passes=True, late=1.0) as relay:
        through = await open_pool(relay.database(), "test")
        appender = Appender(through, lambda *_where: None)
        await appender.deliver(one)
        assert relay.broken
        query = "SELECT EXISTS (SELECT FROM queue_message WHERE account_id = $1)"
        assert await direct.fetchval(pool, query, alice.account_id) is outgoing
        assert len(await rows(pool, alice)) == (0 if outgoing else 2)
        await appender.stop()
        await through.close()


async def test_a_single_statement_that_comes_late_is_undone(
    config: Config, pool: Pool, appender: Appender, alice: Person
) -> None:
    """It holds no locks while it travels, so nobody can wait for it: "later" has to be true."""
    one = await delivery(pool, alice)
    async with Relay(config, passes=True, late=1.0, commit=ALONE) as relay:
        through = await open_pool(relay.database(), "test")
        breaking = Appender(through, lambda *_where: None)
        with pytest.raises(Unavailable):
            await breaking.deliver(one)
        assert relay.broken
        await breaking.stop()
        await through.close()
    assert await rows(pool, alice) == []
    assert (await counts(pool, alice))["messages"] == 0
    await appender.deliver(await delivery(pool, alice))
    assert [row["uid"] for row in await rows(pool, alice)] == [1]


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize("copies", [1, 2])
async def test_a_lost_answer_to_commit_is_asked_for_again(
    config: Config, alice: Person, passes: bool, copies: int
) -> None:
    async with Relay(config, passes=passes, commit=ALONE if copies == 1 else b"COMMIT") as relay:
        pool = await open_pool(relay.database(), "test")
        appender = Appender(pool, lambda *_where: None)
        wanted = appender.deliver(await delivery(pool, *[alice] * copies))
        if passes:
            assert [where.uid for where in await wanted] == [1, 2][:copies]
        else:
            with pytest.raises(Unavailable):
                await wanted
        assert relay.broken
        assert len(await rows(pool, alice)) == passes * copies
        await appender.stop()
        await pool.close()


async def test_a_database_that_goes_before_anything_was_sent_is_no_surprise(
    config: Config, pool: Pool, alice: Person
) -> None:
    async with Relay(config, passes=False, commit=b"FROM webhook WHERE") as relay:
        through = await open_pool(relay.database(), "test")
        appender = Appender(through, lambda *_where: None)
        with capture_logs() as told, pytest.raises(Unavailable):
            await appender.deliver(Delivery(outgoing=leaving(await message(pool), alice)))
        assert relay.broken
        assert [line["event"] for line in told] == ["database failed"]
        await appender.stop()
        await through.close()
    query = "SELECT count(*) FROM queue_message WHERE account_id = $1"
    assert await direct.fetchval(pool, query, alice.account_id) == 0


@pytest.mark.parametrize("size", [0, 199, 5000, 2**20, 2**20 + 1, 3 * 2**20 + 17])
async def test_a_body_comes_back_as_it_went_in(pool: Pool, appender: Appender, alice: Person, size: int) -> None:
    octets = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    one = await delivery(pool, alice, body=octets)
    await appender.deliver(one)
    body = one.contents[0][0].body
    pieces = [piece async for piece in bodies.read(pool, body.blob_id, 0, body.size)]
    assert b"".join(pieces) == octets
    part = [piece async for piece in bodies.read(pool, body.blob_id, size // 3, size // 2)]
    assert b"".join(part) == octets[size // 3 : size // 2]


async def test_copies_enter_with_the_message_or_not_at_all(pool: Pool, appender: Appender, alice: Person) -> None:
    """Each is a message of its own in the queue; of what cannot be placed, no copy leaves."""
    queued = "SELECT count(*), count(DISTINCT blob_id) FROM queue_message WHERE account_id = $1"
    copies = tuple([leaving(await message(pool, b"%d\r\n" % number), alice) for number in range(2)])
    nowhere = (Placement(alice.account_id, 999_999_999, NOW),)
    with pytest.raises(NoSuchFolder):
        await appender.deliver(Delivery(((await message(pool), nowhere),), copies=copies))
    assert tuple(await direct.fetchrow(pool, queued, alice.account_id) or ()) == (0, 0)
    one = await delivery(pool, alice)
    await appender.deliver(Delivery(one.contents, leaving(await message(pool), alice), copies=copies))
    assert tuple(await direct.fetchrow(pool, queued, alice.account_id) or ()) == (3, 3)
    assert len(await rows(pool, alice)) == 1
    bodies_there = "SELECT count(*) FROM queue_message m JOIN mail_blob b USING (blob_id) WHERE m.account_id = $1"
    assert await direct.fetchval(pool, bodies_there, alice.account_id) == 3


async def test_copies_alone_are_no_single_statement(pool: Pool, alice: Person) -> None:
    one = await delivery(pool, alice)
    assert single.possible(one)
    assert not single.possible(Delivery(one.contents, copies=(leaving(await message(pool), alice),)))
