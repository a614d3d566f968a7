"""FETCH items: parse what a client asks for (RFC 9051 §6.4.5), as data that handlers and printers share."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.mail.strings import quoted
from mailservices.protocols.imap.grammar import Scanner

#: Levels of a section's part number, and items of one FETCH.
PART_LEVELS: Final = 100
ITEMS: Final = 100

_NAME = re.compile(rb"[A-Za-z0-9.]+")
_PART = re.compile(rb"[1-9]\d{0,8}(?:\.[1-9]\d{0,8})*")
_PARTIAL = re.compile(rb"<(\d{1,19})\.([1-9]\d{0,18})>")
_BINARY: Final = (b"BINARY", b"BINARY.PEEK", b"BINARY.SIZE")
_LAZY = re.compile(rb" \(LAZY\)", re.IGNORECASE)
_SECTION_TEXT = re.compile(rb"(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)(?=[\] ])", re.IGNORECASE)


class Simple(Enum):
    """Items without arguments. The value is the name on the wire."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    #: RFC 8514 §4.2.
    SAVEDATE = b"SAVEDATE"
    #: RFC 8474 §5.1, §5.2.
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"
    #: RFC 7162 §3.1.4.2.
    MODSEQ = b"MODSEQ"
    #: RFC 8970 §3, and §4.1: only where it is known already.
    PREVIEW = b"PREVIEW"
    PREVIEW_LAZY = b"PREVIEW (LAZY)"
    #: BODYSTRUCTURE without extension data.
    BODY = b"BODY"


class Kind(Enum):
    """What of a part a section means; WHOLE is the part, or the whole message."""

    WHOLE = b""
    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"
    #: RFC 3516 §4: decoded, and how many octets that are.
    BINARY = b"BINARY"
    BINARY_SIZE = b"BINARY.SIZE"


@dataclass(frozen=True, slots=True)
class Section:
    """BODY[...]<...> and its old names.

    Attributes:
        label: what the answer calls it.
        part: numbers of the part; empty for the message itself.
        partial: first octet and count, or None for all.
        marks_seen: whether fetching it sets the \\Seen flag.
    """

    label: bytes
    part: tuple[int, ...] = ()
    kind: Kind = Kind.WHOLE
    fields: tuple[bytes, ...] = ()
    partial: tuple[int, int] | None = None
    marks_seen: bool = True

    @property
    def is_whole_message(self) -> bool:
        return not self.part and self.kind is Kind.WHOLE and self.partial is None


Item = Simple | Section

_ALL = (Simple.FLAGS, Simple.INTERNALDATE, Simple.SIZE, Simple.ENVELOPE)
#: RFC 9051 §6.4.5: the macros, and RFC 3501's old names of sections.
_MACROS: Final[dict[bytes, tuple[Item, ...]]] = {
    b"ALL": _ALL,
    b"FAST": _ALL[:3],
    b"FULL": (*_ALL, Simple.BODY),
}
_OLD: Final[dict[bytes, Section]] = {
    b"RFC822": Section(b"RFC822"),
    b"RFC822.HEADER": Section(b"RFC822.HEADER", kind=Kind.HEADER, marks_seen=False),
    b"RFC822.TEXT": Section(b"RFC822.TEXT", kind=Kind.TEXT),
}


def parse(scanner: Scanner) -> tuple[Item, ...]:
    """One item, a list of items, or a macro; each once.

    Raises:
        ProtocolError
    """
    if scanner.skip(b"("):
        return parse_list(scanner)
    match = scanner.take(_NAME)
    name = match[0].upper() if match else b""
    if name in _MACROS:
        return _MACROS[name]
    return (_named(scanner, name),)


def parse_list(scanner: Scanner) -> tuple[Item, ...]:
    """Items behind a parenthesis that opens them, up to the one that closes them; each once.

    Raises:
        ProtocolError
    """
    items = [_item(scanner)]
    while scanner.skip(b" "):
        items.append(_item(scanner))
        if len(items) > ITEMS:
            raise ProtocolError("These are too many items.")
    scanner.expect(b")")
    return tuple(dict.fromkeys(items))


def _item(scanner: Scanner) -> Item:
    match = scanner.take(_NAME)
    return _named(scanner, match[0].upper() if match else b"")


def _named(scanner: Scanner, name: bytes) -> Item:
    if name in (b"BODY", b"BODY.PEEK") and scanner.skip(b"["):
        return section(scanner, marks_seen=name == b"BODY")
    if name in _BINARY and scanner.skip(b"["):
        return _binary(scanner, name)
    if name in _OLD:
        return _OLD[name]
    if name == b"PREVIEW":
        return Simple.PREVIEW_LAZY if scanner.take(_LAZY) else Simple.PREVIEW
    try:
        return Simple(name)
    except ValueError as error:
        raise ProtocolError(f"The item {name.decode('ascii', 'replace')} is not known.") from error


def _binary(scanner: Scanner, name: bytes) -> Section:
    """RFC 3516 §4: a part's number and nothing else; SIZE takes no partial."""
    kind, part = Kind(name.removesuffix(b".PEEK")), _part(scanner)
    scanner.expect(b"]")
    span = _partial(scanner) if kind is Kind.BINARY else None
    label = kind.value + b"[" + b".".join(b"%d" % number for number in part) + b"]"
    return Section(label + (b"<%d>" % span[0] if span else b""), part, kind, (), span, name == b"BINARY")


def _part(scanner: Scanner) -> tuple[int, ...]:
    numbers = scanner.take(_PART)
    part = tuple(map(int, numbers[0].split(b"."))) if numbers else ()
    if len(part) > PART_LEVELS:
        raise ProtocolError("The part is nested too deeply.")
    return part


def _partial(scanner: Scanner) -> tuple[int, int] | None:
    partial = scanner.take(_PARTIAL)
    return (int(partial[1]), int(partial[2])) if partial else None


def section(scanner: Scanner, *, marks_seen: bool) -> Section:
    """What stands between the brackets, and the partial behind them.

    Raises:
        ProtocolError
    """
    part = _part(scanner)
    kind = Kind.WHOLE
    fields: tuple[bytes, ...] = ()
    if not part or scanner.skip(b"."):
        kind, fields = _section_text(scanner, of_part=bool(part))
    scanner.expect(b"]")
    span = _partial(scanner)
    return Section(_label(part, kind, fields, span), part, kind, fields, span, marks_seen)


def _section_text(scanner: Scanner, *, of_part: bool) -> tuple[Kind, tuple[bytes, ...]]:
    match = scanner.take(_SECTION_TEXT)
    if not match:
        if of_part:
            raise ProtocolError("The section is not known.")
        return Kind.WHOLE, ()
    kind = Kind(match[1].upper())
    if kind is Kind.MIME and not of_part:
        raise ProtocolError("MIME needs a part.")
    if kind not in (Kind.FIELDS, Kind.FIELDS_NOT):
        return kind, ()
    scanner.space()
    fields = scanner.parenthesised(scanner.astring)
    if not fields:
        raise ProtocolError("A field's name is needed.")
    return kind, tuple(fields)


def _label(part: tuple[int, ...], kind: Kind, fields: tuple[bytes, ...], partial: tuple[int, int] | None) -> bytes:
    """How the answer names it (RFC 9051 §7.5.2): only the first octet of the partial is repeated."""
    words = [b"%d" % number for number in part]
    if kind is not Kind.WHOLE:
        words.append(kind.value)
    text = b".".join(words)
    if fields:
        text += b" (" + b" ".join(_field_name(field) for field in fields) + b")"
    return b"BODY[" + text + b"]" + (b"<%d>" % partial[0] if partial else b"")


def _field_name(name: bytes) -> bytes:
    if re.fullmatch(rb"[!#$&'+,\-.0-9:;<=>?@A-\[\]^-z|}~/]+", name):
        return name
    return quoted(name)
