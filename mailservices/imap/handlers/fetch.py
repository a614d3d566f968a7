"""FETCH (RFC 9051 §6.4.5): rows become lines, batch by batch, and large bodies are streamed piece by piece.

What a row of the store tells is printed by one template per command; sections of the text are in sections.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailservices.imap.answers import Done, No
from mailservices.imap.handlers import flags, sections
from mailservices.imap.handlers.sections import WRITE_OCTETS
from mailservices.imap.session import Session
from mailservices.mail import structure
from mailservices.mail.changes import Changes
from mailservices.mail.flags import SEEN, Change, Flags, printed
from mailservices.protocols.imap import commands
from mailservices.protocols.imap.fetch import Item, Section, Simple
from mailservices.store import fetch as store
from mailservices.store import messages

_MONTHS = (b"", b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")


def internaldate(moment: datetime) -> bytes:
    """RFC 9051 §9 date-time; the store's moments are in UTC."""
    return b"%2d-%b-%d %02d:%02d:%02d +0000" % (
        moment.day, _MONTHS[moment.month], moment.year, moment.hour, moment.minute, moment.second,
    )  # fmt: skip


#: Item -> how it is printed, from a row of store.fetch.
_PRINTED: dict[Simple, tuple[bytes, Callable[[Sequence[Any]], object]]] = {
    Simple.UID: (b"UID %d", lambda row: row[0]),
    Simple.FLAGS: (b"FLAGS (%b)", lambda row: printed(row[2], row[3])),
    Simple.INTERNALDATE: (b'INTERNALDATE "%b"', lambda row: internaldate(row[4])),
    Simple.SIZE: (b"RFC822.SIZE %d", lambda row: row[1]),
    Simple.ENVELOPE: (b"ENVELOPE %b", lambda row: row[5]),
    Simple.BODYSTRUCTURE: (b"BODYSTRUCTURE %b", lambda row: row[6]),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one FETCH needs, and how its lines begin."""

    #: `UID %d FLAGS (%b)`, and what goes into it.
    template: bytes
    getters: tuple[Callable[[Sequence[Any]], object], ...]
    #: What of the rows is needed: a statement of store.fetch.
    rows: str
    #: BODY without extensions is made from the text.
    body: bool
    #: The label, where the only section is the whole message: what nearly every client asks for.
    whole: bytes
    sections: tuple[Section, ...]
    tells_flags: bool
    marks_seen: bool

    @property
    def needs_text(self) -> bool:
        return self.body or bool(self.sections)

    def line(self, row: Sequence[Any]) -> bytes:
        """What the row tells."""
        return self.template % tuple([get(row) for get in self.getters])


def plan(items: Sequence[Item], *, by_uid: bool) -> Plan:
    """RFC 9051 §6.4.9: UID FETCH tells the UID, asked for or not."""
    wanted = list(items) if not by_uid or Simple.UID in items else [Simple.UID, *items]
    texts = tuple(item for item in wanted if isinstance(item, Section))
    simple = [item for item in wanted if isinstance(item, Simple) and item in _PRINTED]
    return Plan(
        template=b" ".join(_PRINTED[item][0] for item in simple),
        getters=tuple(_PRINTED[item][1] for item in simple),
        rows=_rows(simple),
        body=Simple.BODY in wanted,
        whole=_whole(texts, first=not simple) if Simple.BODY not in wanted else b"",
        sections=texts,
        tells_flags=Simple.FLAGS in wanted,
        marks_seen=any(section.marks_seen for section in texts),
    )


def _rows(simple: Sequence[Simple]) -> str:
    if Simple.ENVELOPE in simple or Simple.BODYSTRUCTURE in simple:
        return store.STRUCTURES
    return store.SIZES if set(simple) <= {Simple.UID, Simple.SIZE} else store.ROWS


def _whole(texts: Sequence[Section], *, first: bool) -> bytes:
    if len(texts) != 1 or not texts[0].is_whole_message:
        return b""
    return texts[0].label + b" " if first else b" " + texts[0].label + b" "


async def fetch(session: Session, command: commands.Fetch) -> Done:
    selected = session.folder
    gone = not command.by_uid and selected.view.names_gone(command.messages)
    uids = selected.view.chosen(command.messages, by_uid=command.by_uid)
    if not uids and not gone:
        return Done()
    wanted = plan(command.items, by_uid=command.by_uid)
    seen = await _mark_seen(session, uids) if wanted.marks_seen and not selected.read_only else None
    told = await _tell(session, wanted, uids)
    if seen is not None and seen.flagged:
        await flags.settle(session, seen, silent=wanted.tells_flags, with_uid=command.by_uid)
    if gone or (told < len(uids) and not command.by_uid):
        session.dirty = True
        raise No("EXPUNGEISSUED", "Some of these messages are gone.")
    return Done()


async def _mark_seen(session: Session, uids: Sequence[int]) -> Changes:
    """Before the rows are read, so that they tell the flag already."""
    selected = session.folder
    changes = await messages.set_flags(
        session.context.pool, session.account_id, selected.mailbox_id, uids, Change.ADD, Flags(SEEN)
    )
    if changes.flagged:
        session.context.tell(session.account_id, selected.mailbox_id, changes.modseq)
    return changes


async def _tell(session: Session, wanted: Plan, uids: Sequence[int]) -> int:
    """Send the answers; returns of how many messages."""
    selected, view, told = session.folder, session.folder.view, 0
    pool, account_id, mailbox_id = session.context.pool, session.account_id, selected.mailbox_id
    async for rows in store.rows(pool, account_id, mailbox_id, uids, wanted.rows):
        if wanted.needs_text:
            told += await _tell_texts(session, wanted, rows)
        else:
            line, number = wanted.line, view.number
            session.say(b"".join([b"* %d FETCH (%b)\r\n" % (number(row[0]), line(row)) for row in rows]))
            told += len(rows)
        await session.wire.drain()
    return told


async def _tell_texts(session: Session, wanted: Plan, rows: Sequence[Any]) -> int:
    """The same where the text itself is needed."""
    told, out, number = 0, bytearray(), session.folder.view.number
    by_uid = {row[0]: row for row in rows}
    pool, account_id, mailbox_id = session.context.pool, session.account_id, session.folder.mailbox_id
    header_only = not wanted.body and all(sections.is_header(section) for section in wanted.sections)
    sized = [(row[0], row[1]) for row in rows]
    async for batch in store.texts(pool, account_id, mailbox_id, sized, bodies=not header_only):
        for found in batch:
            line = wanted.line(by_uid[found[0]])
            if wanted.whole and sections.is_one_piece(found):
                out += b"* %d FETCH (%b%b%b)\r\n" % (number(found[0]), line, wanted.whole, sections.whole(found))
            else:
                out += b"* %d FETCH (%b" % (number(found[0]), line)
                with sections.Message.of(pool, found) as message:
                    await _tell_text(session, wanted, message, out)
                out += b")\r\n"
            if len(out) >= WRITE_OCTETS:
                await sections.flush(session.wire, out)
        told += len(batch)
    await sections.flush(session.wire, out, least=1)
    return told


async def _tell_text(session: Session, wanted: Plan, message: sections.Message, out: bytearray) -> None:
    space = b" " if wanted.getters else b""
    if wanted.body:
        out += space + b"BODY " + structure.without_extensions(message.head, await message.whole())
        space = b" "
    for section in wanted.sections:
        out += space + section.label + b" "
        space = b" "
        await sections.send(session.wire, out, message, section)
