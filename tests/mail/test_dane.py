"""DANE for SMTP: which certificates fit which records (RFC 7672)."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailservices.mail.dane import AUTHORITY, HOST, RECORDS, Record, proves, usable

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NAMES = ["mx.far.test"]


def made(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    else:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signer, hashes.SHA256())


_ROOT_KEY, _LEAF_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ROOT = made("root", _ROOT_KEY, "root", _ROOT_KEY, ca=True)
LEAF = made("mx.far.test", _LEAF_KEY, "root", _ROOT_KEY, ca=False)
CHAIN = [one.public_bytes(Encoding.DER) for one in (LEAF, ROOT)]


def record(usage: int, selector: int, matching: int, certificate: x509.Certificate) -> Record:
    data = certificate.public_bytes(Encoding.DER)
    if selector:
        data = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Record(usage, selector, matching, {0: bytes, 1: _sha256, 2: _sha512}[matching](data))


def written(one: Record) -> bytes:
    return bytes((one.usage, one.selector, one.matching)) + one.data


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize(("usage", "certificate"), [(HOST, LEAF), (AUTHORITY, ROOT)])
def test_what_fits_proves(usage: int, selector: int, matching: int, certificate: x509.Certificate) -> None:
    records = usable([written(record(usage, selector, matching, certificate))])
    assert len(records) == 1
    assert proves(records, CHAIN, NAMES, NOW)
    another = record(usage, selector, matching, made("other", _LEAF_KEY, "root", _ROOT_KEY, ca=False))
    if (usage, selector) != (HOST, 1):
        assert not proves([another], CHAIN, NAMES, NOW)
    assert proves([another, *records], CHAIN, NAMES, NOW)


def test_a_host_needs_no_name_and_no_date_but_an_authority_vouches_for_both() -> None:
    later = NOW + timedelta(days=30)
    assert proves([record(HOST, 1, 1, LEAF)], CHAIN, ["other.test"], later)
    assert not proves([record(AUTHORITY, 1, 1, ROOT)], CHAIN, ["other.test"], NOW)
    assert not proves([record(AUTHORITY, 1, 1, ROOT)], CHAIN, NAMES, later)
    assert proves([record(AUTHORITY, 1, 1, ROOT)], CHAIN, ["other.test", *NAMES], NOW)


def test_an_authority_that_stands_in_the_dns_need_not_be_presented() -> None:
    assert proves([record(AUTHORITY, 0, 0, ROOT)], CHAIN[:1], NAMES, NOW)
    assert not proves([record(AUTHORITY, 0, 1, ROOT)], CHAIN[:1], NAMES, NOW)


def test_nothing_and_nonsense_prove_nothing() -> None:
    records = [record(HOST, 0, 1, LEAF)]
    assert not proves(records, [], NAMES, NOW)
    assert not proves(records, [b"no certificate"], NAMES, NOW)
    assert not proves([Record(AUTHORITY, 0, 0, b"no certificate")], CHAIN, NAMES, NOW)
    assert not proves([], CHAIN, NAMES, NOW)


@pytest.mark.parametrize(
    "one",
    [
        Record(0, 0, 1, bytes(32)),
        Record(1, 1, 1, bytes(32)),
        Record(4, 1, 1, bytes(32)),
        Record(3, 2, 1, bytes(32)),
        Record(3, 1, 3, bytes(32)),
        Record(3, 1, 1, bytes(31)),
        Record(3, 1, 2, bytes(32)),
        Record(3, 1, 0, b""),
    ],
)
def test_what_says_nothing_for_smtp_is_left_out(one: Record) -> None:
    assert usable([written(one)]) == ()


def test_only_so_many_records_are_looked_at() -> None:
    assert len(usable([written(Record(3, 1, 1, bytes(32)))] * (RECORDS + 5))) == RECORDS
