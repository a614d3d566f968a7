"""What hooks are told is written with what it tells of; one worker at a time has a hook."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from mailservices.mail.backoff import LIFETIME
from mailservices.mail.webhooks import KINDS, Happening, Kind
from mailservices.store import bodies, expiry, queue, webhooks
from mailservices.store.appender import Appender
from mailservices.store.delivery import Delivery
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.pool import Pool, transaction
from mailservices.store.webhooks import Hooks, Try
from tests import direct
from tests.conftest import Database
from tests.store.test_expiry import add

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DONE = Try(True, 0.1, 204, "", None)


@pytest.fixture
def hook(database: Database) -> Iterator[int]:
    """One that wants to know what fails at its domain."""
    [[number]] = database.execute(
        "INSERT INTO webhook (url, kinds, domain, secret) "
        "VALUES ('https://hook.test/', '{failed}', 'told.test', 'x') RETURNING id"
    ).fetchall()
    yield number  # type: ignore[misc]
    database.execute("TRUNCATE webhook_delivery, webhook, webhook_try")


async def note(pool: Pool, *happenings: Happening) -> int:
    async with transaction(pool) as db:
        return await webhooks.note(db, happenings)


def failed(recipient: str = "one@Told.test", sender: str = "a@us.test") -> Happening:
    return Happening(Kind.FAILED, NOW, "ab", sender, recipient, "<1@us.test>", "", "550 No\0\ud800body")


async def test_only_what_a_hook_wants_is_written(pool: Pool, database: Database, hook: int) -> None:
    told = [failed(), failed("a@other.test"), failed("a@other.test", "b@told.test"), Happening(Kind.QUEUED, NOW)]
    assert await note(pool, *told) == 2
    assert await note(pool) == 0
    rows = database.execute("SELECT body FROM webhook_delivery ORDER BY body").fetchall()
    told_of = sorted(json.loads(str(body))["data"]["recipient"] for (body,) in rows)
    assert told_of == ["a@other.test", "one@Told.test"]
    database.execute("UPDATE webhook SET active = false")
    assert await note(pool, *told) == 0


async def test_a_process_asks_once_in_some_seconds_whether_anybody_wants_to_know(pool: Pool, hook: int) -> None:
    now = 0.0
    hooks = Hooks(pool, lambda: now)
    assert await hooks.wanted() == {"failed"}
    async with transaction(pool) as db:
        await db.execute("UPDATE webhook SET active = false")
    assert await hooks.wanted() == {"failed"}
    now = webhooks.KEPT_SECONDS
    assert await hooks.wanted() == frozenset()


async def test_one_worker_has_a_hook_and_settles_what_it_told(pool: Pool, database: Database, hook: int) -> None:
    assert await webhooks.claim(pool, 10) == []
    await note(pool, failed(), failed())
    [mine] = await webhooks.claim(pool, 10)
    assert mine.url == "https://hook.test/"
    assert await webhooks.claim(pool, 10) == []
    first, second = await webhooks.due(pool, mine, 10)
    assert await webhooks.settle(pool, mine, first, DONE)
    later = Try(False, 0.1, 500, "oh", datetime.now(UTC) + timedelta(hours=1))
    assert await webhooks.settle(pool, mine, second, later)
    assert await webhooks.due(pool, mine, 10) == []
    rows = database.execute("SELECT state, tries FROM webhook_delivery ORDER BY state").fetchall()
    assert rows == [("done", 1), ("waiting", 1)]
    assert database.execute("SELECT failing_since IS NULL FROM webhook").fetchone() == (False,)
    # Only once, and only by whoever has it.
    assert not await webhooks.settle(pool, mine, first, DONE)
    await webhooks.release(pool, mine)
    assert not await webhooks.settle(pool, mine, second, DONE)
    assert await webhooks.claim(pool, 10) == []
    assert database.execute("SELECT count(*) FROM webhook_try").fetchone() == (2,)


@pytest.mark.parametrize(
    ("failing", "tried", "active", "words"),
    [
        ("1 day", Try(False, 0, 500, "", NOW), True, ""),
        ("6 days", Try(False, 0, 500, "", NOW), False, "Nobody took anything for days"),
        ("6 days", DONE, True, ""),
        ("0 days", Try(False, 0, 410, "", NOW, gone=True), False, "Its host said that it is gone (410)"),
    ],
)
async def test_a_hook_that_nobody_answers_is_switched_off(
    pool: Pool, database: Database, hook: int, failing: str, tried: Try, active: bool, words: str
) -> None:
    await note(pool, failed())
    database.execute("UPDATE webhook SET failing_since = now() - %s::interval", [failing])
    [mine] = await webhooks.claim(pool, 10)
    [told] = await webhooks.due(pool, mine, 10)
    assert await webhooks.settle(pool, mine, told, tried) == active
    row = database.execute("SELECT active, switched_off, failing_since IS NULL FROM webhook").fetchone()
    assert row == (active, words, tried.taken)


async def test_what_is_never_taken_is_given_up_and_in_the_end_forgotten(
    pool: Pool, database: Database, hook: int
) -> None:
    await note(pool, failed())
    [mine] = await webhooks.claim(pool, 10)
    [told] = await webhooks.due(pool, mine, 10)
    await webhooks.settle(pool, mine, told, Try(False, 0, 0, "nobody", None))
    assert database.execute("SELECT state FROM webhook_delivery").fetchone() == ("failed",)
    assert await webhooks.drop_told(pool, 10) == 0
    database.execute("UPDATE webhook_delivery SET created_at = now() - interval '15 days'")
    assert await webhooks.drop_told(pool, 10) == 1
    assert database.execute("SELECT count(*) FROM webhook_try").fetchone() == (0,)


@pytest.fixture
async def appender(pool: Pool) -> AsyncIterator[Appender]:
    opened = Appender(pool, lambda *_: None)
    yield opened
    await opened.stop()


async def told(pool: Pool) -> list[tuple[str, str]]:
    rows = await direct.fetch(pool, "SELECT kind, body FROM webhook_delivery")
    return sorted((row["kind"], json.loads(row["body"])["data"]["recipient"]) for row in rows)


@pytest.mark.parametrize("held", [False, True])
async def test_what_enters_the_queue_is_told(
    pool: Pool, database: Database, hook: int, appender: Appender, held: bool
) -> None:
    database.execute("UPDATE webhook SET kinds = %s", [[kind.value for kind in KINDS]])
    recipients = (
        OutgoingRecipient("one@told.test", "told.test"),
        OutgoingRecipient("two@told.test", "told.test", report="delivered"),
        OutgoingRecipient("all@told.test", "told.test", report="expanded"),
        OutgoingRecipient("nobody@untold.test", "untold.test"),
    )
    body = await bodies.keep(pool, b"x\r\n")
    message = Outgoing(
        recipients, "a@us.test", datetime.now(UTC) + LIFETIME, b"", b"\r\n", body, new_id(), held=held
    )
    await appender.deliver(Delivery(outgoing=message))
    assert await told(pool) == [
        ("delivered", "two@told.test"),
        ("expanded", "all@told.test"),
        ("held" if held else "queued", "one@told.test"),
    ]
    await direct.execute(
        pool, "UPDATE queue_recipient SET state = 'cancelled', report_due = '' WHERE destination = 'told.test'"
    )


async def test_what_is_given_up_or_delivered_here_is_told(pool: Pool, database: Database, hook: int) -> None:
    database.execute("UPDATE webhook SET kinds = '{expired,delivered,expanded}'")
    add(database, "over@told.test")
    add(database, "here@told.test", "1 day", leased=True)
    add(database, "list@told.test", "1 day", leased=True)
    await expiry.expire(pool, 100)
    query = "SELECT recipient_id, lease FROM queue_recipient WHERE address = $1"
    async with transaction(pool) as db:
        for address, expanded in (("here@told.test", False), ("list@told.test", True)):
            row = await db.fetchrow(query, address)
            assert row
            settlement = queue.Settlement(row["recipient_id"], row["lease"], "", expanded=expanded)
            await queue.settle_delivered(db, settlement, frozenset({"delivered", "expanded"}))
    # Workers of other tests may sweep too: whoever comes first, it is told once.
    assert await told(pool) == [
        ("delivered", "here@told.test"),
        ("expanded", "list@told.test"),
        ("expired", "over@told.test"),
    ]
