"""Whether a message is encrypted already, by OpenPGP or S/MIME: then it is left alone.

A message that only says so, and is readable, is none: what is looked for is what such a message must hold.
"""

from typing import Final

from mailservices.mail import mime
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.openpgp import mime as openpgp

#: Octets at the beginning of a body that are looked at, with their base64 undone.
LOOKED_AT: Final = 400
#: RFC 5652 §6.1, RFC 5083 §2: the object identifiers of EnvelopedData and AuthEnvelopedData.
_ENVELOPED: Final = (
    bytes.fromhex("06092a864886f70d010703"),
    bytes.fromhex("060b2a864886f70d0109100117"),
)


def is_encrypted(header: bytes, body: Octets) -> bool:
    """Whether nobody can read it who lacks a key."""
    message = mime.scan(header, body)
    return openpgp.is_encrypted(message, body) or _is_enveloped(message, body)


def _is_enveloped(message: Part, body: Octets) -> bool:
    """RFC 8551 §3.3, §3.4: the type, and a ContentInfo that begins as one of those."""
    if message.type.type != b"application" or message.type.subtype not in (b"pkcs7-mime", b"x-pkcs7-mime"):
        return False
    start = openpgp.octets(message, body, LOOKED_AT)[:32]
    return start[:1] == b"\x30" and any(one in start for one in _ENVELOPED)
