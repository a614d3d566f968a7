"""Sign a payload (multipart/signed, RFC 8551 §3.5.3), and find what of a message is signed."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from mailservices.mail import mime
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.privacy import Entity, PrivacyError
from mailservices.mail.smime import bringing, certificates, entities

_OPTIONS: Final = (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary)
_SIGNATURES: Final = frozenset({b"application/pkcs7-signature", b"application/x-pkcs7-signature"})


@dataclass(frozen=True, slots=True)
class Signed:
    """What is signed, and by what: CMS in DER."""

    signature: bytes
    #: None: it lies within the signature (opaque).
    content: bytes | None


def sign(payload: bytes, certificate: bytes, chain: bytes, key: bytes) -> Entity:
    """The payload, readable by everybody, and its signature.

    Args:
        payload: with CRLF, in seven bits (mail/sevenbit.py).
        chain: what leads to a root, so that whoever checks has it.

    Raises:
        PrivacyError: the key, or the certificate, is not what it should be.
    """
    signer, secret = certificates.load(certificate), bringing.load_key(key)
    if secret.public_key() != signer.public_key():
        raise PrivacyError("The key is not the one of the certificate.")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(payload).add_signer(signer, secret, SHA256())
    for one in certificates.load_all(chain):
        builder = builder.add_certificate(one)
    return _multipart(payload, builder.sign(Encoding.DER, _OPTIONS))


def _multipart(payload: bytes, signature: bytes) -> Entity:
    boundary = b"signed-" + secrets.token_hex(16).encode()
    fields = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b' micalg=sha-256; boundary="' + boundary + b'"\r\n'
    )
    body = [
        b"This is a message that is signed (S/MIME).\r\n\r\n--" + boundary + b"\r\n",
        payload,
        b"\r\n--" + boundary + b'\r\nContent-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n',
        entities.base64(signature),
        b"\r\n--" + boundary + b"--\r\n",
    ]
    return Entity(fields, b"".join(body))


def is_signed(message: Part) -> bool:
    """Whether the whole of it says so: parts of it that are signed say nothing of the rest."""
    return _is_detached(message) or (entities.is_pkcs7(message) and not entities.is_encrypted(message))


def find(header: bytes, body: Octets) -> Signed | None:
    """The signature of a message; None where the whole of it is not signed."""
    message = mime.scan(header, body)
    if _is_detached(message):
        return _detached(message.children, body)
    if is_signed(message):
        return Signed(entities.octets(message, body), None)
    return None


def _is_detached(message: Part) -> bool:
    """RFC 8551 §3.5.3.2."""
    if message.type.type != b"multipart" or message.type.subtype != b"signed" or len(message.children) != 2:
        return False
    kind = message.children[1].type
    return kind.type + b"/" + kind.subtype in _SIGNATURES


def _detached(parts: Sequence[Part], body: Octets) -> Signed:
    """RFC 1847 §2.1: the first part with its header, without the line end before the delimiter."""
    signed, signature = parts
    start = signed.header.start if signed.header else signed.body.start
    return Signed(entities.octets(signature, body), bytes(body[start : signed.body.end]))
