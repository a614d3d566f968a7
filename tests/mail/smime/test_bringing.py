"""What people may bring, in every form, and the sentence for everything else."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12

from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import bringing, certificates
from tests.certificates import pem
from tests.mail_certificates import Issued, MailAuthority, alone, rsa_key

AUTHORITY = MailAuthority()
ISSUED = AUTHORITY.issue("a@example.org", key=rsa_key())
OTHER = AUTHORITY.issue("b@example.org")
WHOLE = [ISSUED.certificate, AUTHORITY.issuing, AUTHORITY.root]


def as_pem(*found: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)


def as_pkcs12(issued: Issued, password: bytes, rounds: int = 2048) -> bytes:
    lock = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(rounds)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(SHA256())
        .build(password)
    )
    return pkcs12.serialize_key_and_certificates(
        b"a", issued.key, issued.certificate, [AUTHORITY.issuing, AUTHORITY.root], lock
    )


@pytest.mark.parametrize(
    ("octets", "password", "with_key"),
    [
        (ISSUED.der, "", False),
        (as_pem(*WHOLE).encode(), "", False),
        (as_pem(*reversed(WHOLE)).encode(), "", False),
        (b"Bag Attributes\n" + ISSUED.pem.encode(), "", True),
        ((pem(rsa_key(), b"secret") + as_pem(*WHOLE)).encode(), "secret", True),
        (as_pkcs12(ISSUED, b"secret"), "secret", True),
        (pkcs7.serialize_certificates(WHOLE, Encoding.DER), "", False),
        (pkcs7.serialize_certificates(WHOLE, Encoding.PEM), "", False),
    ],
    ids=["der", "pem", "pem reversed", "pem with key", "pem with locked key", "pkcs12", "pkcs7", "pkcs7 pem"],
)
def test_every_usual_form_is_read(octets: bytes, password: str, with_key: bool) -> None:
    brought = bringing.read(octets, password)
    assert brought.certificate == ISSUED.der
    assert brought.chain == (b"" if octets == ISSUED.der else ISSUED.chain_der)
    assert brought.key == (ISSUED.pkcs8 if with_key else None)
    assert "PRIVATE" not in repr(brought)


def test_one_that_signed_itself_has_no_chain() -> None:
    issued = alone("a@example.org")
    assert bringing.read(issued.pem.encode()) == bringing.Brought(issued.der, b"", issued.pkcs8)


def test_a_chain_that_goes_round_ends() -> None:
    """Two that vouch for each other: there is no first one."""
    made = [mutual("one", "two"), mutual("two", "one")]
    brought = bringing.read(as_pem(*made).encode())
    assert brought.certificate == certificates.der(made[0])
    assert len(certificates.load_all(brought.chain)) == 2


def mutual(name: str, issuer: str) -> x509.Certificate:
    from tests.mail_certificates import NOW, named

    made = x509.CertificateBuilder(named(issuer), named(name), rsa_key().public_key(), 5, NOW, NOW)
    return made.sign(rsa_key(), SHA256())


def test_a_pair_belongs_together() -> None:
    bringing.pair(ISSUED.der, ISSUED.pkcs8)
    with pytest.raises(PrivacyError, match="not the one of the certificate"):
        bringing.pair(ISSUED.der, OTHER.pkcs8)


@pytest.mark.parametrize(
    ("octets", "password", "words"),
    [
        (b"", "", "no certificate"),
        (b"x" * (256 * 1024 + 1), "", "longer than"),
        (b"-----BEGIN CERTIFICATE-----", "", "no certificate in it"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", "no certificate that can be read"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "", "no certificate in it"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "", "key cannot be read"),
        (pem(rsa_key()).encode(), "", "no certificate in it"),
        ((pem(rsa_key(), b"secret") + as_pem(*WHOLE)).encode(), "", "has a password"),
        ((pem(rsa_key(), b"secret") + as_pem(*WHOLE)).encode(), "wrong", "not its own"),
        ((pem(rsa_key()) + as_pem(*WHOLE)).encode(), "needless", "has no password"),
        ((pem(ec.generate_private_key(ec.SECP256R1())) + as_pem(*WHOLE)).encode(), "", "none of the certificates"),
        (pem(ed25519.Ed25519PrivateKey.generate()).encode(), "", "Few mail programs"),
        (as_pkcs12(ISSUED, b"secret"), "wrong", "password is not the one of the file"),
        (
            as_pkcs12(ISSUED, b"secret").replace(b"\x02\x02\x08\x00", b"\x02\x02\x7f\xff"),
            "secret",
            "password is not",
        ),
        (as_pkcs12(ISSUED, b"secret", 2_000_001), "secret", "2000001 rounds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_told(octets: bytes, password: str, words: str) -> None:
    with pytest.raises(PrivacyError, match=words):
        bringing.read(octets, password)


def test_a_file_without_a_password_is_read() -> None:
    made = pkcs12.serialize_key_and_certificates(
        None, ISSUED.key, ISSUED.certificate, None, serialization.NoEncryption()
    )
    assert bringing.read(made).key == ISSUED.pkcs8
    alone_in_it = pkcs12.serialize_key_and_certificates(
        None, None, ISSUED.certificate, None, serialization.BestAvailableEncryption(b"x")
    )
    assert bringing.read(alone_in_it, "x").key is None


@pytest.mark.parametrize("algorithm", bringing.ALGORITHMS)
def test_an_issuer_is_asked(algorithm: str) -> None:
    key, request = bringing.ask("alice@example.org", algorithm)
    asked = x509.load_der_x509_csr(request)
    assert asked.is_signature_valid
    assert asked.public_key() == bringing.load_key(key).public_key()
    names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["alice@example.org"]


def test_an_address_beyond_ascii_is_asked_for_in_its_own_form() -> None:
    """RFC 9598: OpenSSL reads it as what it is."""
    _, request = bringing.ask("bücher@example.org", "EC P-256")
    command = ("openssl", "req", "-inform", "DER", "-noout", "-text")
    shown = subprocess.run(command, input=request, capture_output=True, check=True).stdout.decode()
    assert "SmtpUTF8Mailbox" in shown
