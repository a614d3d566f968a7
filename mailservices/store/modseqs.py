"""Modification sequences (RFC 7162 §3.1): how a folder draws the next one, though flags do not wait for the disk.

A change of flags is committed without waiting: a crash of PostgreSQL may undo the last of them, after clients were
told. What must not happen is that a sequence that was told is drawn again for something else: who comes back with
it would never hear of that. So a block of sequences is reserved first, by a commit that does wait, and flags draw
from it. mail_epoch, which is not logged, is emptied by a crash and by a failover: a folder whose block is of
another epoch goes on above the block.
"""

from mailservices.store.pool import Pool, connection

#: Changes of flags in a folder of which one waits for the disk.
BLOCK = 1000

#: The epoch that it is, and the next modseq of a row of mail_mailbox, m, that is locked.
EPOCH = "(SELECT e.epoch FROM mail_epoch e WHERE e.here)"
NEXT = f"CASE WHEN m.epoch = {EPOCH} THEN m.modseq ELSE greatest(m.modseq, m.reserved) END + 1"

BEGIN_EPOCH = "INSERT INTO mail_epoch (here, epoch) VALUES (true, gen_random_uuid()) ON CONFLICT DO NOTHING"


async def begin_epoch(pool: Pool) -> None:
    """After the first start, a crash or a failover; whoever is first."""
    async with connection(pool) as db:
        await db.execute(BEGIN_EPOCH)
