"""What an S/MIME certificate says of itself (RFC 8550), and whether it is too weak to be used.

- addresses stand among the alternative names, as rfc822Name or SmtpUTF8Mailbox (RFC 9598), or in the subject (§3)
- where an extended key usage is there, it has to hold mail (§4.4.4); a key usage limits what the key does (§4.4.2)
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeVar

from asn1crypto import core, parser
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from mailservices.mail.privacy import Described, PrivacyError

#: Octets of one certificate, certificates of a chain, and addresses that one may be for.
CERTIFICATE_OCTETS: Final = 64 * 1024
CHAIN_CERTIFICATES: Final = 20
ADDRESSES: Final = 100
#: Bits that an RSA key has at least (RFC 8550 §4.2), and at most: larger ones take seconds.
RSA_BITS: Final = 2048
RSA_MOST_BITS: Final = 8192
#: Elliptic curves that mail programs know (RFC 8551 §2.2).
CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
NAME_CHARACTERS: Final = 500

#: RFC 9598 §3: id-on-SmtpUTF8Mailbox.
SMTP_UTF8: Final = ObjectIdentifier("1.3.6.1.5.5.7.8.9")
#: RFC 4262: SMIMECapabilities in a certificate; RFC 8551 §2.7.1: what is told there.
_CAPABILITIES: Final = ObjectIdentifier("1.2.840.113549.1.9.15")
_AES256_GCM: Final = bytes.fromhex("060960864801650304012e")
_MAIL: Final = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_T = TypeVar("_T", bound=x509.ExtensionType)
#: What the libraries raise of octets that are no certificate, or a strange one.
UNREADABLE: Final = (
    ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
    # Where warnings are errors.
    UserWarning,
)  # fmt: skip


def load(der: bytes) -> x509.Certificate:
    """A certificate of which all that is asked for later can be read.

    Raises:
        PrivacyError
    """
    if len(der) > CERTIFICATE_OCTETS:
        raise PrivacyError("That is longer than any certificate.")
    try:
        read = x509.load_der_x509_certificate(der)
        # What is read only when it is asked for.
        read.public_key(), read.subject, read.issuer, read.extensions, read.signature_hash_algorithm
        _ = read.not_valid_before_utc, read.not_valid_after_utc
    except UNREADABLE as error:
        raise PrivacyError("That is no certificate that can be read.") from error
    return read


def load_pem(text: bytes) -> list[x509.Certificate]:
    """Certificates in PEM.

    Raises:
        PrivacyError: one of them is none.
    """
    try:
        return [load(der(one)) for one in x509.load_pem_x509_certificates(text)]
    except UNREADABLE as error:
        raise PrivacyError("That is no certificate that can be read.") from error


def load_all(chain: bytes) -> list[x509.Certificate]:
    """DER certificates, one behind the other.

    Raises:
        PrivacyError
    """
    found: list[x509.Certificate] = []
    while chain:
        if len(found) == CHAIN_CERTIFICATES:
            raise PrivacyError(f"A chain has at most {CHAIN_CERTIFICATES} certificates.")
        try:
            length = parser.peek(chain)
        except ValueError as error:
            raise PrivacyError("That is no chain that can be read.") from error
        found.append(load(chain[:length]))
        chain = chain[length:]
    return found


def describe(public: bytes) -> Described:
    """A certificate in DER.

    Raises:
        PrivacyError: it is none.
    """
    read = load(public)
    usage = _extension(read, x509.KeyUsage)
    key = read.public_key()
    return Described(
        fingerprint=fingerprint(read),
        algorithm=algorithm(read),
        addresses=tuple(dict.fromkeys(addresses(read))),
        subject=_name(read.subject),
        issuer="itself" if read.issuer == read.subject else _name(read.issuer),
        not_before=read.not_valid_before_utc,
        expires_at=read.not_valid_after_utc,
        revoked=False,
        signs=is_for_mail(read) and may_sign(read),
        encrypts=is_for_mail(read) and _encrypts(key, usage),
        refusal=refusal(read),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


def algorithm(certificate: x509.Certificate) -> str:
    """Such as RSA 3072 or EC P-256."""
    match certificate.public_key():
        case rsa.RSAPublicKey() as key:
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey() as key:
            return f"EC {CURVES.get(key.curve.name, key.curve.name)}"
        case key:
            return type(key).__name__.removesuffix("PublicKey")


def refusal(certificate: x509.Certificate) -> str:
    """Why nothing is done with it, as a sentence; empty where it is strong enough and for mail."""
    match certificate.public_key():
        case rsa.RSAPublicKey() as key if key.key_size < RSA_BITS:
            return f"Its key is too weak: RSA with {key.key_size} bits, and {RSA_BITS} are the least."
        case rsa.RSAPublicKey() as key if key.key_size > RSA_MOST_BITS:
            return f"Its key has {key.key_size} bits: more than {RSA_MOST_BITS} take too long to be computed with."
        case ec.EllipticCurvePublicKey() as key if key.curve.name not in CURVES:
            return f"Few mail programs know its curve, {key.curve.name}: take P-256 or P-384."
        case rsa.RSAPublicKey() | ec.EllipticCurvePublicKey() | ed25519.Ed25519PublicKey():
            pass
        case _:
            return "Few mail programs know such keys: take RSA, or the curve P-256 or P-384."
    if isinstance(certificate.signature_hash_algorithm, MD5 | SHA1):
        name = certificate.signature_hash_algorithm.name.upper()
        return f"It is signed by {name}, which can be forged: ask its issuer for a new one."
    if not is_for_mail(certificate):
        return "It is not for mail: its extended key usage does not name emailProtection."
    return ""


def is_for_mail(certificate: x509.Certificate) -> bool:
    """RFC 8550 §4.4.4: where nothing is said, every use is meant."""
    usage = _extension(certificate, x509.ExtendedKeyUsage)
    return usage is None or not _MAIL.isdisjoint(usage)


def may_sign(certificate: x509.Certificate) -> bool:
    """RFC 8550 §4.4.2."""
    usage = _extension(certificate, x509.KeyUsage)
    return usage is None or usage.digital_signature or usage.content_commitment


def knows_gcm(certificate: x509.Certificate) -> bool:
    """Whether its owner's programs say that they read AES-256-GCM (RFC 4262, RFC 8551 §2.7.1)."""
    for extension in certificate.extensions:
        if extension.oid == _CAPABILITIES and isinstance(extension.value, x509.UnrecognizedExtension):
            return _AES256_GCM in extension.value.value
    return False


def addresses(certificate: x509.Certificate) -> Iterator[str]:
    """In normal form; what is no address is passed over."""
    named = _extension(certificate, x509.SubjectAlternativeName) or ()
    found = [name.value for name in named if isinstance(name, x509.RFC822Name)]
    found += [_utf8(name) for name in named if isinstance(name, x509.OtherName) and name.type_id == SMTP_UTF8]
    found += [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    for text in found[:ADDRESSES]:
        with suppress(ProtocolError):
            yield normal(text)


def normal(text: str) -> str:
    """An address as the directory has it.

    Raises:
        ProtocolError
    """
    parsed = address.parse(text)
    return f"{parsed.key}@{parsed.domain}"


def _utf8(name: x509.OtherName) -> str:
    try:
        return str(core.UTF8String.load(name.value).native)
    except UNREADABLE:
        return ""


def _encrypts(key: object, usage: x509.KeyUsage | None) -> bool:
    """RSA encrypts a key for the message, elliptic curves agree on one (RFC 5753 §7.2)."""
    if isinstance(key, rsa.RSAPublicKey):
        return usage is None or usage.key_encipherment
    return isinstance(key, ec.EllipticCurvePublicKey) and (usage is None or usage.key_agreement)


def _extension(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _name(name: x509.Name) -> str:
    return name.rfc4514_string()[:NAME_CHARACTERS]


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
