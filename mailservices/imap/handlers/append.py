"""APPEND (RFC 9051 §6.3.12): a message that a client brings."""

from datetime import UTC, datetime

from mailservices.imap.answers import Done, No
from mailservices.imap.session import Session
from mailservices.mail import codes
from mailservices.mail.errors import BadMessage, NoSuchFolder
from mailservices.protocols.imap import commands
from mailservices.store import contents, mailboxes
from mailservices.store.delivery import Delivery, Placement


async def append(session: Session, command: commands.Append) -> Done:
    """Through the same door as every other message; the client learns its UID (RFC 4315 §3)."""
    spool = session.spool
    if spool is None or not command.size:
        raise No("", "An empty message cannot be kept.")
    spool.finish()
    pool = session.context.pool
    try:
        folder = await mailboxes.find(pool, session.account_id, command.mailbox)
    except NoSuchFolder:
        raise No("TRYCREATE", "There is no such folder.") from None
    header, body = spool.header, spool.body()
    if b"\0" in header or body.find(b"\0") >= 0:
        raise BadMessage(codes.HAS_NUL)
    content, _ = await contents.prepare(pool, b"", header, body)
    place = Placement(
        session.account_id,
        folder.mailbox_id,
        command.moment or datetime.now(UTC),
        command.flags.bits,
        command.flags.keywords,
    )
    placed = await session.context.appender.deliver(Delivery(((content, (place,)),)))
    if session.selected is not None and session.selected.mailbox_id == folder.mailbox_id:
        session.dirty = True
    # RFC 4315 §3: where its place is not known any more, nothing is said of it.
    code = f"APPENDUID {placed[0].uidvalidity} {placed[0].uid}" if len(placed) == 1 else ""
    return Done(code, "Kept.")
