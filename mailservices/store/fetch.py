"""Rows and octets for FETCH, RETR and TOP: read in batches, bounded by count and by octets.

Rows come as tuples straight from the driver: this is the hottest path of all, and a dataclass per row would double
its cost. The order of the columns is the order of the names in each statement.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from mailservices.store.bodies import PIECE_OCTETS, unpack
from mailservices.store.chosen import IS_CHOSEN, chosen_messages
from mailservices.store.pool import Pool, connection

#: Messages of one batch, and octets of the bodies in it.
BATCH_ROWS = 1000
BATCH_OCTETS = 2 * 2**20
#: Octets of a message that may be read before anybody asks for it.
AHEAD_OCTETS = 32 * 1024

_OF_MESSAGE = ("uid", "size", "flags", "keywords", "internaldate", "savedate", "modseq", "content_id")
#: What a row of `rows` can have, in this order; those of mail_content cost a join.
COLUMNS = (
    {name: f"m.{name}" for name in _OF_MESSAGE}
    | {name: f"c.{name}" for name in ("envelope", "bodystructure")}
    | {"preview": "p.text AS preview"}
)
#: These every row has, first.
FIRST_COLUMNS = ("uid", "size")
_PREVIEW = " LEFT JOIN mail_preview p ON p.account_id = m.account_id AND p.content_id = m.content_id"
_CONTENT = " JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id"
_TEXTS = """
SELECT m.uid, c.prefix, c.header, c.blob_id, c.body_size{columns}
FROM {chosen} JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id{more}
{where} ORDER BY m.uid
"""
_BLOB = " JOIN mail_blob b ON b.blob_id = c.blob_id AND b.piece = 0"
_RANGE = "WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4"
_SET = f"{chosen_messages()} JOIN mail_message m ON {IS_CHOSEN}"
#: uid, prefix, header, blob_id, body_size
HEADERS = _TEXTS.format(columns="", chosen=_SET, more="", where="")
HEADERS_RANGE = _TEXTS.format(columns="", chosen="mail_message m", more="", where=_RANGE)
#: The same, and the first piece of the body: zstd, data
BODIES = _TEXTS.format(columns=", b.zstd, b.data", chosen=_SET, more=_BLOB, where="")
BODIES_RANGE = _TEXTS.format(columns=", b.zstd, b.data", chosen="mail_message m", more=_BLOB, where=_RANGE)


#: Of BODIES, a range, but those that are too large to be read ahead; $6 is the one that is meant.
AHEAD = _TEXTS.format(
    columns=", b.zstd, b.data",
    chosen="mail_message m",
    more=_BLOB,
    where=f"{_RANGE} AND (m.size <= $5 OR m.uid = $6)",
)


@cache
def select_one(columns: tuple[str, ...], *, bodies: bool) -> str:
    """The statement that reads of one message what BODIES or HEADERS has, and then these columns."""
    more = ", b.zstd, b.data" if bodies else ""
    join = (_BLOB if bodies else "") + (_PREVIEW if "preview" in columns else "")
    return _TEXTS.format(
        columns=more + "".join(f", {COLUMNS[name]}" for name in columns),
        chosen="mail_message m",
        more=join,
        where="WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid = $3",
    )


@cache
def select(columns: tuple[str, ...]) -> str:
    """The statement that reads these columns, FIRST_COLUMNS first."""
    sources = [COLUMNS[name] for name in columns]
    join = _CONTENT if any(source.startswith("c.") for source in sources) else ""
    join += _PREVIEW if "preview" in columns else ""
    return f"SELECT {', '.join(sources)} FROM mail_message m{join} {_RANGE} ORDER BY m.uid"  # noqa: S608 - ours


#: A row of the driver: its columns stand in the order of the statement's names.
Row = Any


def text_size(row: Row) -> int:
    """Octets of the message of a row of HEADERS or BODIES."""
    size: int = len(row[1]) + len(row[2]) + row[4]
    return size


def unpacked(row: Row) -> Row:
    """A row of BODIES as if its body had never been packed."""
    return (*row[:5], False, unpack(row[5], row[6]))


def rows(
    pool: Pool,
    account_id: int,
    mailbox_id: int,
    uids: Sequence[int],
    columns: Callable[[Sequence[int]], tuple[str, ...]],
) -> AsyncIterator[Sequence[Row]]:
    """Batches of rows; messages that are gone are left out.

    Args:
        columns: those that are wanted of a batch.
    """

    return prefetched(lambda chosen: span(pool, account_id, mailbox_id, chosen, columns(chosen)), spans(uids))


async def span(
    pool: Pool, account_id: int, mailbox_id: int, chosen: Sequence[int], columns: tuple[str, ...]
) -> Sequence[Row]:
    """The rows of one of `spans`."""
    async with connection(pool) as db:
        found: Sequence[Row] = await db.fetch(select(columns), account_id, mailbox_id, chosen[0], chosen[-1])
    if len(found) > len(chosen):
        wanted = set(chosen)
        return [row for row in found if row[0] in wanted]
    return found


async def prefetched(
    read: Callable[[Sequence[int]], Coroutine[Any, Any, Sequence[Row]]], batches: Iterable[Sequence[int]]
) -> AsyncIterator[Sequence[Row]]:
    """What is read of each batch. The next is on its way while the caller works on one, so that neither waits."""
    coming: asyncio.Task[Sequence[Row]] | None = None
    try:
        for batch in batches:
            ready, coming = coming, asyncio.create_task(read(batch))
            if ready is not None:
                yield await ready
        if coming is not None:
            yield await coming
    finally:
        # One that has failed meanwhile is not asked for any more; why, the log has been told.
        if coming is not None and not coming.cancel() and not coming.cancelled():
            coming.exception()


async def one(
    pool: Pool, account_id: int, mailbox_id: int, uid: int, columns: tuple[str, ...], *, bodies: bool
) -> tuple[Row, Row] | None:
    """What `rows` and `texts` tell of one message, asked for together; None where it is gone."""
    async with connection(pool) as db:
        found = await db.fetchrow(select_one(columns, bodies=bodies), account_id, mailbox_id, uid)
    own = 7 if bodies else 5
    return (found[own:], found[:own]) if found else None


async def ahead(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int], uid: int) -> Sequence[Row]:
    """The rows of AHEAD: of this one, and of the others in their span that are small."""
    found: Sequence[Row]
    async with connection(pool) as db:
        found = await db.fetch(AHEAD, account_id, mailbox_id, min(uids), max(uids), AHEAD_OCTETS, uid)
    return found


def spans(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ascending UIDs in batches whose span holds few others, so that a batch is one range of the key."""
    start = 0
    while start < len(uids):
        end = min(start + BATCH_ROWS, len(uids))
        while uids[end - 1] - uids[start] >= 2 * BATCH_ROWS and end - start > 1:
            end = start + (end - start + 1) // 2
        yield uids[start:end]
        start = end


async def headers(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int]) -> Sequence[Row]:
    """The rows of HEADERS for these ascending UIDs; callers ask for as many as they can hold."""
    return await _texts(pool, account_id, mailbox_id, uids, HEADERS, HEADERS_RANGE)


async def first_pieces(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int]) -> Sequence[Row]:
    """The rows of BODIES for these ascending UIDs; callers ask for as many as they can hold."""
    return await _texts(pool, account_id, mailbox_id, uids, BODIES, BODIES_RANGE)


async def _texts(
    pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int], of_set: str, of_range: str
) -> Sequence[Row]:
    """A range of the key is read where nothing else can lie in it, which is faster than to look up each number."""
    found: Sequence[Row]
    async with connection(pool) as db:
        if uids[-1] - uids[0] + 1 == len(uids):
            found = await db.fetch(of_range, account_id, mailbox_id, uids[0], uids[-1])
        else:
            found = await db.fetch(of_set, account_id, mailbox_id, uids)
    return found


def texts(
    pool: Pool, account_id: int, mailbox_id: int, sized: Sequence[tuple[int, int]], *, bodies: bool
) -> AsyncIterator[Sequence[Row]]:
    """Batches of rows of BODIES, or of HEADERS, for (uid, size) pairs; messages that are gone are left out."""
    read = first_pieces if bodies else headers
    return prefetched(lambda uids: read(pool, account_id, mailbox_id, uids), by_octets(sized))


def by_octets(sized: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """UIDs of (uid, size) pairs in batches that fit BATCH_OCTETS, counting of each body what one piece holds."""
    batch: list[int] = []
    octets = 0
    for uid, size in sized:
        octets += min(size, PIECE_OCTETS)
        if batch and (octets > BATCH_OCTETS or len(batch) >= BATCH_ROWS):
            yield batch
            batch, octets = [], min(size, PIECE_OCTETS)
        batch.append(uid)
    if batch:
        yield batch
