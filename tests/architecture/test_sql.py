"""Every SQL statement of the engine is understood by PostgreSQL against the migrated schema."""

import importlib
import pkgutil
import re
from contextlib import suppress

import pytest

import mailservices.store
from mailservices.mail.flags import SEEN
from mailservices.mail.search import Fuzzy, HasFlag, InHeader, InText, Key, Not
from mailservices.store import criteria, fetch, flags, messages, previews, quota, search, seen
from mailservices.store.criteria import Writer
from mailservices.store.pool import Connection, Pool, connection, transaction

STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|TRUNCATE)\b", re.IGNORECASE)


def statements() -> list[tuple[str, str]]:
    found = []
    for module in pkgutil.iter_modules(mailservices.store.__path__):
        names = vars(importlib.import_module(f"mailservices.store.{module.name}"))
        for name, value in names.items():
            # What begins with an underscore is a part of statements.
            if name.isupper() and not name.startswith("_") and isinstance(value, str) and STATEMENT.match(value):
                found.append((f"{module.name}.{name}", value))
    return found


STATEMENTS = statements()

_UNSEEN = Not(HasFlag(SEEN))
_WRITER = Writer(criteria.Seen(lambda _key: (), 0))
UNSEEN = criteria.statement(_UNSEEN, _WRITER, "m.uid", [_WRITER.condition(_UNSEEN)], ())


def test_there_are_statements() -> None:
    assert len(STATEMENTS) > 10


@pytest.mark.parametrize(("name", "sql"), STATEMENTS, ids=[name for name, _ in STATEMENTS])
async def test_a_statement_prepares(pool: Pool, name: str, sql: str) -> None:
    async with connection(pool) as db:
        await db.prepare(sql)


async def test_the_key_of_messages_has_no_rival(pool: Pool) -> None:
    """While a table is new to the planner, it takes another index that begins like the key for its equal."""
    async with connection(pool) as db:
        rows = await db.fetch("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'mail_message'")
    begun = [row["indexname"] for row in rows if "(account_id, mailbox_id" in row["indexdef"]]
    assert begun == ["mail_message_pkey"]


async def test_most_flags_are_written_into_no_index(pool: Pool) -> None:
    """PostgreSQL writes a row into all indexes of its table where one of them looks at what has changed."""
    async with connection(pool) as db:
        rows = await db.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = 'mail_message'")
    assert not [row[0] for row in rows if re.search(r"\b(flags|keywords|modseq)\b", row[0])]


async def plan_of(pool: Pool, statement: str) -> str:
    """As the planner makes it for whatever arguments may come."""
    async with transaction(pool) as db:
        return await plan_for(db, statement)


async def plan_for(db: Connection, statement: str, *arguments: object, how: str = "") -> str:
    """As it would be carried out now; without arguments, they are NULL."""
    await db.execute(f"PREPARE asked AS {statement}")
    count = await db.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'"
    )
    literals = [await db.fetchval("SELECT quote_literal($1)", str(one)) for one in arguments] or ["NULL"] * count
    plan = await db.fetch(f"EXPLAIN {how} EXECUTE asked ({', '.join(literals)})")
    await db.execute("DEALLOCATE asked")
    return "\n".join([row[0] for row in plan])


#: What is looked for all the time, and its index.
LOOKED_FOR = pytest.mark.parametrize(
    ("statement", "index"),
    [
        (UNSEEN, "message_unseen"),
        (messages.FIRST_UNSEEN, "message_unseen"),
        (messages.REMOVE_DELETED, "message_deleted"),
        (quota.DELETED, "message_deleted"),
    ],
)


@LOOKED_FOR
async def test_what_is_asked_all_the_time_reads_no_whole_folder(pool: Pool, statement: str, index: str) -> None:
    """However large it is, and whatever the planner knows of it."""
    plan = await plan_of(pool, statement)
    assert index in plan
    assert "mail_message_pkey" not in plan


async def test_unseen_messages_are_told_by_their_index_alone(pool: Pool) -> None:
    assert "Index Only Scan using message_unseen on mail_message" in await plan_of(pool, UNSEEN)


@pytest.mark.parametrize(
    "statement",
    [
        fetch.HEADERS, fetch.BODIES, flags.SET_FLAGS, messages.CHOSEN, messages.COPY, messages.REMOVE_CHOSEN,
        previews.KEEP, previews.MISSING, seen.BUMP, seen.FLAGS, seen.MARK,
    ],
)  # fmt: skip
async def test_chosen_messages_are_looked_up_one_by_one(pool: Pool, statement: str) -> None:
    plan = (await plan_of(pool, statement)).splitlines()
    looked_up = [plan[n + 1] for n, line in enumerate(plan) if "mail_message_pkey on mail_message" in line]
    assert looked_up
    assert all("uid = " in condition for condition in looked_up), "\n".join(plan)


#: An account with 2,000 messages in a folder, and 400 with five each.
RICH = 10**15
FOLDERS = """
INSERT INTO mail_message (account_id, mailbox_id, uid, modseq, internaldate, size, content_id)
SELECT owner, owner, n, 1, now(), 1000, md5(n::text)::uuid
FROM (SELECT n, $1::bigint + CASE WHEN n > 2000 THEN n / 5 ELSE 0 END AS owner FROM generate_series(1, 4000) n) one
"""
WORDINGS = """
INSERT INTO mail_wording (account_id, content_id, header, body, whole)
SELECT account_id, content_id, 'SUBJECT: ' || content_id, repeat(md5(uid::text) || ' ', 99), true
FROM mail_message WHERE account_id BETWEEN $1 AND $2
"""


class Undone(Exception):
    """Nothing of it is kept."""


@pytest.mark.parametrize("key", [InText("word"), InHeader("subject", "word"), Fuzzy(InText("word"))])
async def test_words_are_looked_up_where_a_folder_is_large(pool: Pool, key: Key) -> None:
    """Most folders are small, and of any of them each message would be looked at, while the index has entries that
    wait to be put in their place.
    """
    writer = Writer(criteria.Seen(lambda _key: (), 0))
    statement = criteria.statement(key, writer, "m.uid", [writer.condition(key)], ())
    plans = []
    with suppress(Undone):
        async with search._asked(pool, writer) as db:
            await db.execute(FOLDERS, RICH)
            await db.execute(WORDINGS, RICH, RICH + 780)
            await db.execute("SELECT gin_clean_pending_list('wording_by_trigram')")
            await db.execute(WORDINGS, RICH + 781, RICH + 800)
            await db.execute("ANALYZE mail_message")
            await db.execute("ANALYZE mail_wording")
            plans = [await plan_for(db, statement, one, one, *writer.arguments) for one in (RICH, RICH + 500)]
            raise Undone
    assert ["wording_by_trigram" in plan for plan in plans] == [True, False], "\n\n".join(plans)


FOLDER = """
INSERT INTO mail_mailbox (account_id, mailbox_id, name, modseq, logged, unlogged) VALUES ($1, $1, '', 5, 5, 3)
"""
CHANGE = """
INSERT INTO mail_change (account_id, mailbox_id, modseq, uids) VALUES ($1, $1, 4, '{[7,8),[30,33)}')
"""


@pytest.mark.parametrize("statement", [messages.CHANGES, messages.CHANGED])
@pytest.mark.parametrize(("since", "whole"), [(3, False), (2, True)])
async def test_what_has_changed_is_looked_up(pool: Pool, statement: str, since: int, whole: bool) -> None:
    """All of a folder is read only for whoever was away longer than changes are known."""
    plan = ""
    with suppress(Undone):
        async with transaction(pool) as db:
            await db.execute(FOLDERS, RICH)
            await db.execute(FOLDER, RICH)
            await db.execute(CHANGE, RICH)
            await db.execute("ANALYZE mail_message")
            plan = await plan_for(db, statement, RICH, RICH, since, how="(ANALYZE, COSTS OFF, TIMING OFF)")
            raise Undone
    lines = plan.splitlines()
    read = [n for n, line in enumerate(lines) if "mail_message_pkey on mail_message" in line]
    by_uid = ["uid = " in lines[n + 1] for n in read if "never executed" not in lines[n]]
    assert (len(read), by_uid) == (2, [not whole]), plan


@LOOKED_FOR
async def test_an_index_is_not_taken_for_the_keys_equal(pool: Pool, statement: str, index: str) -> None:
    """Where nobody has read anything, it holds as much."""
    plan = ""
    with suppress(Undone):
        async with transaction(pool) as db:
            await db.execute(FOLDERS, RICH)
            await db.execute("ANALYZE mail_message")
            plan = await plan_for(db, statement)
            raise Undone
    assert index in plan
    assert "mail_message_pkey" not in plan
