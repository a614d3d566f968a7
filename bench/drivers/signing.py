"""The key that signed messages of the SMTP driver have; always the same, so that its record is known to both."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mailservices.mail import headers
from mailservices.mail.dkim.sign import Key, Signer

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"bench").digest())


def signed(message: bytes, domain: str) -> bytes:
    """The message with one signature."""
    header, body = headers.split(message)
    signer = Signer(header, [Key("bench", KEY)], domain, 1_700_000_000)
    signer.feed(body)
    return signer.finish() + message
