"""BODY[section]<partial> of one message: which octets are meant, and how they get to the client.

A body of one piece is in memory; of a larger one, the pieces pass by one at a time where the section is the whole
text, and lie in a file where parts must be looked for. No message is in memory as a whole.
"""

import asyncio
import mmap
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Self
from uuid import UUID

from mailservices.imap.session import Wire
from mailservices.mail import headers, mime, transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part, Range
from mailservices.protocols.imap.fetch import Kind, Section
from mailservices.store import bodies
from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.fetch import text_size
from mailservices.store.pool import Pool

#: Octets that are gathered before they are written.
WRITE_OCTETS = 256 * 1024
#: The parts of a larger body are looked for in a thread.
THREAD_OCTETS = 2**20

_HEADERS = (Kind.HEADER, Kind.FIELDS, Kind.FIELDS_NOT)
_NOTHING = Range(0, 0)


def is_header(section: Section) -> bool:
    """Whether the message's header is all that is needed."""
    return not section.part and section.kind in _HEADERS


def is_one_piece(row: Sequence[Any]) -> bool:
    """Whether a row of store.fetch.first_pieces has all of the message."""
    return bool(row[4] <= PIECE_OCTETS)


def whole(row: Sequence[Any]) -> bytes:
    """All of a message of one piece, as a literal: the shortest way, for the longest FETCH."""
    return b"{%d}\r\n%b%b%b" % (text_size(row), row[1], row[2], bodies.unpack(row[5], row[6]))


@dataclass(slots=True)
class Message:
    """One message's octets. Use as a context manager: a file that was needed is removed."""

    pool: Pool
    #: Trace fields and header, with the empty line.
    head: bytes
    blob_id: UUID
    body_size: int
    #: The body up to the end of its first piece; None where only the header was read.
    first: bytes | None
    _mapped: mmap.mmap | None = None
    _file: IO[bytes] | None = None
    _tree: Part | None = field(default=None)

    @classmethod
    def of(cls, pool: Pool, row: Sequence[Any]) -> Self:
        """From a row of store.fetch.headers or store.fetch.first_pieces."""
        return cls(pool, row[1] + row[2], row[3], row[4], bodies.unpack(row[5], row[6]) if len(row) > 5 else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._mapped is not None:
            self._mapped.close()
        if self._file is not None:
            self._file.close()

    async def whole(self) -> Octets:
        """The body, in memory or mapped."""
        if self.first is not None and self.body_size <= PIECE_OCTETS:
            return self.first
        if self._mapped is None:
            # Closed by __exit__: its life is that of the message's answer.
            self._file = await bodies.to_file(self.pool, self.blob_id, self.body_size)
            self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._mapped

    def held(self, span: Range) -> Octets | None:
        """The octets from which this range can be cut without asking the store."""
        if self.first is not None and span.end <= len(self.first):
            return self.first
        return b"" if not len(span) else self._mapped

    async def tree(self) -> Part:
        if self._tree is None:
            body = await self.whole()
            if len(body) > THREAD_OCTETS:
                self._tree = await asyncio.to_thread(mime.scan, self.head, body)
            else:
                self._tree = mime.scan(self.head, body)
        return self._tree


@dataclass(frozen=True, slots=True)
class Chosen:
    """The octets of a section: some of the header, then some of the body."""

    head: bytes
    body: Range

    def partial(self, span: tuple[int, int] | None) -> "Chosen":
        """First octet and count (RFC 9051 §6.4.5): beyond the end there is nothing."""
        if span is None:
            return self
        first, last = span[0], span[0] + span[1]
        head = self.head[first:last]
        start = self.body.start + max(0, first - len(self.head))
        end = self.body.start + max(0, last - len(self.head))
        return Chosen(head, Range(min(start, self.body.end), min(end, self.body.end)))

    def __len__(self) -> int:
        return len(self.head) + len(self.body)


async def choose(message: Message, section: Section) -> Chosen | None:
    """What a section means (RFC 9051 §6.4.5.1); None where the message has no such part."""
    if section.part:
        return await _choose_part(message, section)
    match section.kind:
        case Kind.WHOLE | Kind.BINARY | Kind.BINARY_SIZE:
            return Chosen(message.head, Range(0, message.body_size))
        case Kind.TEXT:
            return Chosen(b"", Range(0, message.body_size))
        case _:
            return Chosen(_fields(message.head, section), _NOTHING)


async def _choose_part(message: Message, section: Section) -> Chosen | None:
    part = mime.find(await message.tree(), section.part)
    if part is None:
        return None
    if section.kind is Kind.WHOLE:
        return Chosen(b"", part.body)
    if section.kind is Kind.MIME:
        # The only part of a message that has none shows the message's own header.
        return Chosen(b"", part.header) if part.header else Chosen(message.head, _NOTHING)
    inner = part.message
    if inner is None or inner.header is None:
        return None
    if section.kind is Kind.TEXT:
        return Chosen(b"", inner.body)
    body = await message.whole()
    return Chosen(_fields(body[inner.header.start : inner.header.end], section), _NOTHING)


def _fields(header: bytes, section: Section) -> bytes:
    if section.kind is Kind.HEADER:
        return header
    return headers.select(header, section.fields, exclude=section.kind is Kind.FIELDS_NOT)


async def send(wire: Wire, out: bytearray, message: Message, section: Section) -> None:
    """Put a section behind what is gathered in `out`, and write that when it is much."""
    if section.kind in (Kind.BINARY, Kind.BINARY_SIZE) and section.part:
        await _send_decoded(wire, out, message, section)
        return
    chosen = await choose(message, section)
    if section.kind is Kind.BINARY_SIZE and chosen is not None:
        out += b"%d" % len(chosen)
        return
    if chosen is None:
        out += b"NIL"
        return
    chosen = chosen.partial(section.partial)
    if not len(chosen):
        out += b'""'
        return
    out += b"{%d}\r\n" % len(chosen)
    async for piece in octets(message, chosen):
        out += piece
        await flush(wire, out)


async def octets(message: Message, chosen: Chosen) -> AsyncIterator[bytes]:
    """What was chosen, piece by piece."""
    yield chosen.head
    held = message.held(chosen.body)
    if held is None:
        async for piece in bodies.read(message.pool, message.blob_id, chosen.body.start, chosen.body.end):
            yield piece
        return
    for place in range(chosen.body.start, chosen.body.end, PIECE_OCTETS):
        yield held[place : min(place + PIECE_OCTETS, chosen.body.end)]


async def _send_decoded(wire: Wire, out: bytearray, message: Message, section: Section) -> None:
    """A part without its transfer encoding (RFC 3516 §4.2 and §4.3)."""
    part = mime.find(await message.tree(), section.part)
    if part is None:
        out += b"NIL" if section.kind is Kind.BINARY else b"0"
        return
    encoding = _encoding(part)
    with tempfile.SpooledTemporaryFile(PIECE_OCTETS) as decoded:
        size, has_nul = await asyncio.to_thread(_decode, await message.whole(), part.body, encoding, decoded)
        if section.kind is Kind.BINARY_SIZE:
            out += b"%d" % size
            return
        first, count = section.partial or (0, size)
        count = max(0, min(count, size - first))
        # RFC 3516 §4.2: literal8 where a string cannot hold it.
        out += b"~{%d}\r\n" % count if has_nul else b"{%d}\r\n" % count
        decoded.seek(min(first, size))
        while count:
            piece = decoded.read(min(count, WRITE_OCTETS))
            out += piece
            count -= len(piece)
            await flush(wire, out)


async def can_send(message: Message, wanted: Sequence[Section]) -> bool:
    """Whether all parts that are to be decoded can be (RFC 3516 §4.3): asked before a line is begun."""
    for section in wanted:
        if section.kind in (Kind.BINARY, Kind.BINARY_SIZE) and section.part:
            part = mime.find(await message.tree(), section.part)
            if part is not None and not transfer.is_known(_encoding(part)):
                return False
    return True


def _encoding(part: Part) -> bytes:
    """What has parts itself is not encoded (RFC 2045 §6.4)."""
    return b"" if part.children else part.encoding


def _decode(body: Octets, span: Range, encoding: bytes, into: IO[bytes]) -> tuple[int, bool]:
    """Octets written, and whether there is a NUL among them."""
    ends = range(span.start, span.end, PIECE_OCTETS)
    pieces = (bytes(body[start : min(start + PIECE_OCTETS, span.end)]) for start in ends)
    size, has_nul = 0, False
    for piece in transfer.undone(pieces, encoding):
        into.write(piece)
        size += len(piece)
        has_nul = has_nul or b"\0" in piece
    return size, has_nul


async def flush(wire: Wire, out: bytearray, least: int = WRITE_OCTETS) -> None:
    """Write what is gathered, if it is as much as that, and wait for the client to take it."""
    if len(out) >= least:
        wire.write(bytes(out))
        out.clear()
        await wire.drain()
