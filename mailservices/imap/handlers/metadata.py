"""GETMETADATA and SETMETADATA (RFC 5464), and LIST with them (RFC 9590).

An account is alone with its folders: what is shared of them is its own, too. The server itself shares nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers.locating import refuse_others
from mailservices.imap.session import Session
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.requests.metadata import GetMetadata, SetMetadata
from mailservices.store import annotations, mailboxes
from mailservices.store.annotations import OF_ACCOUNT, VALUE_OCTETS, TooMany
from mailservices.store.mailboxes import Folder

#: RFC 6154 §4: the folder's role; CREATE gives it.
ROLE = "/private/specialuse"


async def get_metadata(session: Session, command: GetMetadata) -> Done:
    folder = await _folder(session, command.mailbox)
    mailbox_id = folder.mailbox_id if folder else OF_ACCOUNT
    kept = await annotations.read(
        session.context.pool, session.account_id, [mailbox_id], command.entries, command.depth
    )
    values = dict(_values(command.entries, folder, kept.get(mailbox_id, {})))
    largest = command.largest
    too_long = [len(value) for value in values.values() if value and largest is not None and len(value) > largest]
    told = [(entry, value) for entry, value in values.items() if largest is None or len(value or b"") <= largest]
    if told:
        session.say(responses.metadata(command.mailbox, told, utf8=session.utf8))
    return Done(f"METADATA LONGENTRIES {max(too_long)}" if too_long else "")  # RFC 5464 §4.2.1


def _values(
    entries: Sequence[str], folder: Folder | None, kept: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes | None]]:
    """Those that were named, NIL where there is none, then whatever is below them."""
    for entry in entries:
        if entry == ROLE and folder is not None and folder.special_use:
            yield entry, f"\\{folder.special_use}".encode()
        else:
            yield entry, kept.get(entry)
    for entry, value in kept.items():
        if entry not in entries:
            yield entry, value


async def set_metadata(session: Session, command: SetMetadata) -> Done:
    folder = await _folder(session, command.mailbox)
    for entry, value in command.values:
        if value is not None and len(value) > VALUE_OCTETS:
            raise No(f"METADATA MAXSIZE {VALUE_OCTETS}", "The value is too large.")
        if entry == ROLE or (folder is None and entry.startswith("/shared/")):
            raise No("NOPERM", f"{entry} cannot be changed.")
    mailbox_id = folder.mailbox_id if folder else OF_ACCOUNT
    try:
        await annotations.write(session.context.pool, session.account_id, mailbox_id, command.values)
    except TooMany:
        raise No("METADATA TOOMANY", "There are too many entries.") from None
    session.context.tell(session.account_id, 0, 0)
    return Done()


async def _folder(session: Session, name: str) -> Folder | None:
    """None for the server's own; what others note about their folders is theirs."""
    refuse_others(name)
    return await mailboxes.find(session.context.pool, session.account_id, name) if name else None


async def of_folders(
    session: Session, folders: Sequence[Folder], entries: Sequence[str]
) -> dict[int, dict[str, bytes | None]]:
    """What LIST tells of each folder (RFC 9590 §3)."""
    if not entries:
        return {}
    ids = [folder.mailbox_id for folder in folders]
    kept = await annotations.read(session.context.pool, session.account_id, ids, entries)
    return {
        folder.mailbox_id: dict(_values(entries, folder, kept.get(folder.mailbox_id, {}))) for folder in folders
    }
