"""The text index: what contents say (mail/wording.py), read by a worker some time after they came.

PostgreSQL keeps the trigrams of it, so that SEARCH finds any part of a word. What is not read yet, or was too long
to be kept, is looked through when somebody searches (imap/handlers/finding.py): answers are always complete.
"""

import asyncio
import mmap
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from mailservices.mail import mime, wording
from mailservices.mail.headers import Octets
from mailservices.mail.wording import Wording
from mailservices.store import bodies
from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.chosen import CONTENTS, IS_CONTENT
from mailservices.store.ids import oldest_id
from mailservices.store.pool import Pool, connection

#: Contents that are read together at most, and octets of their bodies.
BATCH_ROWS = 500
BATCH_OCTETS = 4 * 2**20
#: Seconds after which whatever was begun has been committed, or never will be.
SETTLED_SECONDS = 120.0

BEHIND = """
SELECT u.account_id FROM mail_usage u LEFT JOIN mail_reading r ON r.account_id = u.account_id
WHERE EXISTS (SELECT FROM mail_content c WHERE c.account_id = u.account_id
                 AND c.content_id > coalesce(r.content_id, '00000000-0000-0000-0000-000000000000'))
ORDER BY u.account_id
"""
UNREAD = """
SELECT c.content_id, c.body_size FROM mail_content c
WHERE c.account_id = $1 AND c.content_id > coalesce((SELECT content_id FROM mail_reading WHERE account_id = $1),
                                                    '00000000-0000-0000-0000-000000000000')
  AND NOT EXISTS (SELECT FROM mail_wording w WHERE w.account_id = c.account_id AND w.content_id = c.content_id)
ORDER BY c.content_id LIMIT $2
"""
#: Of a folder.
MISSING = """
SELECT DISTINCT c.content_id, c.body_size FROM mail_message m
JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
WHERE m.account_id = $1 AND m.mailbox_id = $2
  AND NOT EXISTS (SELECT FROM mail_wording w WHERE w.account_id = m.account_id AND w.content_id = m.content_id)
ORDER BY c.content_id LIMIT $3
"""
TEXTS = f"""
SELECT c.content_id, c.prefix || c.header AS head, c.blob_id, c.body_size, b.zstd, b.data
FROM {CONTENTS} JOIN mail_content c ON {IS_CONTENT} JOIN mail_blob b ON b.blob_id = c.blob_id AND b.piece = 0
"""  # noqa: S608 - ours
KEEP = """
INSERT INTO mail_wording (account_id, content_id, header, body, whole)
SELECT c.account_id, c.content_id, said.header, said.body, said.whole
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[]) AS said(content_id, header, body, whole)
JOIN mail_content c ON c.account_id = $1 AND c.content_id = said.content_id
ON CONFLICT DO NOTHING
"""
MARK = """
INSERT INTO mail_reading AS r (account_id, content_id) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET content_id = excluded.content_id WHERE r.content_id < excluded.content_id
"""


async def behind(pool: Pool) -> list[int]:
    """The accounts that have contents of which it is not sure that they were read."""
    async with connection(pool) as db:
        return [row[0] for row in await db.fetch(BEHIND)]


async def read_on(pool: Pool, account_id: int) -> int:
    """Read the oldest of an account's contents that are new; how many were read, 0 where none is left."""
    async with connection(pool) as db:
        rows = await db.fetch(UNREAD, account_id, BATCH_ROWS)
    chosen = _batch(rows)
    # What is younger may still be joined by what was begun before it: it is looked at again.
    mark = oldest_id(time.time() - SETTLED_SECONDS)
    if chosen:
        await _read(pool, account_id, chosen)
        mark = min(mark, chosen[-1])
    async with connection(pool) as db:
        await db.execute(MARK, account_id, mark)
    return len(chosen)


async def complete(pool: Pool, account_id: int, mailbox_id: int, told: Callable[[int], None]) -> None:
    """Read now whatever of a folder has not been read; `told` is called with how many were, batch by batch."""
    done = 0
    while True:
        async with connection(pool) as db:
            rows = await db.fetch(MISSING, account_id, mailbox_id, BATCH_ROWS)
        if not rows:
            return
        chosen = _batch(rows)
        await _read(pool, account_id, chosen)
        done += len(chosen)
        told(done)


def _batch(rows: Sequence[Any]) -> list[UUID]:
    """As many of these (content, octets) as are read together."""
    chosen: list[UUID] = []
    octets = 0
    for content_id, size in rows:
        octets += min(size, PIECE_OCTETS)
        if chosen and octets > BATCH_OCTETS:
            break
        chosen.append(content_id)
    return chosen


async def _read(pool: Pool, account_id: int, chosen: Sequence[UUID]) -> None:
    async with connection(pool) as db:
        rows = await db.fetch(TEXTS, account_id, chosen)
    small = [row for row in rows if row["body_size"] <= PIECE_OCTETS]
    said = await asyncio.to_thread(
        lambda: [_wording(row, bodies.unpack(row["zstd"], row["data"])) for row in small]
    )
    ids = [row["content_id"] for row in small]
    for row in rows:
        if row["body_size"] > PIECE_OCTETS:
            with (
                await bodies.to_file(pool, row["blob_id"], row["body_size"]) as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body,
            ):
                said.append(await asyncio.to_thread(_wording, row, body))
            ids.append(row["content_id"])
    columns = [one.header for one in said], [one.body for one in said], [one.whole for one in said]
    async with connection(pool) as db:
        await db.execute(KEEP, account_id, ids, *columns)


def _wording(row: Any, body: Octets) -> Wording:
    return wording.read(row["head"], mime.scan(row["head"], body), body, wording.CHARACTERS)
