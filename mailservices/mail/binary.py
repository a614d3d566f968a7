"""A message that came as BINARYMIME (RFC 3030 §3), made one of lines: its binary parts in base64 (RFC 2045 §6.8).

Neither an IMAP literal nor most other hosts take octets without lines; whoever passes them on unchanged lets the
next host find commands in them. So what is marked as binary is encoded once, when it comes in; all else stays.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from mailservices.mail import mime
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: Octets of one line, and of one piece, before they are encoded.
LINE_OCTETS: Final = 57
PIECE_OCTETS: Final = LINE_OCTETS * 1024

_ENCODING: Final = re.compile(
    rb"^content-transfer-encoding[ \t]*:(?:[^\n]*(?:\n[ \t][^\n]*)*)\n", re.IGNORECASE | re.MULTILINE
)


def encoded(header: bytes, body: Octets) -> Iterator[bytes]:
    """The whole message in pieces, header first."""
    yield from _part(mime.scan(header, body), header, body)


def _part(part: Part, header: bytes, body: Octets) -> Iterator[bytes]:
    binary = part.encoding == b"binary"
    if part.type.type in (b"multipart", b"message"):
        # RFC 2046 §5: these may not be encoded, only what lies in them.
        yield marked(header, b"8bit") if binary else header
        yield from _composite(part, body)
    elif binary:
        yield marked(header, b"base64")
        yield from base64(body, part.body.start, part.body.end)
    else:
        yield header
        yield from _pieces(body, part.body.start, part.body.end)


def _composite(part: Part, body: Octets) -> Iterator[bytes]:
    """The parts, and unchanged what lies between them."""
    at = part.body.start
    for child in part.children:
        start = child.header.start if child.header else child.body.start
        yield from _pieces(body, at, start)
        yield from _part(child, bytes(body[start : child.body.start]), body)
        at = child.body.end
    yield from _pieces(body, at, part.body.end)


def marked(header: bytes, encoding: bytes) -> bytes:
    """The header of a message or part, which says how its body is encoded; said where it said nothing."""
    field = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    changed, found = _ENCODING.subn(field, header)
    return changed if found else field + header


def base64(body: Octets, start: int, end: int) -> Iterator[bytes]:
    """These octets of a body in lines of base64 (RFC 2045 §6.8)."""
    for piece in _pieces(body, start, end):
        lines = (piece[at : at + LINE_OCTETS] for at in range(0, len(piece), LINE_OCTETS))
        yield b"".join(binascii.b2a_base64(line, newline=False) + b"\r\n" for line in lines)


def _pieces(body: Octets, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, PIECE_OCTETS):
        yield bytes(body[at : min(at + PIECE_OCTETS, end)])
