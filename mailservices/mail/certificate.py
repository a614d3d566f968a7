"""Certificates that the appliance presents: checked as they are brought, their keys sealed and opened."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256
from cryptography.x509.oid import NameOID

from mailservices.mail import address, sealing
from mailservices.mail.errors import ProtocolError

#: Octets of a chain and of a key, certificates of a chain, names of a certificate.
CHAIN_OCTETS: Final = 64 * 1024
KEY_OCTETS: Final = 16 * 1024
CHAIN_CERTIFICATES: Final = 10
NAMES: Final = 100
#: Bits that an RSA key has at least.
RSA_BITS: Final = 2048
#: Elliptic curves that clients know.
CURVES: Final = (ec.SECP256R1, ec.SECP384R1)

#: What comes of octets that are no certificate, or a strange one.
_UNREADABLE: Final = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class BadKey(ProtocolError):
    """It is the key that cannot be used, or that belongs to another certificate."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that may be presented."""

    #: Of hosts, in lower case as A-labels; `*.example.org` is any host right below.
    names: tuple[str, ...]
    #: SHA-256 of the certificate, in hexadecimal.
    fingerprint: str
    issuer: str
    since: datetime
    until: datetime
    #: PEM: the certificate, then who vouches for it.
    chain: str
    #: PEM (PKCS #8), without a password.
    key: bytes = field(repr=False)


def asked_for(host: str) -> Iterator[str]:
    """The names that fit a host: its own, and the wildcard in place of its first label (RFC 9525 §6.3)."""
    host = host.lower().rstrip(".")
    yield host
    if "." in host:
        yield f"*.{host.partition('.')[2]}"


def read(chain: str, key: str) -> Certificate:
    """What an administrator brings, in PEM.

    Raises:
        BadKey, ProtocolError: it cannot be presented; the sentence says why.
    """
    if len(chain) > CHAIN_OCTETS:
        raise ProtocolError("That is longer than any chain.")
    if len(key) > KEY_OCTETS:
        raise BadKey("That is longer than any key.")
    certificates = _certificates(chain)
    private = _private(key)
    first = certificates[0]
    if private.public_key() != first.public_key():
        raise BadKey("The key is not the one of the first certificate of the chain.")
    for one, voucher in pairwise(certificates):
        # Clients are to get each certificate followed by the one that vouches for it (RFC 8446 §4.4.2).
        if one.issuer != voucher.subject:
            raise ProtocolError(
                "The chain is out of order: each certificate is followed by the one of its issuer."
            )
    if isinstance(first.signature_hash_algorithm, MD5 | SHA1):
        raise ProtocolError("The certificate is signed by a hash that no client trusts any more.")
    return Certificate(
        _names(first),
        first.fingerprint(SHA256()).hex(),
        _issuer(first),
        first.not_valid_before_utc,
        first.not_valid_after_utc,
        "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates),
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _certificates(chain: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(chain.encode())
        for one in found:  # what is read only when asked for
            one.public_key(), one.subject, one.issuer, one.extensions
    except _UNREADABLE as error:
        raise ProtocolError("The chain is no PEM text of certificates.") from error
    if len(found) > CHAIN_CERTIFICATES:
        raise ProtocolError(f"A chain has at most {CHAIN_CERTIFICATES} certificates.")
    return found


def _private(key: str) -> _PrivateKey:
    try:
        found = serialization.load_pem_private_key(key.encode(), None)
    except TypeError as error:
        raise BadKey("The key has a password: take it off first (openssl pkey -in … -out …).") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey("The key is no PEM text of a private key.") from error
    if isinstance(found, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        raise BadKey("Few clients know such keys: take RSA, or the curve P-256 or P-384.")
    if isinstance(found, ec.EllipticCurvePrivateKey) and isinstance(found.curve, CURVES):
        return found
    if isinstance(found, rsa.RSAPrivateKey) and found.key_size >= RSA_BITS:
        return found
    raise BadKey(f"The key is too weak: RSA with {RSA_BITS} bits or more, or the curve P-256 or P-384.")


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Only the alternative names count (RFC 9525 §6.1)."""
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        held = x509.SubjectAlternativeName([])
    found: dict[str, None] = {}
    for name in held.get_values_for_type(x509.DNSName)[:NAMES]:
        wildcard = "*." if name.startswith("*.") else ""
        found[wildcard + address.normal_domain(name.removeprefix(wildcard))] = None
    if not found:
        raise ProtocolError("The certificate is for no host: it has no DNS name among its alternative names.")
    return tuple(found)


def _issuer(certificate: x509.Certificate) -> str:
    """Who vouches for it, in words for people."""
    if certificate.issuer == certificate.subject:
        return "itself"
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if names := certificate.issuer.get_attributes_for_oid(kind):
            return str(names[0].value)[:200]
    return "unnamed"


def seal(key: bytes, sealing_key: bytes, fingerprint: str) -> bytes:
    """The private key as it may be stored, bound to its certificate."""
    return sealing.seal(sealing_key, key, context(fingerprint))


def unseal(sealed: bytes, sealing_key: bytes, fingerprint: str) -> bytes:
    """The private key again.

    Raises:
        NotSealedHere
    """
    return sealing.unseal(sealing_key, sealed, context(fingerprint))


def context(fingerprint: str) -> bytes:
    """Where a private key belongs."""
    return f"certificate {fingerprint}".encode()
