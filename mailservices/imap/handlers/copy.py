"""COPY and MOVE (RFC 9051 §6.4.7 and §6.4.8): all messages, or none."""

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import expunge
from mailservices.imap.session import Session
from mailservices.mail import uidset
from mailservices.mail.errors import NoSuchFolder
from mailservices.protocols.imap import commands, responses
from mailservices.store import mailboxes, messages
from mailservices.store.mailboxes import Folder
from mailservices.store.messages import Copied


async def copy(session: Session, command: commands.Copy) -> Done:
    selected = session.folder
    target = await _target(session, command.mailbox)
    uids = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if not uids:
        return Done(text="There was nothing to copy.")
    copied = await messages.copy(
        session.context.pool, session.account_id, selected.mailbox_id, uids, target.mailbox_id
    )
    session.context.tell(session.account_id, target.mailbox_id, copied.modseq)
    return Done(_copyuid(copied), "Copied.")


async def move(session: Session, command: commands.Move) -> Done:
    """RFC 6851 §3.3: COPYUID comes untagged, before the expunges."""
    selected = session.folder
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    target = await _target(session, command.mailbox)
    uids = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if not uids:
        return Done(text="There was nothing to move.")
    copied, gone = await messages.move(
        session.context.pool, session.account_id, selected.mailbox_id, uids, target.mailbox_id
    )
    session.context.tell(session.account_id, target.mailbox_id, copied.modseq)
    if copied.source_uids:
        session.say(responses.untagged("OK", "Moved.", _copyuid(copied)))
    expunge.settle(session, gone)
    return Done(text="Moved.")


async def _target(session: Session, name: str) -> Folder:
    """RFC 9051 §6.4.7: TRYCREATE where the folder is missing."""
    try:
        return await mailboxes.find(session.context.pool, session.account_id, name)
    except NoSuchFolder:
        raise No("TRYCREATE", "There is no such folder.") from None


def _copyuid(copied: Copied) -> bytes:
    """RFC 4315 §3; empty where nothing was left to copy."""
    if not copied.source_uids:
        return b""
    return b"COPYUID %d %s %s" % (
        copied.uidvalidity,
        uidset.printed(copied.source_uids),
        uidset.printed(copied.target_uids),
    )
