"""Secrets that lie in the database, sealed: private keys, readable passwords, tokens of other services.

AES-256-GCM (NIST SP 800-38D) under a key that is derived from the appliance's secret key: a stolen dump of the
database opens nothing. The context, such as b"dkim 17", binds a secret to its place: one row's secret opens in no
other row.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The form of what is sealed; another one would get another number.
_FORM: Final = b"\x01"
_NONCE_OCTETS: Final = 12


class NotSealedHere(Exception):
    """This was sealed under another key, for another place, or is damaged."""


def derive(secret_key: str, purpose: bytes) -> bytes:
    """A key of 32 octets for one purpose, such as b"sealing" (RFC 5869)."""
    return HKDF(SHA256(), 32, None, b"facteur " + purpose).derive(secret_key.encode())


def seal(key: bytes, secret: bytes, context: bytes) -> bytes:
    """The secret as it may be stored: 29 octets longer."""
    nonce = secrets.token_bytes(_NONCE_OCTETS)
    return _FORM + nonce + AESGCM(key).encrypt(nonce, secret, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The secret again.

    Raises:
        NotSealedHere
    """
    if sealed[:1] != _FORM:
        raise NotSealedHere
    nonce, octets = sealed[1 : 1 + _NONCE_OCTETS], sealed[1 + _NONCE_OCTETS :]
    try:
        return AESGCM(key).decrypt(nonce, octets, context)
    except (InvalidTag, ValueError) as error:
        raise NotSealedHere from error


def issuer_context(issuer: str) -> bytes:
    """Where the secret belongs by which an issuer of tokens is asked."""
    return b"issuer " + issuer.encode()


def route_context(host: str, username: str) -> bytes:
    """Where the secret belongs by which we sign in at a host that sends mail on for us."""
    return f"route {username} at {host}".encode()


def webhook_context(url: str) -> bytes:
    """Where the secret belongs that signs what a hook is told."""
    return f"webhook {url}".encode()


def privacy_context(kind: str, fingerprint: str) -> bytes:
    """Where a private key for OpenPGP or S/MIME belongs."""
    return f"privacy {kind} {fingerprint}".encode()
