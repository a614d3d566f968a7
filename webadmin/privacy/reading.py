"""What people bring: a key of OpenPGP or of S/MIME, in whatever form, and why it is not taken."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp import keys as openpgp
from mailservices.mail.privacy import Described, PrivacyError
from mailservices.mail.smime import bringing, certificates
from mailservices.mail.vocabulary import KeyKind

#: Octets of what is brought.
OCTETS = 512 * 1024
#: What cannot be read.
WRONG = (PrivacyError, ProtocolError)


@dataclass(frozen=True, slots=True)
class Read:
    """One certificate, what it says of itself, and its secret key where that was with it."""

    kind: KeyKind
    described: Described
    public: bytes
    chain: bytes = b""
    secret: bytes | None = None


def read(octets: bytes, password: str, now: datetime) -> Read:
    """A key that can be used.

    Raises:
        ValidationError: it cannot; the sentence says why.
    """
    if not octets.strip():
        raise ValidationError({"key": gettext("Bring a key or a certificate.")})
    if len(octets) > OCTETS:
        raise ValidationError(
            {"key": gettext("It has more than {count} octets: no key is that long.").format(count=OCTETS)}
        )
    try:
        found = _openpgp(octets) if is_openpgp(octets) else _smime(octets, password)
    except WRONG as error:
        raise ValidationError({"key": _sentence(str(error))}) from error
    must_be_of_use(found, now)
    return found


def is_openpgp(octets: bytes) -> bool:
    """RFC 9580 §4.2: the first bit of a packet is set, which begins neither a text nor DER."""
    start = octets.lstrip()
    return start.startswith(b"-----BEGIN PGP ") or start[0] >= 0x80


def of_openpgp(public: bytes, secret: bytes | None) -> Read:
    """Raises PrivacyError."""
    return Read(KeyKind.OPENPGP, openpgp.describe(public), public, b"", secret)


def of_smime(certificate: bytes, chain: bytes, key: bytes | None) -> Read:
    """Raises ProtocolError."""
    return Read(KeyKind.SMIME, certificates.describe(certificate), certificate, chain, key)


def _openpgp(octets: bytes) -> Read:
    pair = openpgp.read(octets)
    return of_openpgp(pair.public, pair.secret)


def _smime(octets: bytes, password: str) -> Read:
    brought = bringing.read(octets, password)
    return of_smime(brought.certificate, brought.chain, brought.key)


def must_be_of_use(found: Read, now: datetime) -> None:
    """Raises ValidationError: it is weak, has ended, was revoked, or is for nobody."""
    described = found.described
    if found.kind is KeyKind.OPENPGP and not described.refusal and not described.encrypts:
        words = gettext("nothing can be encrypted to it: it has no key for that which is still good")
    elif described.encrypts or described.refusal:
        words = described.broken(now)
    else:
        # Many certificates are for signatures alone.
        words = replace(described, encrypts=True).broken(now)
    if not words and not described.addresses:
        words = gettext("it is for no mail address: there is none in it")
    if not words and not (described.encrypts or described.signs):
        words = gettext("it is for neither signing nor encrypting mail")
    if words:
        raise ValidationError({"key": _sentence(words)})


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."
