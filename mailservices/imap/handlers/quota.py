"""GETQUOTA and GETQUOTAROOT (RFC 9208): an account has one root, which all of its folders share."""

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers.locating import locate
from mailservices.imap.session import Session
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.requests.folders import GetQuota, GetQuotaRoot
from mailservices.store import quota as store

ROOT = b""
#: RFC 9208 §5.1: octets of a unit of STORAGE.
UNIT = 1024


async def get_quota(session: Session, command: GetQuota) -> Done:
    if command.root != ROOT:
        raise No("NONEXISTENT", "There is no such quota root.")
    await _tell(session)
    return Done()


async def get_quota_root(session: Session, command: GetQuotaRoot) -> Done:
    found = await locate(session, command.mailbox, "r")
    name = responses.mailbox(command.mailbox, utf8=session.utf8)
    if found.account_id != session.account_id:
        # What somebody else may use is not told.
        session.say(b"* QUOTAROOT " + name + b"\r\n")
        return Done()
    session.say(b"* QUOTAROOT " + name + b' ""\r\n')
    await _tell(session)
    return Done()


async def _tell(session: Session) -> None:
    """RFC 9208 §4.2.1: what is not limited is not told."""
    used = await store.usage(session.context.pool, session.account_id)
    resources = []
    if used.most_octets is not None:
        resources.append(("STORAGE", -(-used.octets // UNIT), used.most_octets // UNIT))
    if used.most_messages is not None:
        resources.append(("MESSAGE", used.messages, used.most_messages))
    session.say(responses.quota(ROOT, [*resources, ("MAILBOX", used.folders, used.most_folders)]))
