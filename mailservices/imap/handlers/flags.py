"""STORE (RFC 9051 §6.4.6), on conditions too (RFC 7162 §3.1.3)."""

from collections.abc import Sequence

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import limiting, reading
from mailservices.imap.session import Session
from mailservices.mail import rights, uidset
from mailservices.mail.changes import Changes
from mailservices.mail.flags import ALL, Change, Flags
from mailservices.protocols.imap.requests.messages import Store
from mailservices.protocols.imap.session import Extension
from mailservices.protocols.imap.view import NewFlags, NewModseq, Told


async def store(session: Session, command: Store) -> Done:
    """Change flags, and tell the new ones unless .SILENT."""
    selected, view = session.folder, session.folder.view
    if selected.read_only:
        raise No("", "The folder is open for reading only.")
    wanted = _allowed(session, command)
    if command.unchanged_since is not None:
        session.enable(Extension.CONDSTORE)
    gone = not command.by_uid and view.names_gone(command.messages)
    uids = view.chosen(command.messages, by_uid=command.by_uid)
    limiting.check(session, len(uids))
    changes, newer = await reading.change(session, uids, command.change, wanted, command.unchanged_since)
    if changes.flagged:
        session.context.tell(selected.account_id, selected.mailbox_id, changes.modseq)
    await settle(session, changes, silent=command.silent, with_uid=command.by_uid)
    modified = _modified(session, newer, by_uid=command.by_uid)
    if gone:
        raise No(modified or "EXPUNGEISSUED", "Some of these messages are gone.")
    return Done(modified, "Some have changed meanwhile." if modified else "Done.")


def _allowed(session: Session, command: Store) -> Flags:
    """What may be changed of what is asked for (RFC 4314 §4): some is enough; to replace all needs all."""
    letters = session.folder.rights
    allowed = rights.flags(letters)
    if allowed == ALL:
        return command.flags
    bits = command.flags.bits & allowed
    keywords = command.flags.keywords if "w" in letters else ()
    if command.change is Change.REPLACE or not (bits or keywords):
        raise No("NOPERM", "You have not the right to change these flags.")
    return Flags(bits, keywords)


def _modified(session: Session, newer: Sequence[int], *, by_uid: bool) -> str:
    """The response code of those that were left alone."""
    if not newer:
        return ""
    view = session.folder.view
    # Whoever changed them did so before our own change: the flags are told with the next update.
    session.dirty = True
    return "MODIFIED " + uidset.printed(newer if by_uid else [view.number(uid) for uid in newer]).decode()


async def settle(session: Session, changes: Changes, *, silent: bool, with_uid: bool) -> None:
    """Tell the flags that this session itself has changed, and count its change as known.

    A client that knows of CONDSTORE is told the modification sequences whether it wants silence or not
    (RFC 7162 §3.1.3).
    """
    view = session.folder.view
    if not silent or Extension.CONDSTORE in session.enabled:
        known = [(number, one) for one in changes.flagged if (number := view.number(one.uid))]
        told: list[Told] = (
            [NewModseq(number, one.uid, one.modseq) for number, one in known]
            if silent
            else [NewFlags(number, *one) for number, one in known]
        )
        session.tell(told, with_uid=with_uid)
    if not (view.keep_up(changes.modseq) if changes.flagged else changes.modseq == view.modseq):
        # Others changed something in between: that is learnt with the next update.
        session.dirty = True
