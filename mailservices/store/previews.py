"""The first words of messages (mail/preview.py): kept beside the contents, once somebody has asked for them."""

import asyncio
from collections.abc import Sequence

from mailservices.mail import mime, preview
from mailservices.store import bodies, fetch
from mailservices.store.fetch import Row
from mailservices.store.pool import Pool, connection

MISSING = """
SELECT m.uid, m.size FROM unnest($3::bigint[]) AS chosen(uid)
JOIN mail_message m ON m.account_id = $1 AND m.mailbox_id = $2 AND m.uid = chosen.uid
WHERE NOT EXISTS (SELECT FROM mail_preview p WHERE p.account_id = m.account_id AND p.content_id = m.content_id)
ORDER BY m.uid
"""
KEEP = """
INSERT INTO mail_preview (account_id, content_id, text)
SELECT m.account_id, m.content_id, made.text FROM unnest($3::bigint[], $4::text[]) AS made(uid, text)
JOIN mail_message m ON m.account_id = $1 AND m.mailbox_id = $2 AND m.uid = made.uid
ON CONFLICT DO NOTHING
"""


async def complete(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int]) -> None:
    """Make what is missing for these ascending UIDs. Of a large body its first piece is looked at."""
    async with connection(pool) as db:
        missing = [(row[0], row[1]) for row in await db.fetch(MISSING, account_id, mailbox_id, uids)]
    async for rows in fetch.texts(pool, account_id, mailbox_id, missing, bodies=True):
        made = await asyncio.to_thread(_read, rows)
        async with connection(pool) as db:
            await db.execute(KEEP, account_id, mailbox_id, [row[0] for row in rows], made)


def _read(rows: Sequence[Row]) -> list[str]:
    made = []
    for row in rows:
        body = bodies.unpack(row[5], row[6])
        made.append(preview.of(mime.scan(row[2], body), body))
    return made
