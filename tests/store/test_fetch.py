"""What FETCH reads: every choice of columns is a statement that PostgreSQL understands."""

import pytest

from mailservices.store import fetch
from mailservices.store.pool import Pool, connection


@pytest.mark.parametrize("column", fetch.COLUMNS)
async def test_a_column_can_be_read(pool: Pool, column: str) -> None:
    columns = tuple(name for name in fetch.COLUMNS if name in (*fetch.FIRST_COLUMNS, column))
    async with connection(pool) as db:
        prepared = await db.prepare(fetch.select(columns))
        assert [one.name for one in prepared.get_attributes()] == list(columns)


@pytest.mark.parametrize("column", fetch.COLUMNS)
@pytest.mark.parametrize("bodies", [True, False])
async def test_a_column_can_be_read_with_the_text(pool: Pool, column: str, bodies: bool) -> None:
    async with connection(pool) as db:
        prepared = await db.prepare(fetch.select_one((column,), bodies=bodies))
        names = [one.name for one in prepared.get_attributes()]
    of_text = ["uid", "prefix", "header", "blob_id", "body_size", "zstd", "data"]
    assert names == [*of_text[: 7 if bodies else 5], column]
