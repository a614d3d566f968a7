"""The text index: what it has read, what it lacks, and that it finds just what looking through the text finds."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest

from mailservices.mail.headers import Octets
from mailservices.mail.search import All, And, Fuzzy, InBody, InHeader, InText, Key, Larger, Not, Or
from mailservices.mail.sorting import By, SortKey
from mailservices.mail.wording import CHARACTERS, Wording
from mailservices.store import bodies, mailboxes, maintenance, messages, search, wordings
from mailservices.store.appender import Appender
from mailservices.store.contents import Content
from mailservices.store.criteria import Seen
from mailservices.store.delivery import Delivery, Placement
from mailservices.store.pool import Connection, Pool
from tests.conftest import Database, Person
from workers import reading

SEEN = Seen(lambda _key: [], 0)
LARGE = b"large body " + b"x" * bodies.PIECE_OCTETS
TEXTS = (
    (b"Subject: 100%_sure\r\n\r\n", b"Hello w\xc3\xb6rld\r\n"),
    ((b"Subject: (a+b)*[c]\\d\r\nX-One.Two: $^ {3}\r\n"
      b"X-Many: one\r\nX-Many: *two three\r\nX-Many:\r\nX-Void:\r\n\r\n"), b"back\\slash and under_score\r\n"),
    ("From: Gr\u00fc\u00dfe <a@b.test>\r\nSubject: x\r\n\r\n".encode(), "Привет\r\n".encode()),
    (b"Subject: large\r\n\r\n", LARGE),
)  # fmt: skip


async def put(pool: Pool, person: Person, texts: Iterable[tuple[bytes, bytes]] = TEXTS) -> int:
    """The messages, one after the other; the folder's id."""
    inbox = (await mailboxes.find(pool, person.account_id, "INBOX")).mailbox_id
    appender = Appender(pool, lambda *_where: None)
    for header, body in texts:
        content = Content(b"", header, await bodies.keep(pool, body), b"()", b"()", None)
        place = Placement(person.account_id, inbox, dt.datetime.now(dt.UTC))
        await appender.deliver(Delivery(((content, (place,)),)))
    await appender.stop()
    return inbox


async def read(pool: Pool, person: Person) -> int:
    count = 0
    while some := await wordings.read_on(pool, person.account_id):
        count += some
    return count


@pytest.mark.parametrize(
    ("key", "uids"),
    [
        (InText("hello"), [1]),
        (InText("WÖRLD"), [1]),
        (InText("subject: 100%_s"), [1]),
        (InText("0%s"), []),
        (InText("%"), [1]),
        (InText("_"), [1, 2]),
        (InText("\\"), [2]),
        (InText(""), [1, 2, 3]),
        (InBody("under_score"), [2]),
        (InBody("underxscore"), []),
        (InBody("k\\s"), [2]),
        (InBody("subject"), []),
        (InBody("привет"), [3]),
        (InHeader("subject", "(A+B)*[c]\\d"), [2]),
        (InHeader("subject", "(a|b)"), []),
        (InHeader("subject", "."), []),
        (InHeader("x-one.two", "$^ {3}"), [2]),
        (InHeader("x-oneatwo", ""), []),
        (InHeader("x-many", "one"), [2]),
        (InHeader("x-many", "on"), [2]),
        (InHeader("x-many", "*T"), [2]),
        (InHeader("x-many", "three"), [2]),
        (InHeader("x-many", "one*two"), []),
        (InHeader("x-many", "void"), []),
        (InHeader("x-many", ""), [2]),
        (InHeader("x-void", ""), [2]),
        (InHeader("x-void", "x"), []),
        (InHeader("void", ""), []),
        (InHeader("from", "grüsse"), []),
        (InHeader("from", "GRÜßE"), [3]),
        (InHeader("from", ""), [3]),
        (InHeader("subject", "a@b.test"), []),
        (Not(InText("hello")), [2, 3]),
        (Or(InText("hello"), InHeader("from", "b.test")), [1, 3]),
        (And((Or(Not(InBody("hello")), InBody("nothing")), Not(InHeader("subject", "x")))), [2]),
        (And((InText("s"), Larger(10_000_000))), []),
    ],
)
async def test_the_index_finds_what_is_said(
    pool: Pool, indexed: tuple[Person, int], key: Key, uids: list[int]
) -> None:
    person, inbox = indexed
    found = await search.find_read(pool, person.account_id, inbox, key, SEEN)
    assert [row[0] for row in found] == uids


@pytest.fixture
async def indexed(pool: Pool, alice: Person) -> tuple[Person, int]:
    """The texts above, read. Of the large one the index knows only a part."""
    inbox = await put(pool, alice)
    assert await read(pool, alice) == len(TEXTS)
    return alice, inbox


async def test_what_is_not_whole_or_not_read_is_looked_through(
    pool: Pool, indexed: tuple[Person, int], database: Database
) -> None:
    person, inbox = indexed
    await put(pool, person, TEXTS[:1])
    key = InText("o")
    found = await search.find(pool, person.account_id, inbox, key, SEEN)
    assert ([row[0] for row in found.rows], found.rest) == ([4, 5], And((key,)))
    assert [row[0] for row in await search.find_read(pool, person.account_id, inbox, key, SEEN)] == [1, 2, 3]
    query = "SELECT whole, length(body) FROM mail_wording WHERE account_id = %s ORDER BY content_id"
    assert database.execute(query, [person.account_id]).fetchall()[-1] == (False, CHARACTERS)
    assert await read(pool, person) == 1
    found = await search.find(pool, person.account_id, inbox, key, SEEN)
    assert [row[0] for row in found.rows] == [4]


@pytest.mark.parametrize(
    ("key", "fits"),
    [
        (Fuzzy(InText("helo SURE")), {1: 74}),
        (Fuzzy(InText("undr_score")), {2: 51}),
        (Fuzzy(InBody("subject")), {}),
        (Fuzzy(InHeader("subject", "laarge")), {4: 63}),
        (Fuzzy(InHeader("x-one.two", "100")), {}),
        (Fuzzy(InHeader("from", "grusse")), {}),
        (Fuzzy(InHeader("from", "grüß")), {3: 100}),
        (Or(Fuzzy(InText("привет")), Fuzzy(InText("slash"))), {2: 40, 3: 48}),
    ],
)
async def test_what_is_like_it_is_found_though_nothing_was_read(
    pool: Pool, alice: Person, key: Key, fits: dict[int, int]
) -> None:
    """RFC 6203: of a large one, by the part that is kept."""
    inbox = await put(pool, alice)
    told: list[int] = []
    await wordings.complete(pool, alice.account_id, inbox, told.append)
    assert sum(told) == told[-1] == len(TEXTS)
    found = await search.find(pool, alice.account_id, inbox, key, SEEN)
    uids = [row[0] for row in found.rows]
    assert found.rest is None
    assert await search.relevancies(pool, alice.account_id, inbox, uids, key) == fits
    order = [SortKey(By.RELEVANCY), SortKey(By.ARRIVAL, reverse=True)]
    assert await search.ordered(pool, alice.account_id, inbox, uids, key, order) == sorted(fits, reverse=True)
    await wordings.complete(pool, alice.account_id, inbox, told.append)
    assert len(told) == 1


async def test_what_was_found_is_put_in_order(pool: Pool, indexed: tuple[Person, int]) -> None:
    person, inbox = indexed
    order = (SortKey(By.SIZE, reverse=True),)
    assert await search.ordered(pool, person.account_id, inbox, [1, 2, 3, 99], All(), order) == [2, 3, 1]


async def test_a_round_reads_what_is_new(pool: Pool, alice: Person, bob: Person, database: Database) -> None:
    await put(pool, alice, TEXTS[:2])
    await put(pool, bob, TEXTS[:1])
    assert {alice.account_id, bob.account_id} <= set(await wordings.behind(pool))
    await reading.read(pool, rest=0.0)
    count = "SELECT count(*) FROM mail_wording WHERE account_id = %s"
    assert [database.execute(count, [one.account_id]).fetchone() for one in (alice, bob)] == [(2,), (1,)]
    # What is younger than what may still be on its way is looked at again, and found read.
    assert alice.account_id in await wordings.behind(pool)
    database.execute("UPDATE mail_reading SET content_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'")
    assert not {alice.account_id, bob.account_id} & set(await wordings.behind(pool))
    database.execute("DELETE FROM mail_reading")
    assert await read(pool, alice) == 0


async def test_it_goes_with_the_message(pool: Pool, indexed: tuple[Person, int], database: Database) -> None:
    person, inbox = indexed

    async def nothing(_db: Connection) -> None:
        pass

    await messages.remove(pool, person.account_id, inbox, [1, 2], None, nothing)
    database.execute(
        "UPDATE mail_expunged SET expunged_at = now() - %s WHERE account_id = %s",
        [maintenance.UNDELETE + dt.timedelta(minutes=1), person.account_id],
    )
    await maintenance.drop_tombstones(pool, 1000)
    count = "SELECT count(*) FROM mail_wording WHERE account_id = %s"
    assert database.execute(count, [person.account_id]).fetchone() == (2,)


async def test_many_are_read_in_batches(pool: Pool, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordings, "BATCH_OCTETS", 45)
    await put(pool, alice, TEXTS[:3])
    assert [await wordings.read_on(pool, alice.account_id) for _ in range(3)] == [2, 1, 0]


async def test_a_text_that_cannot_be_read_keeps_no_other_account_waiting(
    pool: Pool, alice: Person, bob: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await put(pool, alice, [(b"Subject: odd\r\n\r\n", b"odd")])
    await put(pool, bob, TEXTS[:1])
    as_ever = wordings._wording

    def surprised(row: Any, body: Octets) -> Wording:
        if b"odd" in row["head"]:
            raise ValueError
        return as_ever(row, body)

    monkeypatch.setattr(wordings, "_wording", surprised)
    await reading.read(pool, rest=0.0)
    count = "SELECT count(*) FROM mail_wording WHERE account_id = %s"
    assert [database.execute(count, [one.account_id]).fetchone() for one in (alice, bob)] == [(0,), (1,)]
    found = await search.find(pool, alice.account_id, inbox, InText("odd"), SEEN)
    assert [row[0] for row in found.rows] == [1]


async def test_what_is_read_is_not_looked_through_again(pool: Pool, alice: Person) -> None:
    inbox = await put(pool, alice)
    where = pool, alice.account_id, inbox
    assert await search.read_until(*where, 0) == 0
    await read(pool, alice)
    assert await search.read_until(*where, 0) == 4
    await put(pool, alice, TEXTS[:2])
    until = await search.read_until(*where, 4)
    assert until == 4
    # What is new, and that of which the index has a part only.
    found = await search.find(*where, InText("nothing has this"), SEEN, read=until)
    assert [row[0] for row in found.rows] == [4, 5, 6]
    await read(pool, alice)
    assert [await search.read_until(*where, known) for known in (4, 6)] == [6, 6]
    found = await search.find(*where, InText("nothing has this"), SEEN, read=6)
    assert [row[0] for row in found.rows] == [4]
