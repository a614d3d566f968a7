"""Rows and octets for FETCH, RETR and TOP: read in batches, bounded by count and by octets.

Rows come as tuples straight from the driver: this is the hottest path of all, and a dataclass per row would double
its cost. The order of the columns is the order of the names in each statement.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any

from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.pool import Pool, connection

#: Messages of one batch, and octets of the bodies in it.
BATCH_ROWS = 1000
BATCH_OCTETS = 2 * 2**20

#: uid, size
SIZES = """
SELECT uid, size FROM mail_message
WHERE account_id = $1 AND mailbox_id = $2 AND uid BETWEEN $3 AND $4 ORDER BY uid
"""
#: The same, flags, keywords, internaldate
ROWS = """
SELECT uid, size, flags, keywords, internaldate FROM mail_message
WHERE account_id = $1 AND mailbox_id = $2 AND uid BETWEEN $3 AND $4 ORDER BY uid
"""
#: The same, envelope, bodystructure
STRUCTURES = """
SELECT m.uid, m.size, m.flags, m.keywords, m.internaldate, c.envelope, c.bodystructure
FROM mail_message m JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4 ORDER BY m.uid
"""
_TEXTS = """
SELECT m.uid, c.prefix, c.header, c.blob_id, c.body_size{columns}
FROM {chosen} JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id{more}
{where} ORDER BY m.uid
"""
_BLOB = " JOIN mail_blob b ON b.blob_id = c.blob_id AND b.piece = 0"
_RANGE = "WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4"
#: Each number is looked up: the plan is made before the set is known.
_SET = (
    "unnest($3::bigint[]) AS chosen(uid) "
    "JOIN mail_message m ON m.account_id = $1 AND m.mailbox_id = $2 AND m.uid = chosen.uid"
)
#: uid, prefix, header, blob_id, body_size
HEADERS = _TEXTS.format(columns="", chosen=_SET, more="", where="")
HEADERS_RANGE = _TEXTS.format(columns="", chosen="mail_message m", more="", where=_RANGE)
#: The same, and the first piece of the body: zstd, data
BODIES = _TEXTS.format(columns=", b.zstd, b.data", chosen=_SET, more=_BLOB, where="")
BODIES_RANGE = _TEXTS.format(columns=", b.zstd, b.data", chosen="mail_message m", more=_BLOB, where=_RANGE)

#: A row of the driver: its columns stand in the order of the statement's names.
Row = Any


def rows(
    pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int], statement: str
) -> AsyncIterator[Sequence[Row]]:
    """Batches of rows of SIZES, ROWS or STRUCTURES; messages that are gone are left out."""

    async def read(chosen: Sequence[int]) -> Sequence[Row]:
        async with connection(pool) as db:
            found: Sequence[Row] = await db.fetch(statement, account_id, mailbox_id, chosen[0], chosen[-1])
        if len(found) > len(chosen):
            wanted = set(chosen)
            return [row for row in found if row[0] in wanted]
        return found

    return _ahead(read, _spans(uids))


async def _ahead(
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


def _spans(uids: Sequence[int]) -> Iterator[Sequence[int]]:
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
    return _ahead(lambda uids: read(pool, account_id, mailbox_id, uids), by_octets(sized))


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
