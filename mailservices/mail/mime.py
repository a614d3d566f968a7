"""The MIME tree as ranges of octets (RFC 2045, RFC 2046): nothing is decoded, nothing is copied.

Ranges count from the first octet of the message's body: the header of the message itself is kept apart from it.
Whatever a stranger sends has a tree; what is nested too deeply, or beyond the limit of parts, stays one part.
"""

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mailservices.mail import content, headers
from mailservices.mail.content import DIGESTED, PLAIN, MediaType
from mailservices.mail.headers import Octets

#: Parts within parts, parts of one message, and octets of one part's header that are looked at.
DEPTH = 50
PARTS = 5000
HEADER_OCTETS = 128 * 1024
#: Lines of one message that begin as a delimiter does and are looked at: most may be none.
LOOKS = 200_000
#: RFC 2046 §5.1.1
BOUNDARY_OCTETS = 200

_LINE_END = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_COUNTED = 2**20


@dataclass(frozen=True, slots=True)
class Range:
    """From the first octet to behind the last."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(slots=True)
class Part:
    """One part. `header` is None for the message itself, whose header is not in the body."""

    header: Range | None
    fields: dict[bytes, list[bytes]]
    body: Range
    type: MediaType
    #: The parts of a multipart; of a message/rfc822, just the message in it.
    children: list["Part"] = field(default_factory=list)

    @property
    def is_multipart(self) -> bool:
        return self.type.type == b"multipart" and bool(self.children)

    @property
    def message(self) -> "Part | None":
        """The message that a message/rfc822 holds."""
        return self.children[0] if self.children and self.type.type == b"message" else None

    @property
    def encoding(self) -> bytes:
        """How its body is encoded, such as base64, in lower case; empty where that is not said."""
        values = self.fields.get(b"content-transfer-encoding")
        return content.encoding(values[0]) if values else b""

    def field(self, name: bytes) -> bytes | None:
        """The first field of this name, unfolded."""
        values = self.fields.get(name)
        return headers.unfold(values[0]) if values else None


def scan(header: bytes, body: Octets) -> Part:
    """The tree of a message."""
    return examine(header, body)[0]


def examine(header: bytes, body: Octets) -> tuple[Part, bool]:
    """The tree of a message, and whether it is whole: within all limits, so that nothing was left unseen."""
    scanner = _Scanner(body)
    message = scanner.part(None, headers.index(header), Range(0, len(body)), PLAIN, 0)
    return message, scanner.whole


class _Scanner:
    def __init__(self, body: Octets) -> None:
        self._body = body
        self._left = PARTS
        self._looks = LOOKS
        self._deep = False

    @property
    def whole(self) -> bool:
        return not self._deep and self._left > 0 and self._looks > 0

    def part(
        self, header: Range | None, fields: dict[bytes, list[bytes]], body: Range, default: MediaType, depth: int
    ) -> Part:
        values = fields.get(b"content-type")
        part = Part(header, fields, body, content.parse(values[0] if values else None, default))
        self._left -= 1
        if depth >= DEPTH:
            self._deep = True
        elif self._left > 0:
            if part.type.type == b"multipart":
                part.children = self._parts(part, depth)
            elif part.type.type == b"message" and part.type.subtype in (b"rfc822", b"global"):
                part.children = self._message(part, depth)
        return part

    def _parts(self, part: Part, depth: int) -> list[Part]:
        boundary = part.type.parameter(b"boundary")
        if not boundary or len(boundary) > BOUNDARY_OCTETS:
            return []
        default = DIGESTED if part.type.subtype == b"digest" else PLAIN
        found = []
        for span in self._delimited(part.body, b"--" + boundary):
            if self._left <= 0:
                break
            found.append(self._inner(span, default, depth))
        return found

    def _message(self, part: Part, depth: int) -> list[Part]:
        # RFC 2046 §5.2.1: a message that is encoded cannot be looked into.
        if part.encoding in (b"base64", b"quoted-printable"):
            return []
        return [self._inner(part.body, PLAIN, depth)]

    def _inner(self, span: Range, default: MediaType, depth: int) -> Part:
        end = headers.end_of_header(self._body, span.start, span.end)
        fields = headers.index(self._body[span.start : min(end, span.start + HEADER_OCTETS)])
        return self.part(Range(span.start, end), fields, Range(end, span.end), default, depth + 1)

    def _delimited(self, within: Range, delimiter: bytes) -> Iterator[Range]:
        """What lies between the delimiter lines; the line end before a delimiter belongs to it."""
        start = -1
        for begin, end, closes in self._delimiters(within, delimiter):
            if start >= 0:
                yield Range(start, max(start, self._before(begin)))
            start = end
            if closes:
                return
        if start >= 0:
            yield Range(start, within.end)

    def _delimiters(self, within: Range, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
        """Where each delimiter line begins and ends, and whether it is the last."""
        for begin in self._lines(within, delimiter):
            match = _LINE_END.match(self._body, begin + len(delimiter), within.end)
            if match:
                yield begin, match.end(), match[1] is not None

    def _lines(self, within: Range, beginning: bytes) -> Iterator[int]:
        """Where lines begin with these octets; a body begins with a line."""
        position = within.start
        if self._body[position : position + len(beginning)] == beginning:
            yield position
        while self._looks > 0 and (position := self._body.find(b"\n" + beginning, position, within.end)) >= 0:
            self._looks -= 1
            position += 1
            yield position

    def _before(self, position: int) -> int:
        """Without the line end before this place, LF or CRLF."""
        return position - (2 if self._body[position - 2 : position] == b"\r\n" else 1)


def find(message: Part, numbers: Sequence[int]) -> Part | None:
    """The part of these numbers (RFC 9051 §6.4.5.1); None where there is none."""
    part = message
    for level, number in enumerate(numbers):
        inside = part if level == 0 else part.message or part
        if inside.is_multipart:
            if number > len(inside.children):
                return None
            part = inside.children[number - 1]
        elif number == 1 and (level == 0 or part.message is not None):
            part = inside
        else:
            return None
    return part


def count_lines(body: Octets, span: Range) -> int:
    """Line ends from start to end."""
    if isinstance(body, bytes):
        return body.count(b"\n", span.start, span.end)
    return _count_mapped(body, span)


def _count_mapped(body: mmap.mmap, span: Range) -> int:
    starts = range(span.start, span.end, _COUNTED)
    return sum(body[start : min(start + _COUNTED, span.end)].count(b"\n") for start in starts)
