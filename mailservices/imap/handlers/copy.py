"""COPY and MOVE (RFC 9051 §6.4.7 and §6.4.8): all messages, or none."""

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import expunge, limiting
from mailservices.imap.handlers.locating import Located, locate, need
from mailservices.imap.session import Session
from mailservices.mail import rights, uidset
from mailservices.mail.errors import NoSuchFolder
from mailservices.mail.flags import ALL
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.requests.messages import Copy, Move
from mailservices.store import messages, sharing
from mailservices.store.messages import Copied


async def copy(session: Session, command: Copy) -> Done:
    selected = session.folder
    target = await _target(session, command.mailbox)
    uids = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if not uids:
        return Done(text="There was nothing to copy.")
    limiting.check(session, len(uids))
    pool, target_id = session.context.pool, target.folder.mailbox_id
    if _is_plain(session, target):
        copied = await messages.copy(pool, selected.account_id, selected.mailbox_id, uids, target_id)
    else:
        copied, _ = await sharing.copy(
            pool, selected.account_id, selected.mailbox_id, uids, target.account_id, target_id, target.rights,
            moves=False,
        )  # fmt: skip
    _tell_others(session, target, copied)
    return Done(_copyuid(copied), "Copied.")


async def move(session: Session, command: Move) -> Done:
    """RFC 6851 §3.3: COPYUID comes untagged, before the expunges."""
    selected = session.folder
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    need(session, "te")
    target = await _target(session, command.mailbox)
    uids = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if not uids:
        return Done(text="There was nothing to move.")
    limiting.check(session, len(uids))
    pool, target_id = session.context.pool, target.folder.mailbox_id
    if _is_plain(session, target):
        copied, gone = await messages.move(pool, selected.account_id, selected.mailbox_id, uids, target_id)
    else:
        copied, gone = await sharing.copy(
            pool, selected.account_id, selected.mailbox_id, uids, target.account_id, target_id, target.rights,
            moves=True,
        )  # fmt: skip
    _tell_others(session, target, copied)
    if copied.source_uids:
        session.say(responses.untagged("OK", "Moved.", _copyuid(copied)))
    expunge.settle(session, gone)
    return Done(text="Moved.", tells_modseq=bool(gone.expunged))


def _tell_others(session: Session, target: Located, copied: Copied) -> None:
    """And this client, too, where it is the folder that it has open."""
    session.context.tell(target.account_id, target.folder.mailbox_id, copied.modseq)
    session.dirty = session.dirty or target.folder.mailbox_id == session.folder.mailbox_id


def _is_plain(session: Session, target: Located) -> bool:
    """Within one account, and with the right to set every flag."""
    return target.account_id == session.folder.account_id and rights.flags(target.rights) == ALL


async def _target(session: Session, name: str) -> Located:
    """RFC 9051 §6.4.7: TRYCREATE where the folder is missing."""
    try:
        return await locate(session, name, "i")
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
