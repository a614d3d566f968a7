"""STORE (RFC 9051 §6.4.6)."""

from mailservices.imap.answers import Done, No
from mailservices.imap.session import Session
from mailservices.mail.changes import Changes
from mailservices.protocols.imap import commands
from mailservices.protocols.imap.view import NewFlags
from mailservices.store import messages


async def store(session: Session, command: commands.Store) -> Done:
    """Change flags, and tell the new ones unless .SILENT."""
    selected, view = session.folder, session.folder.view
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    gone = not command.by_uid and view.names_gone(command.messages)
    uids = view.chosen(command.messages, by_uid=command.by_uid)
    changes = await messages.set_flags(
        session.context.pool, session.account_id, selected.mailbox_id, uids, command.change, command.flags
    )
    if changes.flagged:
        session.context.tell(session.account_id, selected.mailbox_id, changes.modseq)
    await settle(session, changes, silent=command.silent, with_uid=command.by_uid)
    if gone:
        raise No("EXPUNGEISSUED", "Some of these messages are gone.")
    return Done()


async def settle(session: Session, changes: Changes, *, silent: bool, with_uid: bool) -> None:
    """Tell the flags that this session itself has changed, and count its change as known."""
    view = session.folder.view
    if not silent:
        session.tell(
            [
                NewFlags(view.number(one.uid), one.uid, one.bits, one.keywords)
                for one in changes.flagged
                if view.number(one.uid)
            ],
            with_uid=with_uid,
        )
    if not view.keep_up(changes.modseq):
        # Others changed something in between: that is learnt with the next update.
        session.dirty = True
