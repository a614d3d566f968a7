"""COPY and MOVE between folders of two accounts, or into one where not all flags may be set (RFC 4314 §4).

The bodies are shared; contents and numbers are the target's own.
"""

from collections.abc import Sequence

from mailservices.mail import rights
from mailservices.mail.changes import Changes
from mailservices.mail.errors import MailboxFull, NoSuchFolder
from mailservices.mail.flags import DELETED, SEEN
from mailservices.store import messages
from mailservices.store.ids import new_id
from mailservices.store.messages import Copied
from mailservices.store.pool import Pool, transaction
from mailservices.store.room import has_room

#: $1 is the source, $2 the target; each old id becomes a new one.
CONTENTS = """
INSERT INTO mail_content (account_id, content_id, blob_id, body_size, prefix, header, envelope, bodystructure,
    sent_at, sent_on)
SELECT $2, n.new, c.blob_id, c.body_size, c.prefix, c.header, c.envelope, c.bodystructure, c.sent_at, c.sent_on
FROM unnest($3::uuid[], $4::uuid[]) AS n(old, new)
JOIN mail_content c ON c.account_id = $1 AND c.content_id = n.old
"""
MESSAGES = """
INSERT INTO mail_message
    (account_id, mailbox_id, uid, modseq, flags, keywords, internaldate, savedate, size, content_id, twin)
SELECT $3, $4, $5::bigint + row_number() OVER (ORDER BY m.uid) - 1, $6, m.flags & $7::smallint,
       CASE WHEN $8::boolean THEN m.keywords END, m.internaldate, now(), m.size, n.new,
       row_number() OVER (PARTITION BY m.content_id ORDER BY m.uid) > 1
FROM unnest($9::bigint[]) AS chosen(uid)
JOIN mail_message m ON m.account_id = $1 AND m.mailbox_id = $2 AND m.uid = chosen.uid
JOIN unnest($10::uuid[], $11::uuid[]) AS n(old, new) ON n.old = m.content_id
"""


async def copy(
    pool: Pool, account_id: int, mailbox_id: int, chosen: Sequence[int], target_account: int, target_id: int,
    letters: str, *, moves: bool,
) -> tuple[Copied, Changes]:  # fmt: skip
    """All of these UIDs or none; what `letters`, the rights in the target, do not let be set is not set there.

    With `moves` they are gone from where they were, which the changes tell.

    Raises:
        NoSuchFolder, MailboxFull
    """
    allowed = rights.flags(letters)
    async with transaction(pool) as db:
        quotas = {}
        for one in sorted({account_id, target_account}):
            quotas[one] = await db.fetchrow(messages.LOCK_ACCOUNT, one)
        rows = await db.fetch(messages.CHOSEN, account_id, mailbox_id, chosen)
        octets, quota = sum(row["size"] for row in rows), quotas[target_account]
        if quota is None:
            raise NoSuchFolder
        grows = not (moves and account_id == target_account)
        if grows and not has_room(quota, octets, len(rows)):
            raise MailboxFull
        unseen = sum(not row["flags"] & allowed & SEEN for row in rows)
        deleted = sum(bool(row["flags"] & allowed & DELETED) for row in rows)
        target = await db.fetchrow(messages.TARGET, target_account, target_id, len(rows), unseen, deleted, octets)
        if target is None:
            raise NoSuchFolder
        old = list(dict.fromkeys(row["content_id"] for row in rows))
        new = [new_id() for _ in old]
        await db.execute(CONTENTS, account_id, target_account, old, new)
        source, first = tuple(row["uid"] for row in rows), target["first_uid"]
        await db.execute(
            MESSAGES, account_id, mailbox_id, target_account, target_id, first, target["modseq"], allowed,
            "w" in letters, source, old, new,
        )  # fmt: skip
        await db.execute(messages.USE, target_account, octets, len(rows))
        gone = Changes(0)
        if moves:
            gone = await messages.remove_chosen(db, account_id, mailbox_id, source)
    uids = tuple(range(first, first + len(rows)))
    contents = tuple(row["content_id"] for row in rows)
    return Copied(target["uidvalidity"], source, uids, target["modseq"], contents), gone
