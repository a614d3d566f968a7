"""What is read from a certificate for mail, and what is too weak."""

import subprocess
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import certificates
from tests.mail_certificates import NOW, MailAuthority, alone, rsa_key

AUTHORITY = MailAuthority()


def test_a_certificate_says_what_it_is_for() -> None:
    issued = AUTHORITY.issue("Alice@Example.ORG", key=rsa_key(), in_subject="alice@example.org")
    told = certificates.describe(issued.der)
    assert len(told.fingerprint) == 64
    assert told.algorithm == "RSA 2048"
    assert told.addresses == ("alice@example.org",)
    assert told.subject == "1.2.840.113549.1.9.1=alice@example.org,CN=Somebody"
    assert told.issuer == "CN=Mail Root\\, issuing"
    assert (told.not_before, told.expires_at) == (NOW - timedelta(days=1), NOW + timedelta(days=90))
    assert (told.signs, told.encrypts, told.refusal, told.revoked) == (True, True, "", False)
    assert certificates.describe(alone("a@example.org").der).issuer == "itself"


def test_addresses_stand_in_three_places_and_what_is_none_is_passed_over() -> None:
    issued = AUTHORITY.issue(
        "a@example.org", "no address", utf8=["bücher@bücher.example"], in_subject="b@example.org"
    )
    found = certificates.describe(issued.der).addresses
    assert found == ("a@example.org", "bücher@xn--bcher-kva.example", "b@example.org")
    assert certificates.describe(AUTHORITY.issue().der).addresses == ()


@pytest.mark.parametrize(
    ("usage", "key", "uses"),
    [
        (None, rsa_key(), (True, True)),
        (None, ec.generate_private_key(ec.SECP384R1()), (True, True)),
        ("digital_signature", rsa_key(), (True, False)),
        ("content_commitment", rsa_key(), (True, False)),
        ("key_encipherment", rsa_key(), (False, True)),
        ("key_encipherment", ec.generate_private_key(ec.SECP256R1()), (False, False)),
        ("key_agreement", ec.generate_private_key(ec.SECP256R1()), (False, True)),
        (None, ed25519.Ed25519PrivateKey.generate(), (True, False)),
    ],
)
def test_its_usage_says_what_it_does(usage: str | None, key: object, uses: tuple[bool, bool]) -> None:
    told = certificates.describe(AUTHORITY.issue("a@example.org", usage=usage, key=key).der)  # type: ignore[arg-type]
    assert (told.signs, told.encrypts) == uses
    assert told.refusal == ""


@pytest.mark.parametrize(
    ("extended", "fits"),
    [
        (None, True),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], True),
        ([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION], True),
        ([ExtendedKeyUsageOID.SERVER_AUTH], False),
    ],
)
def test_an_extended_usage_has_to_name_mail(extended: list[object] | None, fits: bool) -> None:
    told = certificates.describe(AUTHORITY.issue("a@example.org", extended=extended).der)  # type: ignore[arg-type]
    assert (told.signs, told.encrypts) == (fits, fits)
    assert told.refusal == (
        "" if fits else "It is not for mail: its extended key usage does not name emailProtection."
    )


def test_weak_keys_are_refused_with_a_reason(tmp_path: Path) -> None:
    huge = SimpleNamespace(public_key=rsa.RSAPublicNumbers(65537, 2**8199 + 1).public_key)
    told = {
        certificates.describe(AUTHORITY.issue("a@example.org", key=rsa_key(1024)).der).refusal: "too weak",
        certificates.describe(made_with_sha1(tmp_path)).refusal: "signed by SHA1",
        certificates.describe(AUTHORITY.issue("a@example.org", key=huge).der).refusal: "take too long",  # type: ignore[arg-type]
        certificates.describe(
            AUTHORITY.issue("a@example.org", key=ec.generate_private_key(ec.SECP256K1())).der
        ).refusal: "its curve, secp256k1",
        certificates.describe(
            AUTHORITY.issue("a@example.org", key=ed448.Ed448PrivateKey.generate()).der  # type: ignore[arg-type]
        ).refusal: "Few mail programs know such keys",
    }
    for refusal, words in told.items():
        assert words in refusal


def test_algorithms_have_names() -> None:
    names = [
        certificates.describe(AUTHORITY.issue("a@example.org", key=key).der).algorithm  # type: ignore[arg-type]
        for key in (
            ec.generate_private_key(ec.SECP521R1()),
            ec.generate_private_key(ec.SECP256K1()),
            ed25519.Ed25519PrivateKey.generate(),
        )
    ]
    assert names == ["EC P-521", "EC secp256k1", "Ed25519"]


def test_what_programs_can_read_may_stand_in_the_certificate() -> None:
    gcm = bytes.fromhex("300d300b060960864801650304012e")
    assert certificates.knows_gcm(AUTHORITY.issue("a@example.org", extra=gcm).certificate)
    assert not certificates.knows_gcm(AUTHORITY.issue("a@example.org", extra=gcm[:-1] + b"\x2a").certificate)
    assert not certificates.knows_gcm(AUTHORITY.issue("a@example.org").certificate)


def test_a_chain_is_one_certificate_behind_the_other() -> None:
    issued = AUTHORITY.issue("a@example.org")
    assert certificates.load_all(issued.der + issued.chain_der) == [issued.certificate, AUTHORITY.issuing]
    assert certificates.load_all(b"") == []


def test_what_is_no_certificate_is_refused() -> None:
    der = AUTHORITY.issue("a@example.org").der
    damaged = der.replace(bytes.fromhex("0603551d11"), bytes.fromhex("0603551d0f"))
    undated = der.replace(f"{NOW + timedelta(days=90):%y%m%d%H%M%S}Z".encode(), b"999999999999Z")
    assert undated != der
    for octets in (undated, b"", b"\x30", b"\x30\x03\x02\x01\x01", der[:-1], der + b"x", b"x" * 65537, damaged):
        with pytest.raises(PrivacyError):
            certificates.load(octets)
    for chain in (b"\x30", der[:-1], der + b"\x30\x00", der * 21):
        with pytest.raises(PrivacyError):
            certificates.load_all(chain)


def test_a_name_that_is_no_utf8_is_no_address() -> None:
    der = AUTHORITY.issue(utf8=["bücher@example.org"]).der
    broken = der.replace(b"b\xc3\xbccher@", b"b\xc3\xc3cher@")
    assert certificates.describe(broken).addresses == ()


def made_with_sha1(folder: Path) -> bytes:
    path = folder / "made.der"
    command = (
        "openssl", "req", "-x509", "-sha1", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=old", "-days", "1",
        "-addext", "subjectAltName=email:a@example.org", "-keyout", str(folder / "made.key"),
        "-outform", "DER", "-out", str(path),
    )  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return path.read_bytes()
