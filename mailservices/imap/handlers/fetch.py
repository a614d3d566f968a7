"""FETCH (RFC 9051 §6.4.5): rows become lines, batch by batch, and large bodies are streamed piece by piece.

What a row of the store tells is printed as printing.py says; sections of the text are in sections.py.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.handlers import flags, limiting, reading, sections
from mailservices.imap.handlers.printing import Part, Plan, plan
from mailservices.imap.handlers.sections import WRITE_OCTETS
from mailservices.imap.session import Session
from mailservices.mail import structure, uidset
from mailservices.mail.changes import Changes
from mailservices.mail.flags import SEEN, Change, Flags
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.fetch import Section, Simple
from mailservices.protocols.imap.requests.messages import Fetch
from mailservices.protocols.imap.session import Extension
from mailservices.store import fetch as store
from mailservices.store import messages, previews

#: Messages that are read together for a client that asks for one after the other.
AHEAD = 8


async def fetch(session: Session, command: Fetch) -> Done:
    return await _fetch(session, command, limiting.newest)


async def tell(session: Session, command: Fetch) -> None:
    """As if the client had asked for it, and of as many as there are."""
    await _fetch(session, command, lambda _session, uids: (uids, b""))


async def _fetch(
    session: Session, command: Fetch, most: Callable[[Session, Sequence[int]], tuple[Sequence[int], bytes]]
) -> Done:
    selected, items = session.folder, command.items
    if command.vanished and Extension.QRESYNC not in session.enabled:
        raise Bad("", "ENABLE QRESYNC comes first.")  # RFC 7162 §3.2.6
    if Simple.MODSEQ in items or command.changed_since is not None:
        session.enable(Extension.CONDSTORE)
    gone = not command.by_uid and selected.view.names_gone(command.messages)
    uids = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if command.changed_since is not None:
        # RFC 7162 §3.1.4.1: those that have changed, and when.
        items = (*items, Simple.MODSEQ)
        if command.vanished:
            await _tell_vanished(session, command.messages, command.changed_since)
        uids = await messages.changed(
            session.context.pool, selected.account_id, selected.mailbox_id, uids, command.changed_since
        )
    if command.partial is not None:
        uids = command.partial.of(uids)  # RFC 9394 §3.3
    if not uids and not gone:
        return Done()
    uids, code = most(session, uids)
    # RFC 9586 §3.3: what begins with the UID need not tell it.
    marks = any(isinstance(item, Section) and item.marks_seen for item in items) and _may_mark(session)
    seen = await _mark_seen(session, uids) if marks else None
    wanted = plan(items, by_uid=command.by_uid and not session.uid_only, seen=selected.seen)
    if Simple.PREVIEW in items:
        await previews.complete(session.context.pool, selected.account_id, selected.mailbox_id, uids)
    told = await _tell(session, wanted, uids)
    if seen is not None and seen.flagged:
        await flags.settle(session, seen, silent=wanted.tells_flags, with_uid=command.by_uid)
    if gone or (told < len(uids) and not command.by_uid):
        session.dirty = True
        raise No("EXPUNGEISSUED", "Some of these messages are gone.")
    return Done(code)


def _may_mark(session: Session) -> bool:
    """RFC 4314 §4: who has not the right to set \\Seen does not, and is not refused for it."""
    return not session.folder.read_only and "s" in session.folder.rights


async def _tell_vanished(session: Session, numbers: NumberSet, since: int) -> None:
    """RFC 7162 §3.2.6: who was expunged; every UID that is not there, where that is not known any more."""
    selected, view = session.folder, session.folder.view
    uidnext, gone = await messages.vanished(session.context.pool, selected.account_id, selected.mailbox_id, since)
    if gone is None:
        ranges = view.missing(numbers, uidnext)
    else:
        # Those that still have a number are told when their EXPUNGE may be.
        named = uidset.within(gone, numbers.resolve(uidnext - 1))
        ranges = uidset.ranges_of([uid for uid in named if not view.number(uid)])
    if ranges:
        session.say(responses.vanished(ranges, earlier=True))


async def _mark_seen(session: Session, uids: Sequence[int]) -> Changes:
    """Before the rows are read, so that they tell the flag already."""
    selected = session.folder
    changes, _ = await reading.change(session, uids, Change.ADD, Flags(SEEN))
    if changes.flagged:
        session.context.tell(selected.account_id, selected.mailbox_id, changes.modseq)
    return changes


async def _tell(session: Session, wanted: Plan, uids: Sequence[int]) -> int:
    """Send the answers; returns of how many messages."""
    if wanted.apart is not None and not wanted.needs_text:
        return await _tell_kept(session, *wanted.apart, uids)
    if wanted.needs_text and len(uids) == 1:
        return await _tell_one(session, wanted, uids[0])
    told, (template, number), line = 0, _beginning(session, b"%b)\r\n"), wanted.simple.line
    async for rows in _rows(session, wanted, uids):
        if wanted.needs_text:
            told += await _tell_texts(session, wanted, rows)
        else:
            session.say(b"".join([template % (number(row[0]), line(row)) for row in rows]))
            told += len(rows)
        await session.wire.drain()
    return told


def _rows(session: Session, wanted: Plan, uids: Sequence[int]) -> AsyncIterator[Sequence[Any]]:
    """Batches of the rows; of messages whose texts are kept, it is known how large they are."""
    where = session.context.pool, session.folder.account_id, session.folder.mailbox_id
    columns, texts = wanted.simple.columns, session.context.texts
    if columns != store.FIRST_COLUMNS or not wanted.needs_body:
        return store.rows(*where, uids, lambda _: columns)

    async def read(chosen: Sequence[int]) -> Sequence[Any]:
        kept = texts.among(session.folder.mailbox_id, chosen)
        if len(kept) == len(chosen):
            return [(uid, store.text_size(row)) for uid, row in kept.items()]
        return await store.span(*where, chosen, columns)

    return store.prefetched(read, store.spans(uids))


async def _tell_kept(session: Session, changing: Part, fixed: Part, uids: Sequence[int]) -> int:
    """The same where this process keeps what never changes."""
    selected, told, line = session.folder, 0, changing.line
    template, number = _beginning(session, b"%b %b)\r\n" if changing.template else b"%b%b)\r\n")
    pool, account_id, mailbox_id = session.context.pool, selected.account_id, selected.mailbox_id
    known = session.context.lines.of(mailbox_id, fixed.template)

    def columns(batch: Sequence[int]) -> tuple[str, ...]:
        return changing.columns if known.keys() >= set(batch) else fixed.columns

    async for rows in store.rows(pool, account_id, mailbox_id, uids, columns):
        if rows and len(rows[0]) == len(fixed.columns):
            ends: Mapping[int, bytes] = {row[0]: fixed.line(row) for row in rows}
            session.context.lines.keep(mailbox_id, fixed.template, ends)
        else:
            ends = known
        session.say(b"".join([template % (number(row[0]), line(row), ends[row[0]]) for row in rows]))
        told += len(rows)
        await session.wire.drain()
    return told


def _beginning(session: Session, rest: bytes) -> tuple[bytes, Callable[[int], int]]:
    """How a line begins, and the number in it, from a UID."""
    if session.uid_only:
        return b"* %d UIDFETCH (" + rest, lambda uid: uid
    return b"* %d FETCH (" + rest, session.folder.view.number


async def _tell_texts(session: Session, wanted: Plan, rows: Sequence[Any]) -> int:
    """The same where the text itself is needed."""
    told, out = 0, bytearray()
    by_uid = {row[0]: row for row in rows}
    async for batch in _texts(session, wanted, [(row[0], row[1]) for row in rows]):
        for found in batch:
            if line := _whole_line(session, wanted, by_uid[found[0]], found):
                out += line
            else:
                await _tell_message(session, wanted, by_uid[found[0]], found, out)
            if len(out) >= WRITE_OCTETS:
                await sections.flush(session.wire, out)
        told += len(batch)
    await sections.flush(session.wire, out, least=1)
    return told


def _texts(session: Session, wanted: Plan, sized: Sequence[tuple[int, int]]) -> AsyncIterator[Sequence[Any]]:
    """Batches of rows of store.fetch; those that are kept need not be read."""
    mailbox_id, texts = session.folder.mailbox_id, session.context.texts
    where = session.context.pool, session.folder.account_id, mailbox_id
    if not wanted.needs_body:
        return store.texts(*where, sized, bodies=False)

    async def read(chosen: Sequence[int]) -> Sequence[Any]:
        found = texts.among(mailbox_id, chosen)
        if missing := [uid for uid in chosen if uid not in found]:
            found |= texts.keep(mailbox_id, await store.first_pieces(*where, missing))
        return [found[uid] for uid in chosen if uid in found]

    return store.prefetched(read, store.by_octets(sized))


async def _tell_one(session: Session, wanted: Plan, uid: int) -> int:
    """The same of one message: by one statement, or none, for clients that ask for one after the other."""
    pool, folder, out = session.context.pool, session.folder, bytearray()
    where = pool, folder.account_id, folder.mailbox_id
    if wanted.simple.columns == store.FIRST_COLUMNS and wanted.needs_body:
        text = session.context.texts.of(folder.mailbox_id, uid)
        if text is None:
            rows = await store.ahead(*where, folder.view.onward(folder.read, uid, AHEAD), uid)
            text = session.context.texts.keep(folder.mailbox_id, rows).get(uid)
        folder.read = uid
        found = None if text is None else ((uid, store.text_size(text)), text)
    else:
        found = await store.one(*where, uid, wanted.simple.columns, bodies=wanted.needs_body)
    if found is None:
        return 0
    if line := _whole_line(session, wanted, *found):
        session.say(line)
    else:
        await _tell_message(session, wanted, *found, out)
        await sections.flush(session.wire, out, least=1)
    await session.wire.drain()
    return 1


def _whole_line(session: Session, wanted: Plan, row: Sequence[Any], text: Sequence[Any]) -> bytes:
    """The answer where the message itself is all that is needed of the text, and in memory; else nothing."""
    if not wanted.whole or not sections.is_one_piece(text):
        return b""
    template, number = _beginning(session, b"%b%b%b)\r\n")
    return template % (number(text[0]), wanted.simple.line(row), wanted.whole, sections.whole(text))


async def _tell_message(
    session: Session, wanted: Plan, row: Sequence[Any], text: Sequence[Any], out: bytearray
) -> None:
    """From what `store.rows` and `store.texts` tell of it."""
    head, number = _beginning(session, b"%b")
    with sections.Message.of(session.context.pool, text) as message:
        if not await sections.can_send(message, wanted.sections):
            await sections.flush(session.wire, out, least=1)
            raise No("UNKNOWN-CTE", "The encoding of a part is not known.")
        out += head % (number(text[0]), wanted.simple.line(row))
        await _tell_text(session, wanted, message, out)
    out += b")\r\n"


async def _tell_text(session: Session, wanted: Plan, message: sections.Message, out: bytearray) -> None:
    space = b" " if wanted.simple.getters else b""
    if wanted.body:
        out += space + b"BODY " + structure.without_extensions(message.head, await message.whole())
        space = b" "
    for section in wanted.sections:
        out += space + section.label + b" "
        space = b" "
        await sections.send(session.wire, out, message, section)
