"""GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3): an owner shares folders within the domain."""

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers.locating import Located, locate
from mailservices.imap.session import Session
from mailservices.mail.rights import OWNER
from mailservices.mail.strings import quoted
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.requests.acl import DeleteAcl, GetAcl, ListRights, MyRights, SetAcl
from mailservices.store import rights as store

_ANYONE = "anyone"


async def get_acl(session: Session, command: GetAcl) -> Done:
    """The owner stands first, with all rights."""
    found = await locate(session, command.mailbox, "a")
    held = await store.given(session.context.pool, found.account_id, found.folder.mailbox_id)
    entries = [(await store.address(session.context.pool, found.account_id), OWNER), *held]
    told = b"".join(b" " + quoted(who.encode()) + b" " + letters.encode() for who, letters in entries)
    session.say(b"* ACL " + responses.mailbox(command.mailbox, utf8=session.utf8) + told + b"\r\n")
    return Done()


async def set_acl(session: Session, command: SetAcl) -> Done:
    if command.change != "-" and set(command.rights) - set(OWNER):
        raise No("CANNOT", "Nobody sends mail to a folder.")
    return await _change(session, command.mailbox, command.identifier, command.change, command.rights)


async def delete_acl(session: Session, command: DeleteAcl) -> Done:
    return await _change(session, command.mailbox, command.identifier, "", "")


async def _change(session: Session, mailbox: str, identifier: str, change: str, letters: str) -> Done:
    found = await locate(session, mailbox, "a")
    grantee = await _grantee(session, found, identifier)
    mailbox_id = found.folder.mailbox_id
    await store.give(session.context.pool, found.account_id, mailbox_id, grantee, change, letters)
    # Whoever has the folder open looks again at what may be done with it.
    session.context.tell(found.account_id, 0, 0)
    if grantee != store.ANYONE:
        session.context.tell(grantee, 0, 0)
    return Done()


async def _grantee(session: Session, found: Located, identifier: str) -> int:
    """RFC 4314 §2: negative rights are not known here."""
    if identifier == _ANYONE:
        return store.ANYONE
    grantee = await store.grantee(session.context.pool, found.account_id, identifier.lower())
    if grantee is None:
        raise No("NONEXISTENT", "Rights are given to other accounts of the same domain, or to anyone.")
    return grantee


async def list_rights(session: Session, command: ListRights) -> Done:
    """RFC 4314 §3.7: none comes by itself, and each can be given by itself; the owner has all."""
    found = await locate(session, command.mailbox, "a")
    letters = OWNER
    if command.identifier.lower() != await store.address(session.context.pool, found.account_id):
        await _grantee(session, found, command.identifier)
        letters = '"" ' + " ".join(OWNER)
    name = responses.mailbox(command.mailbox, utf8=session.utf8)
    session.say(b"* LISTRIGHTS " + name + b" " + quoted(command.identifier.encode()) + f" {letters}\r\n".encode())
    return Done()


async def my_rights(session: Session, command: MyRights) -> Done:
    """RFC 4314 §4: any of these will do."""
    found = await locate(session, command.mailbox, "")
    if not set(found.rights) & set("lrikxa"):
        raise No("NONEXISTENT", "There is no such folder.")
    session.say(responses.my_rights(command.mailbox, found.rights, utf8=session.utf8))
    return Done()
