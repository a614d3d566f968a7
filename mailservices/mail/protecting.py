"""What leaves, signed or encrypted by its author's appliance: OpenPGP or S/MIME around a whole message.

What is signed is made of seven bits first (RFC 8551 §3.1.3, RFC 3156 §3). Signed and encrypted, the signature is
inside: nobody outside is told who signed (RFC 8551 §3.7); OpenPGP has both in one layer (RFC 3156 §6.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from mailservices.mail import encrypted, mime, privacy, seven_bit
from mailservices.mail.headers import Octets
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Described, Entity, PrivacyError
from mailservices.mail.smime import certificates, enveloped
from mailservices.mail.smime import signed as smime
from mailservices.mail.vocabulary import KeyKind

#: Certificates whose descriptions are remembered.
REMEMBERED: Final = 2000

_CLEAR: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"
_BEGINS: Final = 200


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs."""

    kind: str
    public: bytes
    #: Of S/MIME, what leads to a root.
    chain: bytes
    secret: bytes = field(repr=False)


@lru_cache(REMEMBERED)
def described(kind: str, public: bytes) -> Described:
    """What a certificate says of itself. Asking takes as long as encrypting a letter, so it is remembered.

    Raises:
        PrivacyError: it is none.
    """
    return certificates.describe(public) if kind == KeyKind.SMIME else keys.describe(public)


def reads(kind: str, public: bytes, now: datetime) -> bool:
    """Whether mail can be encrypted to it now."""
    try:
        return not described(kind, public).broken(now)
    except PrivacyError:
        return False


def is_encrypted(header: bytes, body: Octets) -> bool:
    return encrypted.is_encrypted(header, body)


def is_signed(header: bytes, body: Octets) -> bool:
    """Whether the author's own program has signed it as a whole."""
    message = mime.scan(header, body)
    signed = message.type.type == b"multipart" and message.type.subtype == b"signed"
    return signed or smime.is_signed(message) or _CLEAR in body[:_BEGINS]


def sign(header: bytes, body: Octets, key: SigningKey) -> tuple[bytes, bytes]:
    """Header and body of the message with a signature that whoever reads it can do without.

    Raises:
        PrivacyError: the key cannot sign.
    """
    header, body = _seven_bit(header, body)
    entity = _signature(privacy.payload(header, body), key)
    return privacy.message(privacy.outer_of_signed(header), entity)


def encrypt(
    header: bytes, body: Octets, kind: str, readers: Sequence[bytes], key: SigningKey | None, *, hide_subject: bool
) -> tuple[bytes, bytes]:
    """Header and body of the message that only the owners of these certificates can read.

    Args:
        key: by which it is signed, too.

    Raises:
        PrivacyError: one of the keys is not fit for it.
    """
    if key is not None:
        header, body = _seven_bit(header, body)
    outer = privacy.outer_of_leaving(header, hide_subject=hide_subject)
    payload = privacy.payload(header, body, outer)
    if key is not None and key.kind == kind == KeyKind.OPENPGP:
        return privacy.message(outer, openpgp.encrypt(payload, readers, key.secret))
    if key is not None:
        inner = _signature(payload, key)
        payload = inner.fields + b"\r\n" + inner.body
    seal = enveloped.encrypt if kind == KeyKind.SMIME else openpgp.encrypt
    return privacy.message(outer, seal(payload, readers))


def _signature(payload: bytes, key: SigningKey) -> Entity:
    if key.kind == KeyKind.SMIME:
        return smime.sign(payload, key.public, key.chain, key.secret)
    return openpgp.sign(payload, key.secret)


def _seven_bit(header: bytes, body: Octets) -> tuple[bytes, bytes]:
    header, *pieces = seven_bit.encoded(header, body)
    return header, b"".join(pieces)
