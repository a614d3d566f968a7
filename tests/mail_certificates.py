"""Certificates for private mail in tests: a root, who issues under it, and what it issues of every kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from mailservices.mail.smime.certificates import SMTP_UTF8
from tests.certificates import PrivateKey, pem

NOW = datetime.now(UTC).replace(microsecond=0)
MAIL = (ExtendedKeyUsageOID.EMAIL_PROTECTION,)


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key; `chain` is what leads to the root, without it."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain_der(self) -> bytes:
        return b"".join(one.public_bytes(Encoding.DER) for one in self.chain)

    @property
    def pkcs8(self) -> bytes:
        return self.key.private_bytes(
            Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def pem(self) -> str:
        """As OpenSSL wants it: the certificate, its chain, its key."""
        shown = [one.public_bytes(Encoding.PEM).decode() for one in (self.certificate, *self.chain)]
        return "".join(shown) + pem(self.key)


class MailAuthority:
    """A root, and the one below it that issues."""

    def __init__(self, name: str = "Mail Root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign(self._builder(named(name), self._key, ca=True), named(name), self._key)
        self.key = ec.generate_private_key(ec.SECP256R1())
        below = named(f"{name}, issuing")
        self.issuing = self._sign(self._builder(below, self.key, ca=True), named(name), self._key)

    def issue(
        self,
        *addresses: str,
        key: PrivateKey | None = None,
        utf8: Sequence[str] = (),
        in_subject: str = "",
        extended: Sequence[ObjectIdentifier] | None = MAIL,
        usage: str | None = "digital_signature key_encipherment key_agreement",
        since: datetime = NOW - timedelta(days=1),
        until: datetime = NOW + timedelta(days=90),
        algorithm: HashAlgorithm | None = None,
        extra: bytes = b"",
    ) -> Issued:
        key = key or ec.generate_private_key(ec.SECP256R1())
        made = self._builder(named("Somebody", in_subject), key, since=since, until=until)
        alternative: list[x509.GeneralName] = [x509.RFC822Name(one) for one in addresses]
        alternative += [x509.OtherName(SMTP_UTF8, core.UTF8String(one).dump()) for one in utf8]
        if alternative:
            made = made.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        if extended is not None:
            made = made.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
        if usage is not None:
            made = made.add_extension(key_usage(usage), critical=True)
        if extra:
            capabilities = x509.UnrecognizedExtension(ObjectIdentifier("1.2.840.113549.1.9.15"), extra)
            made = made.add_extension(capabilities, critical=False)
        signed = self._sign(made, self.issuing.subject, self.key, algorithm)
        return Issued(signed, key, (self.issuing,))

    def _builder(
        self,
        subject: x509.Name,
        key: PrivateKey,
        *,
        ca: bool = False,
        since: datetime = NOW - timedelta(days=400),
        until: datetime = NOW + timedelta(days=400),
    ) -> x509.CertificateBuilder:
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if ca:
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            made = made.add_extension(key_usage("key_cert_sign crl_sign"), critical=True)
        return made

    def _sign(
        self,
        made: x509.CertificateBuilder,
        issuer: x509.Name,
        by: ec.EllipticCurvePrivateKey,
        algorithm: HashAlgorithm | None = None,
    ) -> x509.Certificate:
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
        made = made.issuer_name(issuer).add_extension(above, critical=False)
        return made.sign(by, algorithm or SHA256())


def alone(*addresses: str, key: PrivateKey | None = None) -> Issued:
    """Signed by itself."""
    key = key or rsa_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(named("Alone"))
        .issuer_name(named("Alone"))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(one) for one in addresses]), critical=False)
        .sign(key, SHA256())
    )
    return Issued(made, key)


def named(name: str, address: str = "") -> x509.Name:
    mail = [x509.NameAttribute(NameOID.EMAIL_ADDRESS, address)] if address else []
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), *mail])


def key_usage(words: str) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in words.split() for name in names.split()})
