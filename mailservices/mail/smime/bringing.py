"""What people bring for S/MIME: certificates and keys in PEM, DER, PKCS #7 or #12; what they ask an issuer for."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from asn1crypto import core
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailservices.mail import address
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import certificates

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

#: Octets of what is brought, and rounds that a password may cost.
OCTETS: Final = 256 * 1024
ROUNDS: Final = 2_000_000
#: What may be asked for: as it is called -> how it is made.
ALGORITHMS: Final[Mapping[str, Callable[[], PrivateKey]]] = {
    "RSA 3072": lambda: rsa.generate_private_key(65537, 3072),
    "EC P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
}

_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Brought:
    """A certificate in DER, those behind it one after the other, and its key in PKCS #8 if there is one."""

    certificate: bytes
    chain: bytes = b""
    key: bytes | None = field(default=None, repr=False)


def read(octets: bytes, password: str = "") -> Brought:
    """PEM (certificates and perhaps a key, in any order), or DER: a certificate, PKCS #7, PKCS #12.

    Raises:
        PrivacyError: it cannot be read; the sentence says why.
    """
    if len(octets) > OCTETS:
        raise PrivacyError("That is longer than any certificate with its chain.")
    secret = password.encode() or None
    found, key = (_pem if b"-----BEGIN " in octets else _der)(octets, secret)
    if not found:
        raise PrivacyError("There is no certificate in it.")
    own = _leaf(found) if key is None else _of_key(found, key)
    return Brought(
        certificates.der(own),
        b"".join(certificates.der(one) for one in _chain(own, found)),
        _pkcs8(key) if key is not None else None,
    )


def pair(certificate: bytes, key: bytes) -> None:
    """Raises PrivacyError unless the key (PKCS #8 in DER) is the one of the certificate."""
    if load_key(key).public_key() != certificates.load(certificate).public_key():
        raise PrivacyError("The key is not the one of the certificate.")


def load_key(der: bytes) -> PrivateKey:
    """A private key in PKCS #8, without a password.

    Raises:
        PrivacyError
    """
    return _private(_checked_before, der, None)


def _checked_before(der: bytes, password: bytes | None) -> Any:
    """To ask whether the primes of RSA are some takes longer than fifty signatures: that was done before."""
    return serialization.load_der_private_key(der, password, unsafe_skip_rsa_key_validation=True)


def ask(for_address: str, algorithm: str) -> tuple[bytes, bytes]:
    """A new key in PKCS #8, and what is sent to an issuer for it: a request of PKCS #10 (RFC 2986) in DER."""
    made = ALGORITHMS[algorithm]()
    parsed = address.parse(for_address)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, for_address[:64])])
    alternative: x509.GeneralName
    if parsed.needs_smtputf8:
        alternative = x509.OtherName(certificates.SMTP_UTF8, core.UTF8String(str(parsed)).dump())
    else:
        alternative = x509.RFC822Name(str(parsed))
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(made, SHA256())
    )
    return _pkcs8(made), request.public_bytes(Encoding.DER)


def _pem(octets: bytes, password: bytes | None) -> tuple[list[x509.Certificate], PrivateKey | None]:
    found: list[x509.Certificate] = []
    key = None
    for match in _PEM.finditer(octets):
        if match[1].endswith(b"PRIVATE KEY"):
            key = _private(serialization.load_pem_private_key, match[0], password)
        elif match[1] == b"CERTIFICATE":
            found += certificates.load_pem(match[0])
        elif match[1] == b"PKCS7":
            found += _certificates(pkcs7.load_pem_pkcs7_certificates, match[0])
    return found, key


def _der(octets: bytes, password: bytes | None) -> tuple[list[x509.Certificate], PrivateKey | None]:
    if not _is_pkcs12(octets):
        with suppress(PrivacyError):
            return [certificates.load(octets)], None
        return _certificates(pkcs7.load_der_pkcs7_certificates, octets), None
    try:
        key, own, others = pkcs12.load_key_and_certificates(octets, password)
    except certificates.UNREADABLE as error:
        raise PrivacyError("The password is not the one of the file, or the file is damaged.") from error
    found = [certificates.load(certificates.der(one)) for one in (own, *others) if one is not None]
    return found, _usable(key) if key is not None else None


def _is_pkcs12(octets: bytes) -> bool:
    """Its password may cost as many rounds as whoever wrote the file wished (RFC 7292 §4)."""
    try:
        rounds = max(_rounds(asn1_pkcs12.Pfx.load(octets)))
    except (*certificates.UNREADABLE, KeyError):
        return False
    if rounds > ROUNDS:
        raise PrivacyError(f"Its password costs {rounds} rounds, and {ROUNDS} are the most that are done.")
    return True


def _rounds(file: asn1_pkcs12.Pfx) -> Iterator[int]:
    """Of everything in it that is locked."""
    yield file["mac_data"]["iterations"].native if file["mac_data"].native is not None else 0
    for content in file.authenticated_safe:
        if content["content_type"].native == "encrypted_data":
            yield content["content"]["encrypted_content_info"]["content_encryption_algorithm"].kdf_iterations
            continue
        for bag in asn1_pkcs12.SafeContents.load(content["content"].native):
            if bag["bag_id"].native == "pkcs8_shrouded_key_bag":
                yield bag["bag_value"]["encryption_algorithm"].kdf_iterations


def _certificates(load: Callable[[bytes], list[x509.Certificate]], octets: bytes) -> list[x509.Certificate]:
    try:
        return [certificates.load(certificates.der(one)) for one in load(octets)]
    except certificates.UNREADABLE as error:
        raise PrivacyError("That is no certificate that can be read.") from error


def _private(load: Callable[[bytes, bytes | None], Any], octets: bytes, password: bytes | None) -> PrivateKey:
    try:
        return _usable(load(octets, password))
    except TypeError as error:
        words = "The key has no password." if password else "The key has a password: say it, too."
        raise PrivacyError(words) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PrivacyError("The key cannot be read, or the password is not its own.") from error


def _usable(key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise PrivacyError("Few mail programs know such keys: take RSA, or the curve P-256 or P-384.")


def _of_key(found: list[x509.Certificate], key: PrivateKey) -> x509.Certificate:
    public = key.public_key()
    for one in found:
        if one.public_key() == public:
            return one
    raise PrivacyError("The key belongs to none of the certificates.")


def _leaf(found: list[x509.Certificate]) -> x509.Certificate:
    """The one that issued none of the others; of several, the first."""
    issuers = {one.issuer for one in found if one.issuer != one.subject}
    return next((one for one in found if one.subject not in issuers), found[0])


def _chain(own: x509.Certificate, found: list[x509.Certificate]) -> list[x509.Certificate]:
    """Each behind the one that it issued, without the root: whoever checks has that, or does not trust it."""
    chain: list[x509.Certificate] = []
    one = own
    while above := next((other for other in found if other.subject == one.issuer), None):
        if above in chain or above.issuer == above.subject:
            break
        chain.append(above)
        one = above
    return chain[: certificates.CHAIN_CERTIFICATES]


def _pkcs8(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
