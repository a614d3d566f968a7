"""SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.4), and what a session learns of its folder meanwhile."""

from mailservices.imap.answers import Done
from mailservices.imap.session import Selected, Session
from mailservices.imap.watch import Watching
from mailservices.mail.errors import Unavailable
from mailservices.mail.flags import PRINTED
from mailservices.protocols.imap import commands, responses
from mailservices.protocols.imap.view import Exists, View
from mailservices.store import mailboxes, messages

_FLAGS = PRINTED[-1]


async def select(session: Session, command: commands.Select) -> Done:
    """Open a folder; one that was open is closed first, whatever becomes of this one."""
    forget(session)
    pool, account_id = session.context.pool, session.account_id
    folder = await mailboxes.find(pool, account_id, command.mailbox)
    # The folder's row is read before its messages: what arrives between them is learnt again, never missed.
    view = View(await messages.uids(pool, account_id, folder.mailbox_id), folder.modseq)
    watching = Watching(account_id, folder.mailbox_id, lambda: view.modseq, session.changed)
    selected = Selected(folder.mailbox_id, folder.name, command.read_only, view, folder.recent_from, watching)
    if not command.read_only and folder.recent_from <= view.last_uid:
        await mailboxes.claim_recent(pool, account_id, folder.mailbox_id)
    unseen = await messages.first_unseen(pool, account_id, folder.mailbox_id) if folder.unseen else None
    session.selected = selected
    session.context.watch.start(watching)
    _tell(session, selected, folder, view.number(unseen) if unseen else 0)
    return Done("READ-ONLY" if command.read_only else "READ-WRITE", f"{folder.name} is open.")


def _tell(session: Session, selected: Selected, folder: mailboxes.Folder, unseen: int) -> None:
    say = session.say
    permanent = b"" if selected.read_only else _FLAGS + b" \\*"
    say(b"* FLAGS (" + _FLAGS + b")\r\n")
    say(responses.untagged("OK", "These can be kept.", b"PERMANENTFLAGS (" + permanent + b")"))
    say(b"* %d EXISTS\r\n* %d RECENT\r\n" % (len(selected.view), recent(selected)))
    if unseen:
        say(responses.untagged("OK", "First unseen message.", f"UNSEEN {unseen}"))
    say(responses.untagged("OK", "UIDs are valid.", f"UIDVALIDITY {folder.uidvalidity}"))
    say(responses.untagged("OK", "Predicted next UID.", f"UIDNEXT {folder.uidnext}"))


def recent(selected: Selected) -> int:
    """RFC 3501 §2.3.2: messages that this session is the first to be told of."""
    view = selected.view
    return len(view) - view.below(selected.recent_from)


async def close(session: Session, _command: commands.Close) -> Done:
    """RFC 9051 §6.4.1: removes what is flagged \\Deleted, and tells nothing of it."""
    selected = session.folder
    if not selected.read_only:
        changes = await messages.expunge(session.context.pool, session.account_id, selected.mailbox_id, None)
        if changes.expunged:
            session.context.tell(session.account_id, selected.mailbox_id, changes.modseq)
    forget(session)
    return Done()


async def unselect(session: Session, _command: commands.Unselect) -> Done:
    """RFC 3691: as CLOSE, but nothing is removed."""
    forget(session)
    return Done()


def forget(session: Session) -> None:
    """Nothing is selected any more."""
    if session.selected is not None:
        session.context.watch.stop(session.selected.watching)
        session.selected = None
    session.dirty = False


async def learn(session: Session, selected: Selected, *, may_expunge: bool) -> None:
    """Read what has changed since the client last heard, and tell it.

    Raises:
        NoSuchFolder: the folder is gone.
        Unavailable: it is told later.
    """
    session.dirty = False
    view, pool = selected.view, session.context.pool
    try:
        changes = await messages.changes(pool, session.account_id, selected.mailbox_id, view.modseq)
    except Unavailable:
        session.dirty = True
        raise
    events = view.learn(changes, may_expunge=may_expunge)
    session.tell(events)
    if any(isinstance(event, Exists) for event in events):
        session.say(b"* %d RECENT\r\n" % recent(selected))
        if not selected.read_only:
            await mailboxes.claim_recent(pool, session.account_id, selected.mailbox_id)
