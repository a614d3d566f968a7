"""Which messages of a folder a search means: by their rows, by the text index, and by the texts that it lacks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailservices.imap.answers import Bad
from mailservices.imap.handlers import reading, sections
from mailservices.imap.session import Session
from mailservices.mail import wording
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.search import (
    And,
    ChangedSince,
    Fuzzy,
    HasFlag,
    InBody,
    InHeader,
    InSequence,
    InText,
    InUids,
    Key,
    Not,
    Or,
    asks_for,
    by_flags,
    replaced,
)
from mailservices.mail.sorting import PLAIN, SortKey
from mailservices.mail.uidset import LARGEST, SAVED
from mailservices.mail.wording import Wording, spelled
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.view import View
from mailservices.store import fetch as store
from mailservices.store import gists, messages, wordings
from mailservices.store import search as rows
from mailservices.store import seen as seen_by
from mailservices.store.criteria import TEXT, Answered, Seen, has_index
from mailservices.store.mailboxes import Folder

#: Octets of text above which a batch is looked through in a thread.
THREAD_OCTETS = 64 * 1024
#: After so many seconds a client is told how far it has come (RFC 9585 §3).
PROGRESS_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, and what is meant by numbers there; messages beyond the last UID have no number yet."""

    account_id: int
    mailbox_id: int
    seen: Seen
    last_uid: int
    #: Where this reader has an own \\Seen: of these.
    read: set[int] | None = None


def check(session: Session, key: Key) -> None:
    """RFC 9586 §3.1: who speaks of UIDs only cannot search by numbers."""

    def look(leaf: Key) -> Key:
        if isinstance(leaf, InSequence) and leaf.numbers != SAVED:
            raise Bad("UIDREQUIRED", "Only UIDs may name messages.")
        return leaf

    if session.uid_only:
        replaced(key, look)


def selected(session: Session) -> Place:
    """The folder that is selected, as far as its client knows it."""
    folder, view = session.folder, session.folder.view
    seen = Seen(numbered(view), folder.recent_from)
    return Place(folder.account_id, folder.mailbox_id, seen, view.last_uid, folder.seen)


async def elsewhere(session: Session, account_id: int, folder: Folder, key: Key) -> Place:
    """A folder that nobody has opened: as it is now."""
    uids: Sequence[int] = ()
    if asks_for(key, (InSequence, InUids)):
        uids = await messages.uids(session.context.pool, account_id, folder.mailbox_id)
    seen = Seen(numbered(View(uids, folder.modseq)), folder.recent_from)
    read: set[int] | None = None
    if account_id != session.account_id and asks_for(key, (HasFlag,)):
        read = await seen_by.of(session.context.pool, account_id, folder.mailbox_id, session.account_id)
    return Place(account_id, folder.mailbox_id, seen, LARGEST, read)


def numbered(view: View) -> Callable[[InSequence | InUids], Sequence[int]]:
    return lambda key: view.chosen(key.numbers, by_uid=isinstance(key, InUids), beyond=True)


async def find(
    session: Session, place: Place, key: Key, order: Sequence[SortKey] = ()
) -> tuple[list[int], dict[int, int]]:
    """The UIDs for which the key holds, in this order and then ascending, and, where the key asks for some, their
    modification sequences.
    """
    check(session, key)
    key = reading.searched(place.read, key)
    pool, account_id = session.context.pool, place.account_id
    if not {one.by for one in order} <= PLAIN:
        await gists.complete(pool, account_id, place.mailbox_id)
    if asks_for(key, (Fuzzy,)):
        # Only the index knows what is like something: what it lacks, it learns now.
        await wordings.complete(pool, account_id, place.mailbox_id, _teller(session))
    inventories = session.context.inventories
    wanted = None if order else by_flags(key)
    if wanted is not None and (inventories.has_at_hand(place.mailbox_id) or not has_index(key)):
        flags = asks_for(key, (HasFlag,))
        inventory = await inventories.current(pool, account_id, place.mailbox_id, flags=flags)
        return inventory.having(wanted, place.last_uid), {}
    if not asks_for(key, (*TEXT, ChangedSince)):
        uids = await rows.uids(pool, account_id, place.mailbox_id, key, place.seen, order)
        last = (max(uids) if order else uids[-1]) if uids else 0
        return uids if last <= place.last_uid else [u for u in uids if u <= place.last_uid], {}
    if not asks_for(key, TEXT):
        found = await rows.find(pool, account_id, place.mailbox_id, key, place.seen, order)
        # What this client has not been told of has no number yet.
        known = [row for row in found.rows if row[0] <= place.last_uid]
        return [row[0] for row in known], {row[0]: row[2] for row in known}
    modseqs = await _by_text(session, place, key)
    uids = sorted(modseqs)
    if order:
        uids = await rows.ordered(pool, account_id, place.mailbox_id, uids, key, order)
    return uids, modseqs


async def relevancies(session: Session, place: Place, key: Key, uids: Sequence[int]) -> list[int]:
    """How well each of these fits (RFC 6203 §4); one that is gone meanwhile fits worst."""
    found = await rows.relevancies(session.context.pool, place.account_id, place.mailbox_id, uids, key)
    return [found.get(uid, 1) for uid in uids]


def _teller(session: Session, of: int | None = None) -> Callable[[int], None]:
    """Tells the client now and then how far a search has come (RFC 9585 §3)."""
    told_at = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > PROGRESS_SECONDS:
            session.say(responses.in_progress(session.tag, done, of))
            told_at = time.monotonic()

    return tell


async def _by_text(session: Session, place: Place, key: Key) -> dict[int, int]:
    """UID -> modification sequence: by the index, and by the texts of those that it does not know yet."""
    where = session.context.pool, place.account_id, place.mailbox_id
    indexed = session.context.indexed
    read = await rows.read_until(*where, indexed.until(place.mailbox_id))
    indexed.keep(place.mailbox_id, read)
    # First what the index lacks: what it learns meanwhile is then found twice, and not missed.
    found = await rows.find(*where, key, place.seen, read=read)
    modseqs = {row[0]: row[2] for row in await rows.find_read(*where, key, place.seen) if row[0] <= place.last_uid}
    known = [row for row in found.rows if row[0] <= place.last_uid]
    matching = await _ask_texts(session, place, found, known)
    return modseqs | {row[0]: row[2] for row in known if row[0] in matching}


async def _ask_texts(
    session: Session, place: Place, found: rows.Found, known: Sequence[Sequence[Any]]
) -> set[int]:
    """Those whose text says so; the rows come by UID."""
    key, matching = found.rest, set[int]()
    with_body = asks_for(key, (InBody, InText))  # type: ignore[arg-type]
    pool, account_id, mailbox_id = session.context.pool, place.account_id, place.mailbox_id
    answers = {row[0]: row[3:] for row in known}
    sized = [(row[0], row[1]) for row in known]
    looked, tell = 0, _teller(session, len(sized))
    async for batch in store.texts(pool, account_id, mailbox_id, sized, bodies=with_body):
        for row in batch:
            uid = row[0]
            with sections.Message.of(pool, row) as message:
                body = await message.whole() if with_body else b""
                tree = await message.tree() if with_body else None
                wanted = (key, answers[uid], message.head, tree, body)
                large = len(message.head) + len(body) > THREAD_OCTETS
                if await asyncio.to_thread(_says, *wanted) if large else _says(*wanted):
                    matching.add(uid)
        looked += len(batch)
        tell(looked)
        await asyncio.sleep(0)
    return matching


def _says(key: Any, answers: Sequence[bool], head: bytes, tree: Part | None, body: Octets) -> bool:
    return _holds(key, answers, wording.read(head, tree, body))


def _holds(key: Any, answers: Sequence[bool], said: Wording) -> bool:
    """Whether the tree holds for this message."""
    match key:
        case Answered(column):
            return bool(answers[column])
        case And(keys):
            return all(_holds(one, answers, said) for one in keys)
        case Or(left, right):
            return _holds(left, answers, said) or _holds(right, answers, said)
        case Not(inner):
            return not _holds(inner, answers, said)
        case InHeader(name, words):
            return said.field_has(spelled(name), spelled(words))
        case InBody(words):
            return said.body_has(spelled(words))
        case InText(words):
            return said.has(spelled(words))
        case _:
            raise TypeError(f"the text knows nothing of {type(key).__name__}")
