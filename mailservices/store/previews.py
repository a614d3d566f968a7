"""The first words of messages (mail/preview.py): kept beside the contents, once somebody has asked for them."""

import asyncio
from collections.abc import Sequence

from mailservices.mail import mime, preview
from mailservices.store import bodies, fetch
from mailservices.store.chosen import IS_CHOSEN, chosen_messages
from mailservices.store.fetch import Row
from mailservices.store.pool import Pool, connection

MISSING = f"""
SELECT m.uid, m.size FROM {chosen_messages()} JOIN mail_message m ON {IS_CHOSEN}
WHERE NOT EXISTS (SELECT FROM mail_preview p WHERE p.account_id = m.account_id AND p.content_id = m.content_id)
ORDER BY m.uid
"""  # noqa: S608 - ours
KEEP = f"""
INSERT INTO mail_preview (account_id, content_id, text)
SELECT m.account_id, m.content_id, chosen.text
FROM (SELECT $1::bigint AS account_id, $2::bigint AS mailbox_id, made.*
      FROM unnest($3::bigint[], $4::text[]) AS made(uid, text) OFFSET 0) chosen
JOIN mail_message m ON {IS_CHOSEN}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - ours


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
