"""Modification sequences (RFC 7162 §3.1): how a folder draws the next one, though flags do not wait for the disk.

A change of flags is committed without waiting: a crash of PostgreSQL may undo the last of them, after clients were
told. What must not happen is that a sequence that was told is drawn again for something else: who comes back with
it would never hear of that. So a block of sequences is reserved first, by a commit that does wait, and flags draw
from it. mail_epoch, which is not logged, is emptied by a crash and by a failover: a folder whose block is of
another epoch goes on above the block.

What came, and whose flags were changed, is noted with the modseq in mail_change, a row for each draw: an index of
messages by modseq would have to be written for every flag of every message. What is not in there, because it is
too old or because an older release has drawn, is found by looking at all of the folder.
"""

from mailservices.store.pool import Pool, connection

#: Changes of flags in a folder of which one waits for the disk.
BLOCK = 1000

#: The epoch that it is, and the next modseq of a row of mail_mailbox, m, that is locked.
EPOCH = "(SELECT e.epoch FROM mail_epoch e WHERE e.here)"
NEXT = f"CASE WHEN m.epoch = {EPOCH} THEN m.modseq ELSE greatest(m.modseq, m.reserved) END + 1"

#: The UIDs of rows, and of those that a draw gave to new messages, as mail_change has them.
SPANS = "range_agg(int8range(uid, uid + 1))"
NEW = "int8multirange(int8range(first_uid, uidnext))"
#: Whether mail_change has whatever happened in a folder, m, after the modseq $3.
IS_LOGGED = "m.logged = m.modseq AND m.unlogged <= $3"
#: The UIDs of which it tells that.
LOGGED = """ARRAY(
    SELECT generate_series(lower(span), upper(span) - 1)
    FROM unnest((SELECT range_agg(c.uids) FROM mail_change c
                 WHERE c.account_id = $1 AND c.mailbox_id = $2 AND c.modseq > $3)) AS span)
"""

#: The folder, before anything of its messages is changed.
LOCK = "SELECT modseq FROM mail_mailbox WHERE account_id = $1 AND mailbox_id = $2 FOR UPDATE"
BEGIN_EPOCH = "INSERT INTO mail_epoch (here, epoch) VALUES (true, gen_random_uuid()) ON CONFLICT DO NOTHING"


def drawn(next_one: str = NEXT) -> str:
    """What an UPDATE of a folder, m, sets to draw the next one."""
    unlogged = "CASE WHEN m.logged = m.modseq THEN m.unlogged ELSE m.modseq END"
    return f"modseq = {next_one}, logged = {next_one}, unlogged = {unlogged}"


def logged(found: str) -> str:
    """What notes that one was drawn for messages; `found` is SQL for an account, a folder, the modseq and UIDs."""
    return f"INSERT INTO mail_change (account_id, mailbox_id, modseq, uids) SELECT {found}"


async def begin_epoch(pool: Pool) -> None:
    """After the first start, a crash or a failover; whoever is first."""
    async with connection(pool) as db:
        await db.execute(BEGIN_EPOCH)
