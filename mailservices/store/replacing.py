"""REPLACE (RFC 8508): a message enters and another goes, in one transaction."""

from mailservices.mail.changes import Changes
from mailservices.mail.errors import MailError, MessageGone, Unavailable
from mailservices.store import delivery as entering
from mailservices.store import doubt, messages
from mailservices.store.delivery import Delivery, Placed
from mailservices.store.pool import Pool, transaction


async def replace(
    pool: Pool, account_id: int, mailbox_id: int, uid: int, delivery: Delivery
) -> tuple[list[Placed], Changes]:
    """Where the message lies, and what was removed. What goes makes room for what comes (RFC 8508 §3.4).

    Raises:
        MessageGone: there is no such message any more; nothing was stored.
        MailboxFull, TooLargeForMailbox, NoSuchFolder: nothing was changed.
    """
    done: tuple[list[Placed], Changes] | None = None
    try:
        async with transaction(pool) as db:
            changes = await messages.remove_chosen(db, account_id, mailbox_id, [uid])
            if not changes.expunged:
                raise MessageGone
            [placed] = await entering.write(db, [delivery])
            if isinstance(placed, MailError):
                raise placed
            done = (placed, changes)
    except Unavailable:
        if done is None or not await doubt.stands(pool, lambda db: entering.stands(db, [delivery])):
            raise
    return done
