"""Folders as such: CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, NAMESPACE, STATUS (RFC 9051 §6.3)."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import metadata
from mailservices.imap.handlers.locating import locate, refuse_others, room_for, shown
from mailservices.imap.session import Session
from mailservices.mail.errors import NoSuchFolder
from mailservices.mail.object_id import mailbox_id
from mailservices.mail.rights import OWNER
from mailservices.mail.vocabulary import HIERARCHY, INBOX, SpecialUse
from mailservices.protocols.imap import listing, names, responses
from mailservices.protocols.imap.requests.folders import (
    Create,
    Delete,
    List,
    Lsub,
    Namespace,
    Rename,
    Status,
    Subscribe,
    Unsubscribe,
)
from mailservices.protocols.imap.session import Extension
from mailservices.store import annotations, mailboxes, messages, quota, rights
from mailservices.store.mailboxes import Folder
from mailservices.store.rights import Shared

#: STATUS item -> what the folder's row says (RFC 9051 §6.3.11, RFC 8438, RFC 7162 §3.1.7, RFC 8474 §4.3).
STATUS: dict[str, Callable[[Folder], int | str]] = {
    "MESSAGES": lambda folder: folder.messages,
    "UIDNEXT": lambda folder: folder.uidnext,
    "UIDVALIDITY": lambda folder: folder.uidvalidity,
    "UNSEEN": lambda folder: folder.unseen,
    "DELETED": lambda folder: folder.deleted,
    "HIGHESTMODSEQ": lambda folder: folder.modseq,
    "MAILBOXID": lambda folder: f"({mailbox_id(folder.mailbox_id)})",
    "SIZE": lambda folder: folder.bytes,
    "RECENT": lambda folder: max(0, folder.uidnext - folder.recent_from) if folder.messages else 0,
}
#: RFC 9208 §4.1.4
_DELETED_STORAGE = "DELETED-STORAGE"


async def create(session: Session, command: Create) -> Done:
    """With the folders above it, where they are missing (RFC 9051 §6.3.4)."""
    account_id, name, above = await room_for(session, names.check_new(command.mailbox))
    if command.special_use and (above is not None or command.special_use not in list(SpecialUse)):
        raise No("USEATTR", "That role is not known, or not yours to give.")
    made = await mailboxes.create(
        session.context.pool, account_id, [*names.superiors(name), name], command.special_use, like=above
    )
    _tell_others(session, account_id)
    return Done(f"MAILBOXID ({mailbox_id(made)})")  # RFC 8474 §4.1


def _tell_others(session: Session, account_id: int | None = None) -> None:
    """That names of folders, or what is noted about them, have changed."""
    session.context.tell(account_id or session.account_id, 0, 0)


async def delete(session: Session, command: Delete) -> Done:
    found = await locate(session, command.mailbox, "x")
    await mailboxes.delete(session.context.pool, found.account_id, found.folder.name)
    _tell_others(session, found.account_id)
    return Done()


async def rename(session: Session, command: Rename) -> Done:
    """RFC 9051 §6.3.6. INBOX itself stays: its messages go into the new folder."""
    new_name = names.check_new(command.new_name)
    if command.mailbox == INBOX:
        refuse_others(new_name)
        return await _empty_inbox(session, new_name)
    old = await locate(session, command.mailbox, "x")
    account_id, name, _ = await room_for(session, new_name)
    if name.startswith(old.folder.name + HIERARCHY):
        raise No("CANNOT", "A folder cannot be moved below itself.")
    if account_id != old.account_id or old.folder.name == INBOX:
        raise No("CANNOT", "It has to stay with the same owner.")
    await mailboxes.rename(session.context.pool, account_id, old.folder.name, name, names.superiors(name))
    _tell_others(session, account_id)
    if session.rev2:
        told = responses.oldname(command.mailbox, utf8=True)
        session.say(responses.list_line(b"LIST", [], new_name, told, utf8=True))
    return Done()


async def _empty_inbox(session: Session, name: str) -> Done:
    pool, account_id = session.context.pool, session.account_id
    inbox = await mailboxes.find(pool, account_id, INBOX)
    target = await mailboxes.create(pool, account_id, [*names.superiors(name), name])
    uids = await messages.uids(pool, account_id, inbox.mailbox_id)
    _, gone = await messages.move(pool, account_id, inbox.mailbox_id, uids, target)
    await annotations.copy(pool, account_id, inbox.mailbox_id, target)
    session.context.tell(account_id, inbox.mailbox_id, gone.modseq)
    _tell_others(session)
    return Done()


async def subscribe(session: Session, command: Subscribe) -> Done:
    await locate(session, command.mailbox, "l")
    await mailboxes.subscribe(session.context.pool, session.account_id, command.mailbox)
    _tell_others(session)
    return Done()


async def unsubscribe(session: Session, command: Unsubscribe) -> Done:
    await mailboxes.unsubscribe(session.context.pool, session.account_id, command.mailbox)
    _tell_others(session)
    return Done()


async def list_(session: Session, command: List) -> Done:
    """RFC 3501 §6.3.8: an empty pattern asks for the separator only; RFC 5819: with STATUS of each folder."""
    if command.patterns == ("",) and not command.extended:
        session.say(responses.list_line(b"LIST", ["\\Noselect"], ""))
        return Done()
    pool, account_id = session.context.pool, session.account_id
    folders = {folder.name: folder for folder in await mailboxes.all_folders(pool, account_id)}
    shared = await _shared(session)
    wants_subscribed = "SUBSCRIBED" in command.select | command.returns
    subscribed = set(await mailboxes.subscriptions(pool, account_id)) if wants_subscribed else set()
    roles = {name: folder.special_use for name, folder in folders.items()} | dict.fromkeys(shared, "")
    told = [folder for folder in folders.values() if folder.deleted]
    freed = await _freed(session, session.account_id, told, command.status)
    noted = await metadata.of_folders(session, list(folders.values()), command.metadata)
    for line in listing.lines(command, roles, subscribed, rev2=session.rev2):
        more = responses.childinfo(line.children) if line.children else b""
        session.say(responses.list_line(b"LIST", line.attributes, line.name, more, utf8=session.utf8))
        if "MYRIGHTS" in command.returns and line.name in roles:
            letters = shared[line.name].rights if line.name in shared else OWNER
            session.say(responses.my_rights(line.name, letters, utf8=session.utf8))  # RFC 8440 §3
        if command.status and line.name in folders:
            _tell_status(session, line.name, folders[line.name], command.status, freed)
        if command.status and line.name in shared and "r" in shared[line.name].rights:
            one = shared[line.name]
            octets = await _freed(session, one.account_id, [one.folder], command.status)
            _tell_status(session, line.name, one.folder, command.status, octets)
        if command.metadata and line.name in folders:
            values = noted[folders[line.name].mailbox_id].items()
            session.say(responses.metadata(line.name, values, utf8=session.utf8))
    return Done()


async def _shared(session: Session) -> dict[str, Shared]:
    """Folders of others that may be listed, by the names under which they are seen."""
    found = await rights.shared(session.context.pool, session.account_id)
    return {shown(one.owner, one.folder.name): one for one in found if "l" in one.rights}


async def lsub(session: Session, command: Lsub) -> Done:
    """RFC 3501 §6.3.9: with %, a superior of a subscribed name is shown as \\Noselect."""
    subscribed = set(await mailboxes.subscriptions(session.context.pool, session.account_id))
    pattern = command.reference + command.pattern
    for name in sorted(subscribed):
        if names.matches(pattern, name):
            session.say(responses.list_line(b"LSUB", [], name, utf8=session.utf8))
    if pattern.endswith("%"):
        parents = {superior for name in subscribed for superior in names.superiors(name)}
        for name in sorted(parents - subscribed):
            if names.matches(pattern, name):
                session.say(responses.list_line(b"LSUB", ["\\Noselect"], name, utf8=session.utf8))
    return Done()


async def namespace(session: Session, _command: Namespace) -> Done:
    """RFC 2342: one's own folders, and those of others."""
    session.say(b'* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL\r\n')
    return Done()


async def status(session: Session, command: Status) -> Done:
    try:
        found = await locate(session, command.mailbox, "r")
    except NoSuchFolder:
        raise No("NONEXISTENT", "There is no such folder.") from None
    folder = found.folder
    freed = await _freed(session, found.account_id, [folder] if folder.deleted else [], command.items)
    _tell_status(session, command.mailbox, folder, command.items, freed)
    return Done()


async def _freed(
    session: Session, account_id: int, folders: Sequence[Folder], items: Container[str]
) -> Mapping[int, int]:
    """What an expunge would free in each of these, where that is asked for: what no folder's row says."""
    if _DELETED_STORAGE not in items or not folders:
        return {}
    ids = [folder.mailbox_id for folder in folders]
    return await quota.deleted_octets(session.context.pool, account_id, ids)


def _tell_status(
    session: Session, name: str, folder: Folder, items: Iterable[str], freed: Mapping[int, int]
) -> None:
    if "HIGHESTMODSEQ" in items:
        session.enable(Extension.CONDSTORE)
    values = [
        (item, freed.get(folder.mailbox_id, 0) if item == _DELETED_STORAGE else STATUS[item](folder))
        for item in items
    ]
    session.say(responses.status(name, values, utf8=session.utf8))
