"""Every SQL statement of the engine is understood by PostgreSQL against the migrated schema."""

import importlib
import pkgutil
import re

import pytest

import mailservices.store
from mailservices.mail.flags import SEEN
from mailservices.mail.search import HasFlag, Not
from mailservices.store import fetch, flags, messages, previews, search, seen
from mailservices.store.pool import Pool, connection, transaction

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
_WRITER = search._Writer(search.Seen(lambda _key: (), 0))
UNSEEN = search._statement(_UNSEEN, _WRITER, "m.uid", [_WRITER.condition(_UNSEEN)], ())


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


async def plan_of(pool: Pool, statement: str) -> str:
    """As the planner makes it for whatever arguments may come."""
    async with transaction(pool) as db:
        await db.execute(f"PREPARE asked AS {statement}")
        count = await db.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'"
        )
        plan = await db.fetch(f"EXPLAIN EXECUTE asked ({', '.join(['NULL'] * count)})")
        await db.execute("DEALLOCATE asked")
    return "\n".join([row[0] for row in plan])


@pytest.mark.parametrize(
    ("statement", "index"),
    [(messages.CHANGES, "message_by_change"), (messages.CHANGED, "message_by_change"), (UNSEEN, "message_unseen")],
)
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
