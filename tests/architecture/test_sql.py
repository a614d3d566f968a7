"""Every SQL statement of the engine is understood by PostgreSQL against the migrated schema."""

import importlib
import pkgutil
import re

import pytest

import mailservices.store
from mailservices.mail.flags import SEEN
from mailservices.mail.search import HasFlag, Not
from mailservices.store import messages, search
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


@pytest.mark.parametrize(
    ("statement", "node"),
    [
        (messages.CHANGES, "Index Scan using message_by_change on mail_message"),
        (messages.CHANGED, "Index Scan using message_by_change on mail_message"),
        (UNSEEN, "Index Only Scan using message_unseen on mail_message"),
    ],
)
async def test_what_is_asked_all_the_time_is_read_off_an_index(pool: Pool, statement: str, node: str) -> None:
    """However large the folder is, and whatever the planner knows of it."""
    async with transaction(pool) as db:
        await db.execute(f"PREPARE asked (bigint, bigint, bigint) AS {statement}")
        plan = "\n".join([row[0] for row in await db.fetch("EXPLAIN EXECUTE asked (1, 1, 1)")])
        await db.execute("DEALLOCATE asked")
    assert node in plan
