"""What an administrator may bring as a certificate, and the sentence for everything else."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from mailservices.mail import certificate
from mailservices.mail.errors import ProtocolError
from mailservices.mail.sealing import NotSealedHere
from tests.certificates import Authority, pem

SEALING = bytes(32)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority.pem")


def test_a_chain_is_read(authority: Authority) -> None:
    chain, key = authority.for_hosts("mail.EXAMPLE.org", "*.example.net", "xn--bcher-kva.example", days=30)
    read = certificate.read(f"Some words before it.\r\n{chain}", key)
    assert read.names == ("mail.example.org", "*.example.net", "xn--bcher-kva.example")
    assert read.issuer == "the authority of a test"
    assert read.since < datetime.now(UTC) < read.until
    assert len(read.fingerprint) == 64
    assert (read.chain, read.key) == (chain, key.encode())
    assert "PRIVATE" not in repr(read)


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("mail.example.org", ["mail.example.org", "*.example.org"]),
        ("Mail.Example.Org.", ["mail.example.org", "*.example.org"]),
        ("org", ["org"]),
    ],
)
def test_a_wildcard_is_one_label(host: str, names: list[str]) -> None:
    assert list(certificate.asked_for(host)) == names


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())], ids=["RSA", "P-384"]
)
def test_strong_keys_are_taken(authority: Authority, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    assert certificate.read(*authority.for_hosts("a.example", key=key)).names == ("a.example",)


def test_whoever_signed_it_itself_is_called_so(tmp_path: Path) -> None:
    assert certificate.read(*alone(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]))).issuer == "itself"


def test_an_issuer_without_a_name_is_unnamed() -> None:
    nobody = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")])
    assert certificate.read(*alone(x509.Name([]), issuer=nobody)).issuer == "unnamed"


def alone(subject: x509.Name, issuer: x509.Name | None = None) -> tuple[str, str]:
    """A certificate of its own, and its key."""
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    named = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
    signed = named.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode(), pem(key)


def sha1(folder: Path) -> tuple[str, str]:
    """A certificate as they were signed once, and its key."""
    chain, key = folder / "sha1.pem", folder / "sha1.key"
    command = (
        "openssl", "req", "-x509", "-sha1", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=old", "-days", "1",
        "-addext", "subjectAltName=DNS:old.example", "-keyout", str(key), "-out", str(chain),
    )  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return chain.read_text(), key.read_text()


def test_what_cannot_be_presented_is_told(authority: Authority, tmp_path: Path) -> None:
    chain, key = authority.for_hosts("a.example")
    first, last = chain.split("-----BEGIN", 2)[1:]
    other = pem(ec.generate_private_key(ec.SECP256R1()))
    locked = pem(ec.generate_private_key(ec.SECP256R1()), b"secret")
    foreign = alone(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]))[0]
    told = {
        ("", key): "no PEM text of certificates",
        (key, key): "no PEM text of certificates",
        (chain.replace("M", "N"), key): "no PEM text of certificates",
        (chain, ""): "no PEM text of a private key",
        (chain, chain): "no PEM text of a private key",
        (chain, other): "not the one of the first certificate",
        (f"-----BEGIN{last}-----BEGIN{first}", key): "not the one of the first certificate",
        (chain, locked): "has a password",
        (f"-----BEGIN{first}{foreign}", key): "out of order",
        (f"-----BEGIN{first}" * 11, key): "at most 10",
        (chain + " " * certificate.CHAIN_OCTETS, key): "longer than any chain",
        (chain, key + " " * certificate.KEY_OCTETS): "longer than any key",
        authority.for_hosts(key=None): "for no host",
        authority.for_hosts("_.example"): "not valid",
        authority.for_hosts("a.example", key=ed25519.Ed25519PrivateKey.generate()): "Few clients",
        authority.for_hosts("a.example", key=rsa.generate_private_key(65537, 1024)): "too weak",
        authority.for_hosts("a.example", key=ec.generate_private_key(ec.SECP256K1())): "too weak",
        sha1(tmp_path): "no client trusts",
    }
    for (its_chain, its_key), words in told.items():
        with pytest.raises(ProtocolError, match=words):
            certificate.read(its_chain, its_key)


def test_a_sealed_key_opens_for_its_certificate_only() -> None:
    sealed = certificate.seal(b"key", SEALING, "ab" * 32)
    assert certificate.unseal(sealed, SEALING, "ab" * 32) == b"key"
    with pytest.raises(NotSealedHere):
        certificate.unseal(sealed, SEALING, "cd" * 32)
