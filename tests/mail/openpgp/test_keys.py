"""OpenPGP keys: what they are, why some are refused; made, renewed and revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from pysequoia.packet import PacketPile

from mailservices.mail.openpgp import keys
from mailservices.mail.privacy import PrivacyError
from tests.mail.openpgp.cast import KEYS, pair, public, secret

NOW = datetime.now(UTC)

#: File -> algorithm, whether nothing is wrong with it, and the beginning of what is.
SAID = {
    "alice": ("Ed25519 + X25519", ""),
    "bob": ("RSA 3072", ""),
    "nist": ("P-256", ""),
    "signer": ("Ed25519", "nothing can be encrypted to the key"),
    "expired": ("Ed25519 + X25519", "the key expired on 2020-06-01"),
    "revoked": ("Ed25519 + X25519", "the key was revoked"),
    "weak": ("RSA 1024", "RSA of 1024 bits is too weak"),
    "dsa": ("DSA 1024", "DSA is not safe any more"),
    "sha1": ("RSA 2048", "its own signatures are made with SHA-1 or older"),
}


@pytest.mark.parametrize("name", SAID)
def test_a_key_is_described(name: str) -> None:
    described = keys.describe(public(name))
    algorithm, why = SAID[name]
    assert described.algorithm == algorithm
    assert described.broken(NOW).startswith(why)
    assert bool(described.broken(NOW)) == bool(why)
    if not described.refusal:
        assert described.addresses == (f"{name}@example.org",)
        assert described.subject == f"{name.title()} <{name}@example.org>"
    assert described.signs
    assert len(described.fingerprint) == 40


def test_a_key_of_tomorrow_is_not_used_today() -> None:
    described = keys.describe(public("alice"))
    assert described.broken(described.not_before - timedelta(seconds=1)).startswith("the key is not valid before")


def test_a_key_is_made_renewed_and_revoked() -> None:
    until = NOW.replace(microsecond=0) + timedelta(days=100)
    made = keys.generate("Grüße", "alice@example.org", until)
    described = keys.describe(made.public)
    assert described.algorithm == "Ed25519 + X25519"
    assert described.expires_at == until
    assert described.addresses == ("alice@example.org",)
    assert described.subject == "Grüße <alice@example.org>"
    assert described.broken(datetime.now(UTC)) == ""
    longer = keys.renewed(made.secret or b"", until + timedelta(days=365))
    assert keys.describe(longer.public).expires_at == until + timedelta(days=365)
    assert keys.read(longer.secret or b"") == longer
    gone = keys.revoked(longer.secret or b"")
    assert keys.describe(gone).revoked
    # Whoever has an older copy learns of it, and nobody unlearns it.
    assert keys.describe(keys.merged(made.public, gone)).revoked
    assert keys.describe(keys.merged(gone, made.public)).revoked


def test_a_key_without_an_end_and_without_a_name() -> None:
    described = keys.describe(keys.generate("", "alice@example.org").public)
    assert described.expires_at is None
    assert described.addresses == ("alice@example.org",)


def test_a_key_whose_parts_end_on_their_own_is_renewed_elsewhere() -> None:
    ending = keys.pysequoia.Tsk.generate("<a@example.org>", validity_seconds=10_000)
    with pytest.raises(PrivacyError, match="renew it where it was made"):
        keys.renewed(bytes(ending), NOW + timedelta(days=365))


def test_keys_are_read_as_people_bring_them() -> None:
    armoured = (KEYS / "alice.secret.asc").read_bytes()
    read = keys.read(armoured)
    assert read.secret is not None
    assert keys.read(read.secret) == read
    assert keys.read(keys.armoured(read.public).encode()) == keys.KeyPair(read.public, None)
    assert b"PRIVATE" not in keys.armoured(read.public).encode()


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "no OpenPGP key"),
        (b"nothing", "no OpenPGP key"),
        (b"\x99\xff\xff", "no OpenPGP key"),
        (public("alice") + public("bob"), "no OpenPGP key"),
        (b"x" * (keys.CERTIFICATE_OCTETS + 1), "has more than"),
        ((KEYS / "locked.secret.asc").read_bytes(), "it may have a passphrase"),
        (public("alice")[:200], "no OpenPGP key"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_with_a_reason(octets: bytes, why: str) -> None:
    with pytest.raises(PrivacyError, match=why):
        keys.read(octets)


def test_what_is_no_certificate_is_not_described() -> None:
    with pytest.raises(PrivacyError, match="no OpenPGP certificate"):
        keys.describe(b"nothing")
    with pytest.raises(PrivacyError, match="has more than"):
        keys.describe(b"x" * (keys.CERTIFICATE_OCTETS + 1))
    with pytest.raises(PrivacyError, match="no OpenPGP key"):
        keys.armoured(b"nothing")
    with pytest.raises(PrivacyError, match="do not belong together"):
        keys.merged(public("alice"), public("bob"))
    for function in (keys.revoked, lambda octets: keys.renewed(octets, NOW)):
        with pytest.raises(PrivacyError):
            function(b"nothing")


def test_of_what_a_directory_has_the_newest_that_can_be_used_counts() -> None:
    newest = keys.generate("", "alice@example.org").public
    now = datetime.now(UTC)
    several = public("expired") + public("alice") + newest + public("bob")
    assert keys.usable(several, "alice@example.org", now).public == newest
    assert keys.usable(public("alice"), "alice@example.org", now).described == keys.describe(public("alice"))
    for octets, why in (
        (b"", "no certificate"),
        (b"nothing", "no OpenPGP certificate"),
        (public("bob"), "for another address"),
        (public("expired"), "the key expired"),
    ):
        with pytest.raises(PrivacyError, match=why):
            keys.usable(octets, "alice@example.org", now)


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, len(body)]) + body


@pytest.mark.parametrize("head", [b"\x04\x60\x00\x00\x00\x63", b"\x03\x60\x00\x00\x00\x00\x00\x01"])
def test_a_key_of_a_kind_that_nobody_knows_is_no_certificate(head: bytes) -> None:
    with pytest.raises(PrivacyError, match="no OpenPGP certificate"):
        keys.describe(packet(6, head + b"\x00\x08\xff") + packet(13, b"x <a@example.org>"))


def test_a_certificate_of_very_many_packets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "PACKETS", 2)
    with pytest.raises(PrivacyError, match="more than 2 packets"):
        keys.describe(public("alice"))


def test_a_certificate_nobody_has_signed_says_why_it_is_not_used() -> None:
    packets = list(PacketPile.from_bytes(public("signer")))
    described = keys.describe(b"".join(bytes(one) for one in packets[:2]))
    assert described.refusal.startswith("the key cannot be used")
    assert not described.encrypts


def test_the_later_of_two_signatures_of_a_key_counts() -> None:
    made = keys.generate("", "alice@example.org", NOW.replace(microsecond=0) + timedelta(days=2))
    packets = [bytes(one) for one in PacketPile.from_bytes(made.public)]
    later = keys.renewed(secret("alice"), NOW + timedelta(days=30)).public
    old = keys.merged(public("alice"), later)
    assert keys.describe(old).expires_at == keys.describe(later).expires_at
    assert packets


def test_names_of_newer_keys() -> None:
    newer = keys.pysequoia.Tsk.generate(
        "x <not an address>", profile=keys.pysequoia.Profile.RFC9580, validity_seconds=10_000
    )
    described = keys.describe(bytes(newer.extract_certificate()))
    assert described.algorithm == "Ed25519 + X25519"
    assert described.addresses == ()
    assert described.expires_at is not None
    assert len(described.fingerprint) == 64


def test_a_pair_has_its_secret_only_where_that_was_brought() -> None:
    assert pair("expired").secret is None
