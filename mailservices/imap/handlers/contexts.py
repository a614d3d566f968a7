"""Searches whose results a client keeps (RFC 5267 §4.3): begun, kept up to date, cancelled."""

from collections.abc import Callable, Sequence

from mailservices.imap.answers import Bad, Done
from mailservices.imap.handlers import finding
from mailservices.imap.handlers.reading import these
from mailservices.imap.session import Session
from mailservices.mail import uidset
from mailservices.mail.search import And, InSequence, InUids, Key, replaced
from mailservices.mail.sorting import SortKey
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.contexts import Context
from mailservices.protocols.imap.requests.messages import CancelUpdate
from mailservices.store import messages

#: Searches of one session that are kept up to date.
CONTEXTS = 10


def check(session: Session) -> None:
    """RFC 5267 §4.3: a tag names one search."""
    if session.selected is not None and session.tag in session.selected.contexts:
        raise Bad("", "The tag is another search's.")


def begin(
    session: Session, key: Key, order: tuple[SortKey, ...], uids: Sequence[int], modseq: int, *, by_uid: bool
) -> None:
    """Tell changes of this result from now on; or that there are too many of them (§4.3.1)."""
    folder = session.folder
    if len(folder.contexts) >= CONTEXTS:
        code = b'NOUPDATE "' + session.tag + b'"'
        session.say(responses.untagged("NO", "These are too many searches to be kept.", code))
        return
    frozen = replaced(key, lambda leaf: _frozen(leaf, finding.numbered(folder.view)))
    folder.contexts[session.tag] = Context(session.tag, frozen, order, by_uid, list(uids), modseq)


def _frozen(leaf: Key, numbered: Callable[[InSequence | InUids], Sequence[int]]) -> Key:
    """§4.3: numbers mean what they meant when the command came."""
    if isinstance(leaf, InSequence) or (isinstance(leaf, InUids) and leaf.numbers == uidset.SAVED):
        return these(numbered(leaf))
    return leaf


async def cancel(session: Session, command: CancelUpdate) -> Done:
    for tag in command.tags:
        session.folder.contexts.pop(tag, None)
    return Done(text="No further updates.")


async def refresh(session: Session) -> None:
    """Tell what has come to fit, or fits no more, since the client was last told of changes."""
    if session.selected is None or not session.selected.contexts:
        return
    view = session.selected.view
    behind = [one for one in session.selected.contexts.values() if one.modseq != view.modseq]
    if behind:
        since, modseq = min(one.modseq for one in behind), view.modseq
        changed = await messages.changed_since(
            session.context.pool, session.selected.account_id, session.selected.mailbox_id, since
        )
        for context in behind:
            await _refresh(session, context, changed)
            context.modseq = modseq


async def _refresh(session: Session, context: Context, changed: Sequence[int]) -> None:
    folder = session.folder
    place = finding.selected(session)
    fits: set[int] = set()
    if changed:
        fits = set((await finding.find(session, place, And((these(changed), context.key))))[0])
    gone = [uid for uid in folder.view.gone if uid in context]
    removed = context.remove([*gone, *(uid for uid in changed if uid not in fits)])
    if removed:
        session.say(responses.context(context, b"REMOVEFROM", removed, folder.view.number))
    new = [uid for uid in sorted(fits) if uid not in context]
    if new:
        ordered = [*context.results, *new]
        if context.order:
            ordered, _ = await finding.find(session, place, context.key, context.order)
            # What others have changed in between is news of the next time.
            kept = set(ordered)
            ordered += [uid for uid in [*context.results, *new] if uid not in kept]
        added = context.add(new, ordered)
        session.say(responses.context(context, b"ADDTO", added, folder.view.number))
