"""Folders as such: CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, NAMESPACE, STATUS (RFC 9051 §6.3)."""

from collections.abc import Callable, Iterable

from mailservices.imap.answers import Done, No
from mailservices.imap.session import Session
from mailservices.mail.errors import NoSuchFolder, ProtocolError
from mailservices.mail.vocabulary import HIERARCHY, INBOX, SpecialUse
from mailservices.protocols.imap import commands, names, responses
from mailservices.store import mailboxes, messages
from mailservices.store.mailboxes import Folder

#: STATUS item -> what the folder's row says (RFC 9051 §6.3.11, RFC 8438).
_STATUS: dict[str, Callable[[Folder], int]] = {
    "MESSAGES": lambda folder: folder.messages,
    "UIDNEXT": lambda folder: folder.uidnext,
    "UIDVALIDITY": lambda folder: folder.uidvalidity,
    "UNSEEN": lambda folder: folder.unseen,
    "DELETED": lambda folder: folder.deleted,
    "SIZE": lambda folder: folder.bytes,
    "RECENT": lambda folder: max(0, folder.uidnext - folder.recent_from) if folder.messages else 0,
}


async def create(session: Session, command: commands.Create) -> Done:
    """With the folders above it, where they are missing (RFC 9051 §6.3.4)."""
    name = names.check_new(command.mailbox)
    if command.special_use and command.special_use not in list(SpecialUse):
        raise No("USEATTR", "That role is not known.")
    await mailboxes.create(
        session.context.pool, session.account_id, [*names.superiors(name), name], command.special_use
    )
    return Done()


async def delete(session: Session, command: commands.Delete) -> Done:
    await mailboxes.delete(session.context.pool, session.account_id, command.mailbox)
    return Done()


async def rename(session: Session, command: commands.Rename) -> Done:
    """RFC 9051 §6.3.6. INBOX itself stays: its messages go into the new folder."""
    pool, account_id, name = session.context.pool, session.account_id, names.check_new(command.new_name)
    if command.mailbox == INBOX:
        inbox = await mailboxes.find(pool, account_id, INBOX)
        target = await mailboxes.create(pool, account_id, [*names.superiors(name), name])
        uids = await messages.uids(pool, account_id, inbox.mailbox_id)
        _, gone = await messages.move(pool, account_id, inbox.mailbox_id, uids, target)
        session.context.tell(account_id, inbox.mailbox_id, gone.modseq)
        return Done()
    if name.startswith(command.mailbox + HIERARCHY):
        raise No("CANNOT", "A folder cannot be moved below itself.")
    await mailboxes.rename(pool, account_id, command.mailbox, name, names.superiors(name))
    return Done()


async def subscribe(session: Session, command: commands.Subscribe) -> Done:
    await mailboxes.find(session.context.pool, session.account_id, command.mailbox)
    await mailboxes.subscribe(session.context.pool, session.account_id, command.mailbox)
    return Done()


async def unsubscribe(session: Session, command: commands.Unsubscribe) -> Done:
    await mailboxes.unsubscribe(session.context.pool, session.account_id, command.mailbox)
    return Done()


async def list_(session: Session, command: commands.List) -> Done:
    """RFC 3501 §6.3.8: an empty pattern asks for the separator only."""
    if not command.pattern:
        session.say(responses.list_line(b"LIST", ["\\Noselect"], ""))
        return Done()
    folders = await mailboxes.all_folders(session.context.pool, session.account_id)
    pattern = command.reference + command.pattern
    for name, attributes in listed(folders):
        if names.matches(pattern, name):
            session.say(responses.list_line(b"LIST", attributes, name))
    return Done()


def listed(folders: Iterable[Folder]) -> list[tuple[str, list[str]]]:
    """Every name with its attributes (RFC 9051 §7.3.1); superiors that are no folders are \\Noselect."""
    real = {folder.name: folder for folder in folders}
    parents = {superior for name in real for superior in names.superiors(name)}
    found = []
    for name in sorted(real.keys() | parents, key=lambda name: (name != INBOX, name)):
        attributes = [] if name in real else ["\\Noselect"]
        attributes.append("\\HasChildren" if name in parents else "\\HasNoChildren")
        if name in real and real[name].special_use:
            attributes.append("\\" + real[name].special_use)
        found.append((name, attributes))
    return found


async def lsub(session: Session, command: commands.Lsub) -> Done:
    """RFC 3501 §6.3.9: with %, a superior of a subscribed name is shown as \\Noselect."""
    subscribed = set(await mailboxes.subscriptions(session.context.pool, session.account_id))
    pattern = command.reference + command.pattern
    for name in sorted(subscribed):
        if names.matches(pattern, name):
            session.say(responses.list_line(b"LSUB", [], name))
    if pattern.endswith("%"):
        parents = {superior for name in subscribed for superior in names.superiors(name)}
        for name in sorted(parents - subscribed):
            if names.matches(pattern, name):
                session.say(responses.list_line(b"LSUB", ["\\Noselect"], name))
    return Done()


async def namespace(session: Session, _command: commands.Namespace) -> Done:
    """RFC 2342: one namespace, one's own."""
    session.say(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return Done()


async def status(session: Session, command: commands.Status) -> Done:
    unknown = set(command.items) - _STATUS.keys()
    if unknown:
        raise ProtocolError(f"The item {min(unknown)} is not known.")
    try:
        folder = await mailboxes.find(session.context.pool, session.account_id, command.mailbox)
    except NoSuchFolder:
        raise No("NONEXISTENT", "There is no such folder.") from None
    session.say(responses.status(command.mailbox, [(item, _STATUS[item](folder)) for item in command.items]))
    return Done()
