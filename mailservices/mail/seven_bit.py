"""A message of seven bits and short lines, as what is signed has to be (RFC 3156 §3, RFC 8551 §3.1.1).

Whoever carries a message may encode it anew on the way, and its signature would not hold any more. Text becomes
quoted-printable, everything else base64, as message/global may be (RFC 6532 §3.7); parts that need neither stay as
they are.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from mailservices.mail import binary, mime
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: RFC 5322 §2.1.1: octets of a line without its end.
LINE_OCTETS: Final = 998

#: Space at a line's end, and what begins as mbox's lines do: a program on the way may change them.
_SPACES: Final = (b" \r\n", b"\t\r\n", b" \n", b"\t\n")
_ENDS: Final = (b" ", b"\t", b" \r", b"\t\r")
_MBOX: Final = b"From "
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_ENCODED: Final = (b"base64", b"quoted-printable")


def encoded(header: bytes, body: Octets) -> Iterator[bytes]:
    """The whole message in pieces, header first."""
    yield from _part(mime.scan(header, body), header, body)


def _part(part: Part, header: bytes, body: Octets) -> Iterator[bytes]:
    encoding = part.encoding
    if part.type.type == b"multipart" and part.type.subtype == b"signed":
        # What somebody else has signed stays as it was signed.
        yield header
        yield bytes(body[part.body.start : part.body.end])
        return
    octets = bytes(body[part.body.start : part.body.end])
    if part.children and not (part.type.subtype == b"global" and not octets.isascii()):
        inside = list(_composite(part, body))
        # What a header has of eight bits can only stay (RFC 6532 §3.2).
        what = b"7bit" if all(one.isascii() for one in inside) else b"8bit"
        yield binary.marked(header, what) if encoding in (b"8bit", b"binary") else header
        yield from inside
        return
    if encoding in _ENCODED or not (encoding == b"binary" or _may_be_changed(octets)):
        yield binary.marked(header, b"7bit") if encoding in (b"8bit", b"binary") else header
        yield octets
    elif part.type.type == b"text":
        yield binary.marked(header, b"quoted-printable")
        yield from _quoted(octets)
    else:
        yield binary.marked(header, b"base64")
        yield from binary.base64(body, part.body.start, part.body.end)


def _may_be_changed(octets: bytes) -> bool:
    """By a program on the way. An expression would look at large texts for half a second."""
    if not octets.isascii() or b"\0" in octets or octets.startswith(_MBOX) or b"\n" + _MBOX in octets:
        return True
    return octets.endswith(_ENDS) or any(one in octets for one in _SPACES) or _has_long_lines(octets)


def _has_long_lines(octets: bytes) -> bool:
    """From the last line end that is near enough to the next one that is."""
    start = 0
    while len(octets) - start > LINE_OCTETS + 1:
        end = octets.rfind(b"\n", start, start + LINE_OCTETS + 2)
        if end < 0:
            return True
        start = end + 1
    return False


def _composite(part: Part, body: Octets) -> Iterator[bytes]:
    """The parts, and unchanged what lies between them."""
    at = part.body.start
    for child in part.children:
        start = child.header.start if child.header else child.body.start
        yield bytes(body[at:start])
        yield from _part(child, bytes(body[start : child.body.start]), body)
        at = child.body.end
    yield bytes(body[at : part.body.end])


def _quoted(octets: bytes) -> Iterator[bytes]:
    """Line by line: the library knows no long lines that are to stay one, and no mbox."""
    for line in _LINE.findall(octets):
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        coded = binascii.b2a_qp(text, istext=False).replace(b"=\n", b"=\r\n")
        yield b"=46" + coded[1:] if coded.startswith(_MBOX) else coded
        if line.endswith(b"\n"):
            yield b"\r\n"
