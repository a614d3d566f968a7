"""New rows, in the cheaper of two ways: INSERT takes one round trip and more for each row, COPY two and less."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from mailservices.store.pool import Connection

#: Rows from which on COPY is cheaper.
COPY_ROWS = 8


async def insert(db: Connection, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write these rows, each with these columns, in the caller's transaction."""
    if len(rows) >= COPY_ROWS:
        await db.copy_records_to_table(table, records=rows, columns=columns)
    elif rows:
        await db.executemany(statement(table, columns), rows)


@cache
def statement(table: str, columns: tuple[str, ...]) -> str:
    """The INSERT of one row."""
    arguments = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({arguments})"  # noqa: S608 - names of ours
