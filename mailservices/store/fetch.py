"""Rows and octets for FETCH, RETR and TOP: read in batches, bounded by count and by octets.

Rows come as tuples straight from the driver: this is the hottest path of all, and a dataclass per row would double
its cost. The order of the columns is the order of the names in each statement.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.pool import Pool, connection

#: Messages of one batch, and octets of the bodies in it.
BATCH_ROWS = 1000
BATCH_OCTETS = 2 * 2**20

#: uid, flags, keywords, internaldate, size
ROWS = """
SELECT uid, flags, keywords, internaldate, size FROM mail_message
WHERE account_id = $1 AND mailbox_id = $2 AND uid BETWEEN $3 AND $4 ORDER BY uid
"""
#: The same, envelope, bodystructure
STRUCTURES = """
SELECT m.uid, m.flags, m.keywords, m.internaldate, m.size, c.envelope, c.bodystructure
FROM mail_message m JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4 ORDER BY m.uid
"""
# The range of UIDs makes every plan begin with the primary key; the set is joined, so that each plan is linear.
#: uid, prefix, header, blob_id, body_size
HEADERS = """
SELECT m.uid, c.prefix, c.header, c.blob_id, c.body_size
FROM mail_message m JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4
  AND m.uid IN (SELECT unnest($5::bigint[]))
ORDER BY m.uid
"""
#: The same, and the first piece of the body: zstd, data
BODIES = """
SELECT m.uid, c.prefix, c.header, c.blob_id, c.body_size, b.zstd, b.data
FROM mail_message m
JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
JOIN mail_blob b ON b.blob_id = c.blob_id AND b.piece = 0
WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4
  AND m.uid IN (SELECT unnest($5::bigint[]))
ORDER BY m.uid
"""

#: A row of the driver: its columns stand in the order of the statement's names.
Row = Any


async def rows(
    pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int], *, structures: bool
) -> AsyncIterator[Sequence[Row]]:
    """Batches of rows of ROWS, or of STRUCTURES; messages that are gone are left out."""
    statement = STRUCTURES if structures else ROWS
    for chosen in _spans(uids):
        async with connection(pool) as db:
            found = await db.fetch(statement, account_id, mailbox_id, chosen[0], chosen[-1])
        if len(found) > len(chosen):
            wanted = set(chosen)
            found = [row for row in found if row[0] in wanted]
        yield found


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
    async with connection(pool) as db:
        found: Sequence[Row] = await db.fetch(HEADERS, account_id, mailbox_id, uids[0], uids[-1], uids)
    return found


async def first_pieces(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int]) -> Sequence[Row]:
    """The rows of BODIES for these ascending UIDs; callers ask for as many as they can hold."""
    async with connection(pool) as db:
        found: Sequence[Row] = await db.fetch(BODIES, account_id, mailbox_id, uids[0], uids[-1], uids)
    return found


async def texts(
    pool: Pool, account_id: int, mailbox_id: int, sized: Sequence[tuple[int, int]], *, bodies: bool
) -> AsyncIterator[Sequence[Row]]:
    """Batches of rows of BODIES, or of HEADERS, for (uid, size) pairs; messages that are gone are left out.

    The next batch is on its way while the caller works on one, so that it waits for neither side's work.
    """
    read = first_pieces if bodies else headers
    coming: asyncio.Task[Sequence[Row]] | None = None
    try:
        for uids in by_octets(sized):
            ready, coming = coming, asyncio.create_task(read(pool, account_id, mailbox_id, uids))
            if ready is not None:
                yield await ready
        if coming is not None:
            yield await coming
    finally:
        if coming is not None:
            coming.cancel()


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
