"""NOTIFY (RFC 5465): what a client hears of folders other than the selected one, whenever it happens."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import mailboxes as folders
from mailservices.imap.handlers.locating import is_others, shown
from mailservices.imap.session import Listening, Session
from mailservices.mail.vocabulary import HIERARCHY
from mailservices.protocols.imap import listing, responses
from mailservices.protocols.imap.requests.folders import List
from mailservices.protocols.imap.requests.notify import Event, Notify
from mailservices.protocols.imap.session import Extension
from mailservices.store import annotations, mailboxes, rights
from mailservices.store.annotations import OF_ACCOUNT
from mailservices.store.mailboxes import Folder

_NAMES = (Event.MAILBOX_NAME, Event.SUBSCRIPTION_CHANGE)
_NOTES = (Event.MAILBOX_METADATA, Event.SERVER_METADATA)


async def notify(session: Session, command: Notify) -> Done:
    """RFC 5465 §3.1: from now on; what has happened in the selected folder is told with the answer."""
    if command.unknown:
        raise No(f"BADEVENT ({' '.join(event.value for event in Event)})", "Some of these events are not known.")
    stop(session)
    listening = Listening(command, interrupt=session.wire.interrupt)
    if command.everything:
        session.context.watch.listen(frozenset({session.account_id}), listening.hear)
        # What happens between the two is told at the next poll, where it is in a folder of somebody else's.
        session.context.watch.listen(await _read(session, listening), listening.hear)
    session.listening, session.dirty = listening, True
    if command.status:
        own = _personal(_roles(listening))
        for folder in sorted(listening.folders.values(), key=lambda one: one.name):
            events = command.wanted(folder.name, own, listening.subscribed)
            if Event.MESSAGE_NEW in events and folder.mailbox_id not in listening.closed:
                _tell_status(session, folder)
    return Done()


def stop(session: Session) -> None:
    """The client hears what everybody does."""
    if session.listening is not None:
        session.context.watch.stop_listening(session.listening.hear)
        session.listening = None


async def _read(session: Session, into: Listening) -> frozenset[int]:
    """Everything; returns the accounts whose folders these are."""
    pool, account_id, wanted = session.context.pool, session.account_id, into.wanted.everything
    into.folders = {folder.mailbox_id: folder for folder in await mailboxes.all_folders(pool, account_id)}
    into.subscribed = set(await mailboxes.subscriptions(pool, account_id))
    if wanted.intersection(_NOTES):
        into.noted = await annotations.digests(pool, account_id)
    return frozenset({account_id}) | (await _read_others(session, into) if into.wanted.elsewhere else frozenset())


async def _read_others(session: Session, into: Listening) -> frozenset[int]:
    """Folders of others, by the names under which they are seen (RFC 4314 §4: l, and r for what is in them).

    Returns whose they are.
    """
    found = await rights.shared(session.context.pool, session.account_id)
    for one in found:
        if "l" in one.rights:
            mailbox_id = one.folder.mailbox_id
            into.folders[mailbox_id] = replace(one.folder, name=shown(one.owner, one.folder.name), special_use="")
            into.others.add(mailbox_id)
            if "r" not in one.rights:
                into.closed.add(mailbox_id)
    return frozenset(one.account_id for one in found)


def _roles(known: Listening) -> dict[str, str]:
    return {folder.name: folder.special_use for folder in known.folders.values()}


def _personal(roles: Mapping[str, str]) -> dict[str, str]:
    """Of these, one's own."""
    return {name: role for name, role in roles.items() if not is_others(name)}


async def tell(session: Session) -> None:
    """What is new since the client last heard.

    Raises:
        Unavailable: it is told later.
    """
    known = session.listening
    if known is None or not known.stirred:
        return
    stirred, known.stirred = known.stirred, set()
    now = Listening(known.wanted)
    if 0 in stirred:
        owners = await _read(session, now)
        session.context.watch.listen(owners, known.hear)
    else:
        now.folders, now.others, now.closed = dict(known.folders), set(known.others), set(known.closed)
        now.subscribed, now.noted = known.subscribed, known.noted
        for folder in await mailboxes.chosen(session.context.pool, session.account_id, sorted(stirred)):
            now.folders[folder.mailbox_id] = folder
        if stirred & known.others:
            await _read_others(session, now)
    for line in _news(session, known, now):
        session.say(line)
    known.folders, known.others, known.closed = now.folders, now.others, now.closed
    known.subscribed, known.noted = now.subscribed, now.noted


def _news(session: Session, old: Listening, new: Listening) -> Iterator[bytes]:
    roles = _personal(_roles(old) | _roles(new))
    subscribed = old.subscribed | new.subscribed
    yield from _names(session, old, new)
    selected = session.selected.mailbox_id if session.selected is not None else 0
    for mailbox_id, folder in new.folders.items():
        before = old.folders.get(mailbox_id)
        if before is None or before.modseq == folder.modseq or mailbox_id in (selected, *new.closed):
            continue
        if line := _counts(session, before, folder, new.wanted.wanted(folder.name, roles, subscribed)):
            yield line
    changed = {key for key in old.noted.keys() | new.noted.keys() if old.noted.get(key) != new.noted.get(key)}
    for mailbox_id in sorted({mailbox_id for mailbox_id, _ in changed}):
        entries = sorted(entry for one, entry in changed if one == mailbox_id)
        if mailbox_id == OF_ACCOUNT:
            if Event.SERVER_METADATA in new.wanted.everything:
                yield responses.metadata_changed("", entries, utf8=session.utf8)
        elif (annotated := new.folders.get(mailbox_id)) and Event.MAILBOX_METADATA in new.wanted.wanted(
            annotated.name, roles, subscribed
        ):
            yield responses.metadata_changed(annotated.name, entries, utf8=session.utf8)


def _counts(session: Session, before: Folder, after: Folder, wanted: frozenset[Event]) -> bytes:
    """RFC 5465 §5.1 to §5.3: STATUS, where something of that kind has happened."""
    if Event.MESSAGE_NEW not in wanted:
        return b""
    condstore = Extension.CONDSTORE in session.enabled
    moved = before.uidnext != after.uidnext or before.messages != after.messages
    if not moved and (Event.FLAG_CHANGE not in wanted or not (condstore or before.unseen != after.unseen)):
        return b""
    return _status(session, after, moved=moved)


def _tell_status(session: Session, folder: Folder) -> None:
    if session.selected is None or session.selected.mailbox_id != folder.mailbox_id:
        session.say(_status(session, folder, moved=True))


def _status(session: Session, folder: Folder, *, moved: bool) -> bytes:
    items = ["UIDVALIDITY", "UNSEEN", *(("MESSAGES", "UIDNEXT") if moved else ())]
    if Extension.CONDSTORE in session.enabled:
        items.append("HIGHESTMODSEQ")
    values = [(item, folders.STATUS[item](folder)) for item in items]
    return responses.status(folder.name, values, utf8=session.utf8)


def _names(session: Session, old: Listening, new: Listening) -> Iterator[bytes]:
    """RFC 5465 §5.4 and §5.5: LIST, for names that came, went or changed, and for subscriptions."""
    if not new.wanted.everything.intersection(_NAMES):
        return
    roles, subscribed = _personal(_roles(old) | _roles(new)), old.subscribed | new.subscribed
    told: dict[str, bytes] = {}
    for mailbox_id in sorted(old.folders.keys() | new.folders.keys()):
        before, after = old.folders.get(mailbox_id), new.folders.get(mailbox_id)
        if before and after and before.name != after.name and not _went_along(before, after, old, new):
            told[after.name] = responses.oldname(before.name, utf8=session.utf8)
        elif before is None and after is not None:
            told[after.name] = b""
        elif after is None and before is not None and before.name not in _roles(new):
            told[before.name] = b""
    for name, old_name in sorted(told.items()):
        if Event.MAILBOX_NAME in new.wanted.wanted(name, roles, subscribed):
            yield _line(session, new, name, old_name)
    for name in sorted((old.subscribed ^ new.subscribed) - told.keys()):
        if Event.SUBSCRIPTION_CHANGE in new.wanted.wanted(name, roles, subscribed):
            yield _line(session, new, name)


def _went_along(before: Folder, after: Folder, old: Listening, new: Listening) -> bool:
    """Whether it has its new name because a folder above it has one (RFC 5465 §5.4)."""
    above, _, last = before.name.rpartition(HIERARCHY)
    now_above, _, now_last = after.name.rpartition(HIERARCHY)
    ids = {folder.name: folder.mailbox_id for folder in old.folders.values()}
    parent = new.folders.get(ids.get(above, 0))
    return last == now_last and parent is not None and parent.name == now_above != above


def _line(session: Session, now: Listening, name: str, old_name: bytes = b"") -> bytes:
    asked = List("", (name,), returns=frozenset({"SUBSCRIBED"}), extended=True)
    for line in listing.lines(asked, _roles(now), now.subscribed, rev2=session.rev2):
        if line.name == name:
            return responses.list_line(b"LIST", line.attributes, name, old_name, utf8=session.utf8)
    attributes = ["\\NonExistent", *(["\\Subscribed"] if name in now.subscribed else [])]
    return responses.list_line(b"LIST", attributes, name, utf8=session.utf8)
