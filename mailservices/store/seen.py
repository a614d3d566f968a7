r"""\Seen of each reader by itself (RFC 4314 §4), in folders whose owner wants it so: an annotation says which.

The owner's own is the flag of the message. What a reader has seen is drawn a modification sequence for, as every
change of flags, so that the reader's other sessions learn of it.
"""

from collections.abc import Sequence

from mailservices.mail.changes import Flagged
from mailservices.mail.errors import NoSuchFolder
from mailservices.store.chosen import IS_CHOSEN, chosen_messages
from mailservices.store.messages import DRAW, flagged
from mailservices.store.modseqs import LOCK, SPANS, logged
from mailservices.store.pool import Pool, connection, transaction

#: RFC 5464 §3: the entry, and what it says where each reader has an own \Seen.
ENTRY = "/shared/vendor/facteur/seen"
OWN = "own"

#: Of a folder of this account.
IS_OWN = f"""
EXISTS (SELECT FROM mail_annotation n WHERE n.account_id = {{account}} AND n.mailbox_id = {{mailbox}}
        AND n.entry = '{ENTRY}' AND n.value = '{OWN}')
"""
READ = f"""
SELECT CASE WHEN {IS_OWN.format(account="$1", mailbox="$2")} THEN ARRAY(
    SELECT s.uid FROM mail_seen s WHERE s.account_id = $1 AND s.mailbox_id = $2 AND s.reader_id = $3) END
"""  # noqa: S608 - ours
MARK = f"""
INSERT INTO mail_seen (account_id, mailbox_id, uid, reader_id)
SELECT $1, $2, m.uid, $3 FROM {chosen_messages(uids="$4")} JOIN mail_message m ON {IS_CHOSEN}
ON CONFLICT DO NOTHING RETURNING uid
"""  # noqa: S608 - ours
UNMARK = """
DELETE FROM mail_seen WHERE account_id = $1 AND mailbox_id = $2 AND reader_id = $3 AND uid = ANY($4::bigint[])
RETURNING uid
"""
BUMP = f"""
WITH bumped AS (
    UPDATE mail_message m SET modseq = $4 FROM {chosen_messages()} WHERE {IS_CHOSEN} RETURNING m.uid
)
{logged(f"$1, $2, $4, {SPANS} FROM bumped HAVING count(*) > 0")}
"""  # noqa: S608 - ours
FLAGS = f"""
SELECT m.uid, m.flags, m.keywords, m.modseq FROM {chosen_messages()} JOIN mail_message m ON {IS_CHOSEN}
ORDER BY m.uid
"""  # noqa: S608 - ours


async def of(pool: Pool, account_id: int, mailbox_id: int, reader_id: int) -> set[int] | None:
    """The UIDs that this reader has seen; None where \\Seen is one for all."""
    async with connection(pool) as db:
        uids: list[int] | None = await db.fetchval(READ, account_id, mailbox_id, reader_id)
    return None if uids is None else set(uids)


async def mark(
    pool: Pool, account_id: int, mailbox_id: int, reader_id: int, uids: Sequence[int], *, seen: bool
) -> tuple[int, list[int]]:
    """What the folder's modseq is then, and which of them were not so before.

    Raises:
        NoSuchFolder
    """
    async with transaction(pool) as db:
        modseq = await db.fetchval(LOCK, account_id, mailbox_id)
        if modseq is None:
            raise NoSuchFolder
        rows = await db.fetch(MARK if seen else UNMARK, account_id, mailbox_id, reader_id, uids)
        changed = [row["uid"] for row in rows]
        if changed:
            modseq = await db.fetchval(DRAW, account_id, mailbox_id)
            await db.execute(BUMP, account_id, mailbox_id, changed, modseq)
    return modseq, changed


async def flags(pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int]) -> tuple[Flagged, ...]:
    """The flags of these messages as their owner has them."""
    async with connection(pool) as db:
        return tuple(flagged(row) for row in await db.fetch(FLAGS, account_id, mailbox_id, uids))
