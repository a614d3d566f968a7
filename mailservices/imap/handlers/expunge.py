"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, RFC 4315 §2.1)."""

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import limiting
from mailservices.imap.handlers.locating import need
from mailservices.imap.session import Session
from mailservices.mail.changes import Changes
from mailservices.protocols.imap.requests.messages import Expunge
from mailservices.store import messages


async def expunge(session: Session, command: Expunge) -> Done:
    selected = session.folder
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    need(session, "e")
    chosen = selected.view.chosen(command.messages, by_uid=True) if command.messages else None
    limiting.check(session, len(chosen or ()))
    changes = await messages.expunge(session.context.pool, selected.account_id, selected.mailbox_id, chosen)
    settle(session, changes)
    return Done(tells_modseq=bool(changes.expunged))


def settle(session: Session, changes: Changes) -> None:
    """Tell what this session has removed, and other sessions that something was."""
    selected = session.folder
    session.tell(selected.view.forget(changes.expunged))
    if changes.expunged:
        session.context.tell(selected.account_id, selected.mailbox_id, changes.modseq)
    if not selected.view.keep_up(changes.modseq):
        session.dirty = True
