"""The MIME around S/MIME (RFC 8551 §3): application/pkcs7-mime in base64; what of a message is one."""

import binascii
from typing import Final

from mailservices.mail import transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.privacy import Entity

#: RFC 2045 §6.8.
_LINE: Final = 76
#: Octets that are encoded at once: of a large text, lines are not all in memory at once.
_PIECE: Final = _LINE // 4 * 3 * 4096
_ENVELOPED: Final = frozenset({b"enveloped-data", b"authenveloped-data"})
_TYPES: Final = frozenset({b"pkcs7-mime", b"x-pkcs7-mime"})


def pkcs7(der: bytes, kind: bytes) -> Entity:
    """What lies in one part: `kind` is such as enveloped-data (RFC 8551 §3.2.2)."""
    fields = (
        b"Content-Type: application/pkcs7-mime; smime-type=" + kind + b';\r\n name="smime.p7m"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7m"\r\n'
    )
    return Entity(fields, base64(der))


def base64(octets: bytes) -> bytes:
    """In lines. Encoding a piece, then cutting it, takes two thirds of the time that line by line takes."""
    pieces = (octets[start : start + _PIECE] for start in range(0, len(octets), _PIECE))
    return b"".join([_in_lines(binascii.b2a_base64(piece, newline=False)) for piece in pieces])


def _in_lines(text: bytes) -> bytes:
    return b"".join([text[start : start + _LINE] + b"\r\n" for start in range(0, len(text), _LINE)])


def is_encrypted(part: Part) -> bool:
    """As its type says; RFC 8551 §3.2.2 wants that said."""
    said = (part.type.parameter(b"smime-type") or b"").lower()
    return is_pkcs7(part) and said in _ENVELOPED


def is_pkcs7(part: Part) -> bool:
    return part.type.type == b"application" and part.type.subtype in _TYPES


def octets(part: Part, body: Octets) -> bytes:
    """What lies in the part, decoded."""
    raw = bytes(body[part.body.start : part.body.end])
    return b"".join(transfer.undone([raw], part.encoding))
