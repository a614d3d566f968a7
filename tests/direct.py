"""SQL straight to the database: what tests look up and set behind everybody's back."""

from collections.abc import Sequence
from typing import Any

from mailservices.store.pool import Pool, connection


async def fetch(pool: Pool, statement: str, *arguments: object) -> Sequence[Any]:
    async with connection(pool) as db:
        found: Sequence[Any] = await db.fetch(statement, *arguments)
    return found


async def fetchrow(pool: Pool, statement: str, *arguments: object) -> Any:
    async with connection(pool) as db:
        return await db.fetchrow(statement, *arguments)


async def fetchval(pool: Pool, statement: str, *arguments: object) -> Any:
    async with connection(pool) as db:
        return await db.fetchval(statement, *arguments)


async def execute(pool: Pool, statement: str, *arguments: object) -> str:
    async with connection(pool) as db:
        return await db.execute(statement, *arguments)
