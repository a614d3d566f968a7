"""How FETCH prints (RFC 9051 §7.5.2): what of the store each item needs, and what makes a line of it.

A command's items become one Plan; whoever asks for the same again gets the same.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from mailservices.imap.handlers import reading, sections
from mailservices.mail.flags import printed
from mailservices.mail.object_id import email_id
from mailservices.mail.strings import quoted
from mailservices.protocols.imap.fetch import Item, Section, Simple
from mailservices.store import fetch as store

_MONTHS = (b"", b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")


def internaldate(moment: datetime) -> bytes:
    """RFC 9051 §9 date-time; the store's moments are in UTC."""
    return b"%2d-%b-%d %02d:%02d:%02d +0000" % (
        moment.day, _MONTHS[moment.month], moment.year, moment.hour, moment.minute, moment.second,
    )  # fmt: skip


#: Ways to fetch that are remembered.
PLANS = 500

Getter = Callable[[Sequence[Any]], object]


@dataclass(frozen=True, slots=True)
class Printed:
    """How an item is printed: what of a row of store.fetch it needs, and what makes octets of that."""

    template: bytes
    columns: tuple[str, ...]
    make: Callable[..., object] | None = None

    def getter(self, columns: Sequence[str]) -> Getter:
        """What goes into the template, from a row of these columns."""
        get = itemgetter(*map(columns.index, self.columns))
        make = self.make
        if make is None:
            return get
        return (lambda row: make(get(row))) if len(self.columns) == 1 else (lambda row: make(*get(row)))


_PRINTED: dict[Simple, Printed] = {
    Simple.UID: Printed(b"UID %d", ("uid",)),
    Simple.FLAGS: Printed(b"FLAGS (%b)", ("flags", "keywords"), printed),
    Simple.INTERNALDATE: Printed(b'INTERNALDATE "%b"', ("internaldate",), internaldate),
    Simple.SAVEDATE: Printed(b'SAVEDATE "%b"', ("savedate",), internaldate),
    Simple.EMAILID: Printed(b"EMAILID (%b)", ("content_id",), lambda content_id: email_id(content_id).encode()),
    # RFC 8474 §5.2: threads are not told apart.
    Simple.THREADID: Printed(b"THREADID %b", ("uid",), lambda _uid: b"NIL"),
    # RFC 8970 §3.2: NIL is for those who need it at once.
    Simple.PREVIEW: Printed(b"PREVIEW %b", ("preview",), lambda text: quoted((text or "").encode())),
    Simple.PREVIEW_LAZY: Printed(
        b"PREVIEW %b", ("preview",), lambda text: b"NIL" if text is None else quoted(text.encode())
    ),
    Simple.SIZE: Printed(b"RFC822.SIZE %d", ("size",)),
    Simple.MODSEQ: Printed(b"MODSEQ (%d)", ("modseq",)),
    Simple.ENVELOPE: Printed(b"ENVELOPE %b", ("envelope",)),
    Simple.BODYSTRUCTURE: Printed(b"BODYSTRUCTURE %b", ("bodystructure",)),
}


#: What never changes of a message, and is worth keeping.
_FIXED = {
    Simple.INTERNALDATE, Simple.SAVEDATE, Simple.EMAILID, Simple.THREADID, Simple.SIZE, Simple.ENVELOPE,
    Simple.BODYSTRUCTURE,
}  # fmt: skip
_LARGE = {Simple.ENVELOPE, Simple.BODYSTRUCTURE}


@dataclass(frozen=True, slots=True)
class Part:
    """Some items of a line."""

    #: `UID %d FLAGS (%b)`, and what goes into it.
    template: bytes
    getters: tuple[Getter, ...]
    #: What of the rows is needed: columns of store.fetch.
    columns: tuple[str, ...]

    def line(self, row: Sequence[Any]) -> bytes:
        """What the row tells."""
        return self.template % tuple([get(row) for get in self.getters])


def _part(
    items: Sequence[Simple], prints: Mapping[Simple, Printed], first: tuple[str, ...] = store.FIRST_COLUMNS
) -> Part:
    """These items, from rows that begin with these columns."""
    needed = {column for item in items for column in prints[item].columns}
    columns = (*first, *(name for name in store.COLUMNS if name in needed and name not in first))
    return Part(
        b" ".join(prints[item].template for item in items),
        tuple(prints[item].getter(columns) for item in items),
        columns,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What one FETCH needs, and how its lines begin."""

    simple: Part
    #: The same in two, what changes and what never does, where that is worth keeping: the rows of the second begin
    #: with what the first needs.
    apart: tuple[Part, Part] | None
    #: BODY without extensions is made from the text.
    body: bool
    #: The label, where the only section is the whole message: what nearly every client asks for.
    whole: bytes
    sections: tuple[Section, ...]
    tells_flags: bool

    @property
    def needs_text(self) -> bool:
        return self.body or bool(self.sections)

    @property
    def needs_body(self) -> bool:
        """More of it than the header."""
        return self.body or not all(sections.is_header(section) for section in self.sections)


def plan(items: tuple[Item, ...], *, by_uid: bool, seen: AbstractSet[int] | None = None) -> Plan:
    """With `by_uid`, the UID is told in any case (RFC 9051 §6.4.9); with `seen`, the reader has an own \\Seen."""
    return _known_plan(items, by_uid=by_uid) if seen is None else _plan(items, by_uid=by_uid, seen=seen)


@lru_cache(PLANS)
def _known_plan(items: tuple[Item, ...], *, by_uid: bool) -> Plan:
    return _plan(items, by_uid=by_uid, seen=None)


def _plan(items: tuple[Item, ...], *, by_uid: bool, seen: AbstractSet[int] | None) -> Plan:
    wanted = list(dict.fromkeys([Simple.UID, *items] if by_uid and Simple.UID not in items else items))
    texts = tuple(item for item in wanted if isinstance(item, Section))
    simple = [item for item in wanted if isinstance(item, Simple) and item in _PRINTED]
    prints = _PRINTED if seen is None else {**_PRINTED, Simple.FLAGS: _flags(seen)}
    return Plan(
        simple=_part(simple, prints),
        apart=_apart(simple, prints) if not _LARGE.isdisjoint(simple) else None,
        body=Simple.BODY in wanted,
        whole=_whole(texts, first=not simple) if Simple.BODY not in wanted else b"",
        sections=texts,
        tells_flags=Simple.FLAGS in wanted,
    )


def _apart(items: Sequence[Simple], prints: Mapping[Simple, Printed]) -> tuple[Part, Part]:
    changing = _part([item for item in items if item not in _FIXED], prints)
    return changing, _part([item for item in items if item in _FIXED], prints, changing.columns)


def _flags(seen: AbstractSet[int]) -> Printed:
    """FLAGS to a reader who has an own \\Seen."""
    return Printed(
        b"FLAGS (%b)", ("uid", "flags", "keywords"),
        lambda uid, flags, keywords: printed(reading.bits(seen, uid, flags), keywords),
    )  # fmt: skip


def _whole(texts: Sequence[Section], *, first: bool) -> bytes:
    if len(texts) != 1 or not texts[0].is_whole_message:
        return b""
    return texts[0].label + b" " if first else b" " + texts[0].label + b" "
