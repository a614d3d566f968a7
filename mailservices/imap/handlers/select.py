"""SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.4), and what a session learns of its folder meanwhile."""

from mailservices.imap.answers import Bad, Done
from mailservices.imap.handlers import contexts, fetch, reading
from mailservices.imap.handlers.locating import locate
from mailservices.imap.session import Selected, Session
from mailservices.imap.watch import Watching
from mailservices.mail import rights
from mailservices.mail.errors import MailError, NoSuchFolder, Unavailable
from mailservices.mail.flags import PRINTED
from mailservices.mail.object_id import mailbox_id
from mailservices.mail.uidset import EVERYTHING, NumberSet
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.fetch import Simple
from mailservices.protocols.imap.requests.folders import Close, Select, Unselect
from mailservices.protocols.imap.requests.messages import Fetch
from mailservices.protocols.imap.requests.notify import Event
from mailservices.protocols.imap.session import Extension
from mailservices.protocols.imap.view import Exists, NewFlags, View
from mailservices.store import mailboxes, messages
from mailservices.store import rights as store

_FLAGS = PRINTED[-1]


async def select(session: Session, command: Select) -> Done:
    """Open a folder; one that was open is closed first, whatever becomes of this one."""
    if session.selected is not None:
        # RFC 7162 §3.2.11, RFC 9051 §7.1: what follows is of the new one.
        session.say(responses.untagged("OK", "The folder is closed.", "CLOSED"))
    forget(session)
    resync = command.resync
    if resync is not None and Extension.QRESYNC not in session.enabled:
        raise Bad("", "ENABLE QRESYNC comes first.")  # RFC 7162 §3.2.5
    if resync is not None and resync.with_numbers and session.uid_only:
        raise Bad("UIDREQUIRED", "Only UIDs may name messages.")  # RFC 9586 §3.5
    if command.condstore:
        session.enable(Extension.CONDSTORE)
    pool = session.context.pool
    found = await locate(session, command.mailbox, "r")
    account_id, folder = found.account_id, found.folder
    read_only = command.read_only or not set(found.rights) & set("swite")
    # The folder's row is read before its messages: what arrives between them is learnt again, never missed.
    inventory = await session.context.inventories.current(pool, account_id, folder.mailbox_id)
    view = View(inventory.uids, folder.modseq)
    watching = Watching(account_id, folder.mailbox_id, lambda: view.modseq, session.changed)
    selected = Selected(
        account_id, folder.mailbox_id, command.mailbox, read_only, view, folder.recent_from, watching, found.rights
    )
    await reading.look(session, selected)
    if not read_only and account_id == session.account_id and folder.recent_from <= view.last_uid:
        await mailboxes.claim_recent(pool, account_id, folder.mailbox_id)
    unseen: int | None = None
    if selected.seen is not None:
        unseen = next((uid for uid in view.chosen(EVERYTHING, by_uid=True) if uid not in selected.seen), None)
    elif folder.unseen:
        unseen = await messages.first_unseen(pool, account_id, folder.mailbox_id)
    session.selected = selected
    session.context.watch.start(watching)
    _tell(session, selected, folder, view.number(unseen) if unseen else 0)
    if resync is not None and resync.uidvalidity == folder.uidvalidity:
        # RFC 7162 §3.2.5.1: the same as if the client asked for it now.
        changed = Fetch(resync.known, (Simple.FLAGS,), by_uid=True, changed_since=resync.modseq, vanished=True)
        try:
            await fetch.tell(session, changed)
        except MailError:
            forget(session)  # RFC 9051 §6.3.2: a SELECT that fails leaves nothing selected
            raise
    return Done("READ-ONLY" if read_only else "READ-WRITE", f"{command.mailbox} is open.")


def _tell(session: Session, selected: Selected, folder: mailboxes.Folder, unseen: int) -> None:
    say = session.say
    permanent = b"" if selected.read_only else _permanent(selected.rights)
    say(b"* FLAGS (" + _FLAGS + b")\r\n")
    say(responses.untagged("OK", "These can be kept.", b"PERMANENTFLAGS (" + permanent + b")"))
    say(b"* %d EXISTS\r\n" % len(selected.view))
    if session.rev2:
        # RFC 9051 §6.3.2: the name as it is kept; RECENT and UNSEEN are no more.
        say(responses.list_line(b"LIST", [], selected.name, utf8=True))
    else:
        say(b"* %d RECENT\r\n" % recent(selected))
    if unseen and not session.rev2 and not session.uid_only:
        say(responses.untagged("OK", "First unseen message.", f"UNSEEN {unseen}"))
    say(responses.untagged("OK", "UIDs are valid.", f"UIDVALIDITY {folder.uidvalidity}"))
    say(responses.untagged("OK", "Predicted next UID.", f"UIDNEXT {folder.uidnext}"))
    say(responses.untagged("OK", "The last change.", f"HIGHESTMODSEQ {folder.modseq}"))
    say(
        responses.untagged("OK", "It keeps this.", f"MAILBOXID ({mailbox_id(folder.mailbox_id)})")
    )  # RFC 8474 §4.2


def _permanent(letters: str) -> bytes:
    """RFC 4314 §4: what may be changed."""
    flags = PRINTED[rights.flags(letters)]
    return flags + (b" \\*" if flags else b"\\*") if "w" in letters else flags


def recent(selected: Selected) -> int:
    """RFC 3501 §2.3.2: messages that this session is the first to be told of."""
    view = selected.view
    return len(view) - view.below(selected.recent_from)


async def close(session: Session, _command: Close) -> Done:
    """RFC 9051 §6.4.1: removes what is flagged \\Deleted, and tells nothing of it."""
    selected = session.folder
    if not selected.read_only and "e" in selected.rights:
        changes = await messages.expunge(session.context.pool, selected.account_id, selected.mailbox_id, None)
        if changes.expunged:
            session.context.tell(selected.account_id, selected.mailbox_id, changes.modseq)
    forget(session)
    return Done()


async def unselect(session: Session, _command: Unselect) -> Done:
    """RFC 3691: as CLOSE, but nothing is removed."""
    forget(session)
    return Done()


def forget(session: Session) -> None:
    """Nothing is selected any more."""
    if session.selected is not None:
        session.context.watch.stop(session.selected.watching)
        session.selected = None
    session.dirty = False


async def _look_at_rights(session: Session, selected: Selected) -> None:
    """Whoever may not read somebody else's folder any more has none."""
    selected.rights = await store.still(session.context.pool, session.account_id, selected.mailbox_id)
    if "r" not in selected.rights:
        raise NoSuchFolder


async def learn(session: Session, selected: Selected, *, may_expunge: bool) -> None:
    """Read what has changed since the client last heard, and tell it.

    Raises:
        NoSuchFolder: the folder is gone.
        Unavailable: it is told later.
    """
    session.dirty = False
    view, pool = selected.view, session.context.pool
    try:
        if selected.account_id != session.account_id:
            await _look_at_rights(session, selected)
        changes = await messages.changes(pool, selected.account_id, selected.mailbox_id, view.modseq)
    except Unavailable:
        session.dirty = True
        raise
    if changes.flagged:
        await reading.look(session, selected)
    known = view.last_uid
    events = view.learn(reading.told(selected.seen, changes), may_expunge=may_expunge)
    if not session.hears(Event.FLAG_CHANGE):
        events = [event for event in events if not isinstance(event, NewFlags)]
    session.tell(events)
    if any(isinstance(event, Exists) for event in events):
        if not session.rev2:
            session.say(b"* %d RECENT\r\n" % recent(selected))
        if not selected.read_only and selected.account_id == session.account_id:
            await mailboxes.claim_recent(pool, selected.account_id, selected.mailbox_id)
    await contexts.refresh(session)
    wanted = session.listening.wanted.selected if session.listening is not None else None
    if wanted is not None and wanted.items and view.last_uid > known:
        # RFC 5465 §5.2: what is new is fetched at once.
        new = NumberSet(((known + 1, view.last_uid),))
        await fetch.tell(session, Fetch(new, wanted.items, by_uid=True))
