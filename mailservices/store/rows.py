"""New rows of several tables, in the cheaper of two ways: few by one statement, many by COPY.

A round trip costs as much as the rows of a message; COPY takes two for each table, but less for each row.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any, TypeAlias

from mailservices.store.pool import PREPARED_STATEMENTS, Connection

#: A table, its columns, and rows of them.
Rows: TypeAlias = tuple[str, tuple[str, ...], Sequence[tuple[Any, ...]]]
#: Tables, their columns, and how many rows of each: what a statement depends on.
Shape: TypeAlias = tuple[tuple[str, tuple[str, ...], int], ...]
#: Rows, of all tables together, from which on COPY is cheaper.
COPY_ROWS = 40


async def insert(db: Connection, *tables: Rows) -> None:
    """Write these rows in the caller's transaction."""
    filled = [one for one in tables if one[2]]
    if sum(len(rows) for _, _, rows in filled) >= COPY_ROWS:
        for table, columns, rows in filled:
            await db.copy_records_to_table(table, records=rows, columns=columns)
    elif filled:
        await db.execute(
            statement(shape(filled)), *chain.from_iterable(row for _, _, rows in filled for row in rows)
        )


def shape(tables: Iterable[Rows]) -> Shape:
    return tuple((table, columns, len(rows)) for table, columns, rows in tables)


@lru_cache(PREPARED_STATEMENTS)
def statement(shape: Shape) -> str:
    """One INSERT into all of these tables, of so many rows each."""
    numbers = count(1)
    inserts = []
    for table, columns, rows in shape:
        row = [f"({', '.join(f'${next(numbers)}' for _ in columns)})" for _ in range(rows)]
        inserts.append(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(row)}")  # noqa: S608 - ours
    *others, last = inserts
    named = ", ".join(f"i{number} AS ({one})" for number, one in enumerate(others))
    return f"WITH {named} {last}" if named else last
