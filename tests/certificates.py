"""Certificates for tests: an authority that certifies mail programs, and hosts of many names."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def pem(key: PrivateKey, password: bytes | None = None) -> str:
    """A private key as files hold it."""
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


class Authority:
    """Its certificate lies in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority of a test")])
        made = self._build(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def for_hosts(self, *names: str, days: float = 90, key: PrivateKey | None = None) -> tuple[str, str]:
        """A chain and its key, in PEM."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a host")])
        made = self._build(subject, key.public_key(), days)
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            made = made.add_extension(alternative, critical=False)
        signed = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return (signed + self.path.read_bytes()).decode(), pem(key)

    def _build(
        self, subject: x509.Name, public: CertificatePublicKeyTypes, days: float = 1
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=days))
        )

    def certify(self, path: Path, *addresses: str, in_subject: str = "") -> Path:
        """Write a key and a certificate for these mail addresses into one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.EMAIL_ADDRESS, in_subject)] if in_subject else []
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody"), *names])
        made = self._build(subject, key.public_key()).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        if addresses:
            alternative = x509.SubjectAlternativeName([x509.RFC822Name(address) for address in addresses])
            made = made.add_extension(alternative, critical=False)
        signed = made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        path.write_bytes(pem(key).encode() + signed)
        return path


def make_for_names(path: Path, *names: str) -> Path:
    """Write a key and a self-signed certificate for these hosts into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(pem(key).encode() + made.public_bytes(serialization.Encoding.PEM))
    return path
