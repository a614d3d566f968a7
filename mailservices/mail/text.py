"""What a message says, as text to search in: encoded words, transfer encodings and charsets are undone.

Strangers choose the encodings: what cannot be decoded is read as it stands, and nothing here raises.
"""

import base64
import codecs
import quopri
import re
from collections.abc import Iterator

from mailservices.mail import headers
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: Octets of one part, still encoded, that are looked at.
PART_OCTETS = 8 * 2**20
_WORD = re.compile(rb"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?([^?]*)\?=")
#: RFC 2047 §6.2: space between encoded words is not shown.
_BETWEEN = re.compile(rb"(?<=\?=)[ \t\r\n]+(?==\?)")
#: Codecs of Python that are no charsets of mail; some of them take long over long texts.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode(octets: bytes, charset: bytes | None) -> str:
    """These octets in this charset; UTF-8 where it is not known."""
    try:
        return octets.decode(_charset(charset), "replace")
    except (LookupError, ValueError):
        # Python has codecs that are none for text, such as "hex", or that always fail.
        return octets.decode("utf-8", "replace")


def _charset(charset: bytes | None) -> str:
    name = codecs.lookup((charset or b"utf-8").decode("ascii", "replace")[:40]).name
    # ASCII is the usual lie: whoever says it may mean UTF-8, which is a superset.
    return "utf-8" if name in _NO_CHARSETS or name == "ascii" else name


def decode_field(value: bytes) -> str:
    """A field's value with its encoded words (RFC 2047) undone."""
    value = headers.unfold(value)
    if b"=?" not in value:
        return value.decode("utf-8", "replace")
    shown, position = [], 0
    value = _BETWEEN.sub(b"", value)
    for match in _WORD.finditer(value):
        shown.append(value[position : match.start()].decode("utf-8", "replace"))
        shown.append(decode(_word(match[2], match[3]), match[1]))
        position = match.end()
    shown.append(value[position:].decode("utf-8", "replace"))
    return "".join(shown)


def _word(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"bB":
        return _base64(text)
    return quopri.decodestring(text.replace(b"_", b" "), header=False)


def _base64(text: bytes) -> bytes:
    """As much as can be decoded, whatever stands between the letters (RFC 2045 §6.8)."""
    text = _NOT_BASE64.sub(b"", text)
    text = text[: len(text) - 1] if len(text) % 4 == 1 else text
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def header_texts(header: bytes) -> Iterator[tuple[str, str]]:
    """Each field's name in lower case, and its text."""
    for name, value in headers.fields(header):
        yield name.decode("ascii", "replace"), decode_field(value)


def body_texts(part: Part, body: Octets) -> Iterator[str]:
    """The text of every text part, and the headers of messages within the message."""
    inner = part.message
    if inner is not None and inner.header is not None:
        for name, text in header_texts(body[inner.header.start : inner.header.end]):
            yield f"{name}: {text}"
    if part.children:
        for child in part.children:
            yield from body_texts(child, body)
    elif part.type.type == b"text" or part.type.type == b"multipart":
        octets = body[part.body.start : min(part.body.end, part.body.start + PART_OCTETS)]
        yield decode(_undone(octets, part.field(b"content-transfer-encoding")), part.type.parameter(b"charset"))


def _undone(octets: bytes, encoding: bytes | None) -> bytes:
    match (encoding or b"").strip().lower():
        case b"base64":
            return _base64(octets)
        case b"quoted-printable":
            return quopri.decodestring(octets)
        case _:
            return octets
