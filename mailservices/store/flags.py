"""Changes of flags: one statement, which does not wait for the disk (store/modseqs.py).

It locks the folder alone, as everybody does who changes a message; to lock each message would take as long as to
read it. But it sees the messages as they were when it began: where it then had to wait for the lock, it changes
nothing, and is carried out again by who has the lock already.
"""

from collections.abc import Sequence
from typing import Any

from mailservices.mail.changes import Changes, Flagged
from mailservices.mail.errors import NoSuchFolder
from mailservices.mail.flags import Change, Flags
from mailservices.store.chosen import IS_CHOSEN, chosen_messages
from mailservices.store.modseqs import BLOCK, EPOCH, LOCK, NEXT, SPANS, begin_epoch, drawn, logged
from mailservices.store.pool import Connection, Pool, connection, transaction

#: A modseq that no change has.
LARGEST = 2**63 - 1

# $4 and $5 are the flags given, $6 how: REPLACE, ADD or REMOVE; those that were changed after $7 are left alone.
# What comes out is one row, for one of each message would take half as long as to change it: of those that were
# changed the UIDs, flags and keywords, and the UIDs of those that somebody else had changed.
SET_FLAGS = f"""
WITH folder AS (
    SELECT m.modseq, {NEXT} AS next, m.reserved, {EPOCH} AS epoch,
           coalesce(m.epoch = {EPOCH}, false) AND m.modseq < m.reserved AS within,
           m.modseq = (
               SELECT b.modseq FROM mail_mailbox b WHERE b.account_id = $1 AND b.mailbox_id = $2) AS current
    FROM mail_mailbox m WHERE m.account_id = $1 AND m.mailbox_id = $2 FOR UPDATE OF m
), asked AS (
    SELECT m.ctid, m.uid, m.modseq > $7::bigint AS newer, m.flags AS old_flags,
           CASE $6::text WHEN 'FLAGS' THEN $4::smallint | (m.flags & $8::smallint) WHEN '+FLAGS' THEN m.flags | $4
                         ELSE m.flags & ~ $4::smallint END AS flags,
           CASE WHEN $6 = 'FLAGS' THEN $5::text[] WHEN $5 = '{{}}' THEN coalesce(m.keywords, '{{}}')
                WHEN $6 = '+FLAGS'
                THEN ARRAY(SELECT DISTINCT unnest(coalesce(m.keywords, '{{}}') || $5) ORDER BY 1)
                ELSE ARRAY(SELECT unnest(m.keywords) EXCEPT SELECT unnest($5) ORDER BY 1) END AS keywords
    FROM {chosen_messages()} JOIN mail_message m ON {IS_CHOSEN}
    WHERE (SELECT f.current FROM folder f)
), changed AS (
    UPDATE mail_message m
    SET flags = a.flags, keywords = nullif(a.keywords, '{{}}'), modseq = (SELECT f.next FROM folder f)
    FROM asked a
    WHERE m.ctid = a.ctid AND NOT a.newer AND (m.flags <> a.flags OR coalesce(m.keywords, '{{}}') <> a.keywords)
    RETURNING m.uid, m.flags, m.keywords, a.old_flags
), noted AS (
    {logged(f"$1, $2, (SELECT f.next FROM folder f), {SPANS} FROM changed HAVING count(*) > 0")}
), counted AS (
    UPDATE mail_mailbox m
    SET {drawn("f.next")}, unseen = m.unseen + c.unseen, deleted = m.deleted + c.deleted, epoch = f.epoch,
        reserved = CASE WHEN f.within THEN m.reserved WHEN f.epoch IS NULL THEN f.next ELSE f.next + {BLOCK} END
    FROM folder f CROSS JOIN (
        SELECT count(*) AS changes, coalesce(sum((old_flags & 1) - (flags & 1)), 0) AS unseen,
               coalesce(sum((flags & 8) / 8 - (old_flags & 8) / 8), 0) AS deleted
        FROM changed
    ) c
    WHERE m.account_id = $1 AND m.mailbox_id = $2 AND c.changes > 0
    RETURNING f.next, CASE WHEN f.within THEN set_config('synchronous_commit', 'off', true) END
)
SELECT coalesce(c.next, f.modseq) AS modseq, f.epoch IS NULL AND c.next IS NOT NULL AS begins, f.current,
       told.*, ARRAY(SELECT uid FROM asked WHERE newer ORDER BY uid) AS newer
FROM folder f LEFT JOIN counted c ON true CROSS JOIN (
    SELECT array_agg(uid) AS uids, array_agg(flags) AS flags, array_agg(array_to_string(keywords, ' ')) AS keywords
    FROM (SELECT uid, flags, keywords FROM changed ORDER BY uid) one
) told
"""  # noqa: S608 - ours


async def set_flags(
    pool: Pool,
    account_id: int,
    mailbox_id: int,
    chosen: Sequence[int],
    change: Change,
    flags: Flags,
    unchanged_since: int | None = None,
    keeps: int = 0,
) -> tuple[Changes, list[int]]:
    """Change flags; what comes back are the messages that were really changed, and the UIDs of those that were not
    touched because somebody had changed them after a modseq (RFC 7162 §3.1.3).

    Where nothing was changed, the modseq is the folder's. REPLACE leaves alone the flags that it `keeps`.

    Raises:
        NoSuchFolder
    """

    async def attempt(db: Connection) -> Any:
        return await db.fetchrow(
            SET_FLAGS, account_id, mailbox_id, chosen, flags.bits, list(flags.keywords), change.value,
            LARGEST if unchanged_since is None else unchanged_since, keeps,
        )  # fmt: skip

    async with connection(pool) as db:
        row = await attempt(db)
    if row is not None and not row["current"]:
        async with transaction(pool) as db:
            await db.execute(LOCK, account_id, mailbox_id)
            row = await attempt(db)
    if row is None:
        raise NoSuchFolder
    if row["begins"]:
        await begin_epoch(pool)
    modseq = row["modseq"]
    told = zip(row["uids"] or (), row["flags"] or (), row["keywords"] or (), strict=True)
    flagged = tuple(
        Flagged(uid, bits, tuple(words.split(" ")) if words else (), modseq) for uid, bits, words in told
    )
    return Changes(modseq, flagged), row["newer"]
