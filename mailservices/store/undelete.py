"""Removed messages come back: their contents are kept with their tombstones (store/maintenance.py).

They get new UIDs and are seen; what a tombstone does not keep, flags and keywords, is lost. Tombstones stay, for
clients that have to learn of the removal yet (RFC 7162).
"""

from collections.abc import Sequence
from uuid import UUID

from mailservices.mail.errors import MailboxFull, NoSuchFolder
from mailservices.store.messages import LOCK_ACCOUNT, TARGET, USE
from mailservices.store.pool import Pool, transaction
from mailservices.store.room import has_room

# Of these contents, those whose every message was removed. Under the account's lock, which maintenance takes, too.
REMOVED = """
SELECT c.content_id, octet_length(c.prefix) + octet_length(c.header) + c.body_size AS size
FROM mail_content c
WHERE c.account_id = $1 AND c.content_id = ANY($2::uuid[])
  AND EXISTS (SELECT FROM mail_expunged e WHERE e.account_id = $1 AND e.content_id = c.content_id)
  AND NOT EXISTS (SELECT FROM mail_message m WHERE m.account_id = $1 AND m.content_id = c.content_id)
ORDER BY c.sent_at NULLS FIRST, c.content_id
"""
# The moment at which it came is not known any more: what the message says of itself is the nearest.
PUT_BACK = """
INSERT INTO mail_message (account_id, mailbox_id, uid, modseq, flags, internaldate, size, content_id)
SELECT $1, $2, $3::bigint + r.n - 1, $4, 1, least(coalesce(c.sent_at, now()), now()), r.size, r.content_id
FROM unnest($5::uuid[], $6::bigint[]) WITH ORDINALITY AS r(content_id, size, n)
JOIN mail_content c ON c.account_id = $1 AND c.content_id = r.content_id
"""


async def restore(pool: Pool, account_id: int, mailbox_id: int, contents: Sequence[UUID]) -> int:
    """Put removed messages into this folder; how many there were.

    Raises:
        NoSuchFolder, MailboxFull: nothing was put back.
        Unavailable
    """
    async with transaction(pool) as db:
        account = await db.fetchrow(LOCK_ACCOUNT, account_id)
        if account is None:
            raise NoSuchFolder
        rows = await db.fetch(REMOVED, account_id, list(contents))
        sizes = [row["size"] for row in rows]
        if not rows:
            return 0
        if not has_room(account, sum(sizes), len(rows)):
            raise MailboxFull
        target = await db.fetchrow(TARGET, account_id, mailbox_id, len(rows), 0, 0, sum(sizes))
        if target is None:
            raise NoSuchFolder
        put = (target["first_uid"], target["modseq"], [row["content_id"] for row in rows], sizes)
        await db.execute(PUT_BACK, account_id, mailbox_id, *put)
        await db.execute(USE, account_id, sum(sizes), len(rows))
    return len(rows)
