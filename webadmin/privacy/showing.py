"""Keys as people pass them on: text, the name of a file, a fingerprint that can be read out."""

import base64
import binascii

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_csr
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail.openpgp import keys as openpgp
from mailservices.mail.smime import certificates
from mailservices.mail.vocabulary import KeyKind
from webadmin.privacy.models import Key, Request

#: What a browser is told of each kind.
MEDIA_TYPES = {KeyKind.OPENPGP: "application/pgp-keys", KeyKind.SMIME: "application/x-pem-file"}
_ENDINGS = {KeyKind.OPENPGP: "asc", KeyKind.SMIME: "pem"}


def text(key: Key) -> str:
    """The public half: armoured, or PEM with what leads to the root."""
    if key.kind == KeyKind.OPENPGP:
        return openpgp.armoured(bytes(key.public))
    found = certificates.load_all(bytes(key.public) + bytes(key.chain))
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)


def media_type(key: Key) -> str:
    return MEDIA_TYPES[KeyKind(key.kind)]


def file_name(key: Key) -> str:
    return f"{key.address}.{_ENDINGS[KeyKind(key.kind)]}"


def request_text(row: Request) -> str:
    """What an issuer is sent, in PEM."""
    return load_der_x509_csr(bytes(row.csr)).public_bytes(Encoding.PEM).decode()


def fingerprint(key: Key) -> str:
    """In groups of four, for people who compare it."""
    digits = key.fingerprint.upper()
    return " ".join(digits[n : n + 4] for n in range(0, len(digits), 4))


def octets(told: str, field: str = "key") -> bytes:
    """What was brought as text: armoured, PEM, or the Base64 of anything else.

    Raises:
        ValidationError
    """
    if "-----BEGIN " in told:
        return told.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(told.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        words = gettext("It is neither armoured nor PEM, nor the Base64 of a key.")
        raise ValidationError({field: words}) from error
