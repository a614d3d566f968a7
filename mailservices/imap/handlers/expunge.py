"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, RFC 4315 §2.1)."""

from mailservices.imap.answers import Done, No
from mailservices.imap.session import Session
from mailservices.mail.changes import Changes
from mailservices.protocols.imap import commands
from mailservices.store import messages


async def expunge(session: Session, command: commands.Expunge) -> Done:
    selected = session.folder
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    chosen = selected.view.chosen(command.messages, by_uid=True) if command.messages else None
    changes = await messages.expunge(session.context.pool, session.account_id, selected.mailbox_id, chosen)
    settle(session, changes)
    return Done()


def settle(session: Session, changes: Changes) -> None:
    """Tell what this session has removed, and other sessions that something was."""
    selected = session.folder
    session.tell(selected.view.forget(changes.expunged))
    if changes.expunged:
        session.context.tell(session.account_id, selected.mailbox_id, changes.modseq)
    if not selected.view.keep_up(changes.modseq):
        session.dirty = True
