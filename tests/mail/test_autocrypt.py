"""Autocrypt headers: what is believed of them, and what we write."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from pysequoia.packet import PacketPile, Tag

from mailservices.mail import autocrypt
from mailservices.mail.openpgp import keys
from mailservices.mail.privacy import PrivacyError
from tests.mail.openpgp.cast import public, secret

NOW = datetime.now(UTC)
DATE = b"Date: Thu, 26 Nov 2026 12:00:00 +0000\r\n"
FROM = b"From: Alice <Alice@Example.org>\r\n"
DATA = base64.b64encode(public("alice"))
FOLDED = b"\r\n ".join(DATA[start : start + 70] for start in range(0, len(DATA), 70))
GOOD = b"Autocrypt: addr=alice@example.org; prefer-encrypt=mutual; _odd=1; keydata=" + DATA + b"\r\n"


def field(words: bytes, data: bytes = DATA) -> bytes:
    return b"Autocrypt: " + words + b" keydata=" + data + b"\r\n"


def test_a_good_field_is_read() -> None:
    told = autocrypt.read(FROM + DATE + GOOD + b"\r\n", NOW)
    assert told is not None
    assert (told.address, told.prefers_encryption) == ("alice@example.org", True)
    assert told.public == public("alice")
    assert told.described.addresses == ("alice@example.org",)
    assert told.moment == datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        FROM + DATE + field(b"addr=alice@example.org;"),
        FROM + DATE + field(b"addr=alice@example.org; prefer-encrypt=nopreference;"),
        FROM + DATE + field(b"addr=ALICE@example.org ;; prefer-encrypt=sometimes; ;"),
        # Of several, those that are wrong do not count.
        FROM + DATE + field(b"addr=alice@example.org;") + field(b"addr=bob@example.org;"),
        FROM + DATE + field(b"addr=alice@example.org;") + field(b"addr=alice@example.org;", b"%%%"),
        FROM + DATE + field(b"addr=alice@example.org;", FOLDED),
    ],
)  # fmt: skip
def test_a_field_without_a_preference(header: bytes) -> None:
    told = autocrypt.read(header, NOW)
    assert told is not None
    assert not told.prefers_encryption


@pytest.mark.parametrize(
    "header",
    [
        b"",
        FROM + DATE,
        FROM + GOOD,
        DATE + GOOD,
        FROM + b"Date: someday\r\n" + GOOD,
        FROM + FROM + DATE + GOOD,
        b"From: alice@example.org, bob@example.org\r\n" + DATE + GOOD,
        b"From: team: alice@example.org;\r\n" + DATE + GOOD,
        b"From: alice\r\n" + DATE + GOOD,
        b"From: a b@example.org\r\n" + DATE + field(b"addr=a b@example.org;"),
        b"From: bob@example.org\r\n" + DATE + GOOD,
        FROM + DATE + GOOD + GOOD,
        FROM + DATE + GOOD + b"List-Id: <team.example.org>\r\n",
        FROM + DATE + GOOD + b"Content-Type: multipart/report; boundary=b\r\n",
        FROM + DATE + field(b"addr=\xff@example.org;"),
        FROM + DATE + field(b"addr=alice@example.org; type=1;"),
        FROM + DATE + field(b"prefer-encrypt=mutual;"),
        FROM + DATE + field(b"addr=alice@example.org;", b""),
        FROM + DATE + field(b"addr=alice@example.org;", b"AAAA"),
        FROM + DATE + field(b"addr=alice@example.org;", base64.b64encode(secret("alice"))),
        FROM + DATE + field(b"addr=alice@example.org;", base64.b64encode(public("expired"))),
        FROM + DATE + field(b"addr=alice@example.org;", base64.b64encode(public("weak"))),
        FROM + DATE + field(b"addr=alice@example.org;", DATA + b" " * autocrypt.FIELD_OCTETS),
    ],
)  # fmt: skip
def test_what_is_not_believed(header: bytes) -> None:
    assert autocrypt.read(header, NOW) is None


def test_nothing_was_told_tomorrow() -> None:
    told = autocrypt.read(FROM + b"Date: Thu, 1 Jan 2099 12:00:00 +0000\r\n" + GOOD, NOW)
    assert told is not None
    assert told.moment == NOW


def test_what_we_write_is_read() -> None:
    made = keys.generate("Alice", "alice@example.org", NOW + timedelta(days=30))
    for mutual in (False, True):
        written = autocrypt.field("alice@example.org", made.public, mutual=mutual)
        assert all(len(line) < 78 for line in written.split(b"\r\n"))
        told = autocrypt.read(FROM + DATE + written, datetime.now(UTC))
        assert told is not None
        assert told.prefers_encryption is mutual
        assert told.described == keys.describe(made.public)


def test_others_and_what_they_say_of_a_key_are_left_out() -> None:
    bob = keys.pysequoia.Tsk.from_bytes(secret("bob"))
    alice = keys.pysequoia.Tsk.from_bytes(secret("alice"))
    cert = alice.extract_certificate().add_user_id("Alice <other@example.org>", alice.certifier())
    foreign = [one for one in PacketPile.from_bytes(bytes(bob.extract_certificate())) if one.tag == Tag.Signature]
    octets = bytes(cert) + bytes(foreign[0])
    kept = list(PacketPile.from_bytes(autocrypt.minimal(octets, "OTHER@example.org")))
    assert [one.user_id_email for one in kept if one.tag == Tag.UserID] == ["other@example.org"]
    assert {one.issuer_fingerprint for one in kept if one.tag == Tag.Signature} == {kept[0].fingerprint}
    first = list(PacketPile.from_bytes(autocrypt.minimal(octets, "nobody@example.org")))
    assert [one.user_id_email for one in first if one.tag == Tag.UserID] == ["alice@example.org"]
    with pytest.raises(PrivacyError):
        autocrypt.minimal(b"nothing", "alice@example.org")
