"""The MIME around S/MIME (RFC 8551 §3): application/pkcs7-mime in base64; what of a message is one."""

import binascii
from typing import Final

from mailservices.mail import transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.privacy import Entity

#: RFC 2045 §6.8.
_LINE: Final = 76
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
    """In lines. Encoding all at once, then cutting, takes two thirds of the time."""
    text = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join([text[start : start + _LINE] for start in range(0, len(text), _LINE)]) + b"\r\n"


def is_encrypted(part: Part) -> bool:
    """As its type says; RFC 8551 §3.2.2 wants that said."""
    said = (part.type.parameter(b"smime-type") or b"").lower()
    return is_pkcs7(part) and said in _ENVELOPED


def is_pkcs7(part: Part) -> bool:
    return part.type.type == b"application" and part.type.subtype in _TYPES


def octets(part: Part, body: Octets) -> bytes:
    """What lies in the part, decoded."""
    raw = bytes(body[part.body.start : part.body.end])
    return b"".join(transfer.undone([raw], part.field(b"content-transfer-encoding")))
