r"""\Seen where each reader of a shared folder has an own one (RFC 4314 §4): told, searched for and changed."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from mailservices.imap.session import Selected, Session
from mailservices.mail import uidset
from mailservices.mail.changes import Changes
from mailservices.mail.flags import SEEN, Change, Flags
from mailservices.mail.search import All, HasFlag, InUids, Key, Not, replaced
from mailservices.mail.uidset import NumberSet
from mailservices.store import seen as store
from mailservices.store.flags import set_flags


async def look(session: Session, selected: Selected) -> None:
    """What this reader has seen of somebody else's folder."""
    if selected.account_id != session.account_id:
        selected.seen = await store.of(
            session.context.pool, selected.account_id, selected.mailbox_id, session.account_id
        )


def bits(seen: AbstractSet[int], uid: int, flags: int) -> int:
    """The flags of a message as this reader has them."""
    return flags | SEEN if uid in seen else flags & ~SEEN


def told(seen: AbstractSet[int] | None, changes: Changes) -> Changes:
    """Changes as this reader has them."""
    if seen is None:
        return changes
    flagged = tuple(one._replace(bits=bits(seen, one.uid, one.bits)) for one in changes.flagged)
    return replace(changes, flagged=flagged)


def these(uids: Sequence[int]) -> Key:
    """The key for these ascending UIDs."""
    return InUids(NumberSet(tuple(uidset.ranges_of(uids)))) if uids else Not(All())


def searched(seen: AbstractSet[int] | None, key: Key) -> Key:
    """What a search for \\Seen means to this reader."""
    if seen is None:
        return key
    look_up: Callable[[Key], Key] = lambda leaf: these(sorted(seen)) if leaf == HasFlag(SEEN) else leaf  # noqa: E731
    return replaced(key, look_up)


async def change(
    session: Session, uids: Sequence[int], how: Change, flags: Flags, unchanged_since: int | None = None
) -> tuple[Changes, list[int]]:
    """As store.flags.set_flags, and \\Seen is the reader's own where that is so."""
    selected, pool = session.folder, session.context.pool
    where = pool, selected.account_id, selected.mailbox_id
    if selected.seen is None:
        return await set_flags(*where, uids, how, flags, unchanged_since)
    changes, newer = await set_flags(
        *where, uids, how, Flags(flags.bits & ~SEEN, flags.keywords), unchanged_since, keeps=SEEN
    )
    if how is not Change.REPLACE and not flags.bits & SEEN:
        return told(selected.seen, changes), newer
    if changes.flagged and not selected.view.keep_up(changes.modseq):
        session.dirty = True
    left_alone = set(newer)
    sees = bool(flags.bits & SEEN) and how is not Change.REMOVE
    modseq, marked = await store.mark(
        *where, session.account_id, [uid for uid in uids if uid not in left_alone], seen=sees
    )
    selected.seen = selected.seen | set(marked) if sees else selected.seen - set(marked)
    changed = sorted({*marked, *(one.uid for one in changes.flagged)})
    return told(selected.seen, Changes(modseq, await store.flags(*where, changed))), newer
