"""What SORT and THREAD compare of messages (mail/gist.py): kept beside the contents from the first time on.

It is made when a folder is first sorted, and not at arrival: most folders never are.
"""

import asyncio
from collections.abc import Sequence

from mailservices.mail import gist
from mailservices.mail.threads import Entry
from mailservices.store.chosen import CONTENTS, IS_CONTENT
from mailservices.store.pool import Pool, connection

#: Contents that are read and written together, and from how many octets of headers on a thread reads them.
BATCH_ROWS = 500
THREAD_OCTETS = 64 * 1024

MISSING = """
SELECT DISTINCT m.content_id FROM mail_message m
WHERE m.account_id = $1 AND m.mailbox_id = $2
  AND NOT EXISTS (SELECT FROM mail_gist g WHERE g.account_id = m.account_id AND g.content_id = m.content_id)
"""
HEADERS = f"""
SELECT c.content_id, c.header FROM {CONTENTS} JOIN mail_content c ON {IS_CONTENT}
"""  # noqa: S608 - ours
KEEP = """
INSERT INTO mail_gist (account_id, content_id, subject, is_reply, sender, recipient, cc, shown_sender, shown_to,
    message_id, refers_to)
SELECT $1::bigint, * FROM unnest($2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[])
ON CONFLICT DO NOTHING
"""
#: Of those that a session knows.
ENTRIES = """
SELECT m.uid, coalesce(g.subject, ''), coalesce(g.is_reply, false), coalesce(g.message_id, ''),
       coalesce(g.refers_to, ''), coalesce(c.sent_at, m.internaldate), m.internaldate
FROM mail_message m JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
LEFT JOIN mail_gist g ON g.account_id = m.account_id AND g.content_id = m.content_id
WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid BETWEEN $3 AND $4
"""


async def complete(pool: Pool, account_id: int, mailbox_id: int) -> None:
    """Make what is missing for this folder's messages."""
    async with connection(pool) as db:
        missing = [row[0] for row in await db.fetch(MISSING, account_id, mailbox_id)]
    for start in range(0, len(missing), BATCH_ROWS):
        async with connection(pool) as db:
            rows = await db.fetch(HEADERS, account_id, missing[start : start + BATCH_ROWS])
        headers = [row[1] for row in rows]
        large = sum(map(len, headers)) > THREAD_OCTETS
        gists = await asyncio.to_thread(_read, headers) if large else _read(headers)
        columns = [
            (
                one.subject, one.is_reply, one.sender, one.to, one.cc, one.shown_sender, one.shown_to,
                one.message_id, "\n".join(one.references),
            )
            for one in gists
        ]  # fmt: skip
        if rows:
            async with connection(pool) as db:
                await db.execute(
                    KEEP, account_id, [row[0] for row in rows], *map(list, zip(*columns, strict=True))
                )


def _read(headers: Sequence[bytes]) -> list[gist.Gist]:
    return [gist.read(header) for header in headers]


async def entries(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int]) -> list[Entry]:
    """What THREAD compares of these ascending UIDs; messages that are gone are left out."""
    if not uids:
        return []
    async with connection(pool) as db:
        rows = await db.fetch(ENTRIES, account_id, mailbox_id, uids[0], uids[-1])
    wanted = set(uids)
    return [
        Entry(uid, subject, is_reply, message_id, tuple(refers_to.split("\n")) if refers_to else (), sent, arrived)
        for uid, subject, is_reply, message_id, refers_to, sent, arrived in rows
        if uid in wanted
    ]
