"""Every SQL statement of the engine is understood by PostgreSQL against the migrated schema."""

import importlib
import itertools
import pkgutil
import re

import pytest

import mailservices.store
from mailservices.store.pool import Pool

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


def test_there_are_statements() -> None:
    assert len(STATEMENTS) > 10


@pytest.mark.parametrize(("name", "sql"), STATEMENTS, ids=[name for name, _ in STATEMENTS])
async def test_a_statement_prepares(pool: Pool, name: str, sql: str) -> None:
    async with pool.acquire() as db:
        await db.prepare(sql)


async def test_a_message_is_looked_up_by_its_key(pool: Pool) -> None:
    """Whatever the planner knows of the table: of a folder, only what has changed is read by modseq."""
    wrong = []
    async with pool.acquire() as db:
        for name, sql in STATEMENTS:
            if not re.search(r"\bmail_message\b", sql):
                continue
            arguments = ", ".join(["NULL"] * len((await db.prepare(sql)).get_parameters()))
            await db.execute(f"PREPARE planned AS {sql}")
            plan = [row[0] for row in await db.fetch(f"EXPLAIN EXECUTE planned({arguments})")]
            await db.execute("DEALLOCATE planned")
            for line, condition in itertools.pairwise(plan):
                if "message_by_change" in line and "modseq" not in condition:
                    wrong.append(name)
    assert not wrong
