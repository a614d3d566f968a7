"""Keys of correspondents are learnt from what they send (Autocrypt), if their domain bears them out."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from mailservices.mail import autocrypt
from mailservices.mail.dkim.sign import Key as DkimKey
from mailservices.mail.dkim.sign import Signer, new_private, record
from mailservices.mail.dkim.signature import Algorithm
from tests.conftest import Person
from tests.e2e.test_policy import strict, wish  # noqa: F401 - a fixture
from tests.e2e.test_signatures import deliver
from tests.mail.openpgp.cast import public
from tests.services import Services
from webadmin.directory.models import Domain
from webadmin.privacy.models import Key, Policy

KEY = DkimKey("s1", new_private(Algorithm.ED25519))


@pytest.fixture
def signing(strict: Services, domain: Domain, alice: Person) -> Services:  # noqa: F811 - a fixture
    """A world in which sender.test publishes its DKIM key, and Alice wishes to learn."""
    strict.names.say("s1._domainkey.sender.test", record(KEY.private))
    Policy.objects.create(account_id=alice.account_id, learn=True)
    wish(domain, dkim="note")
    return strict


def letter(name: str = "alice", *, signed: bool = True, fields: bytes = b"") -> bytes:
    """As a@sender.test writes it, with one of our cast's keys."""
    field = autocrypt.field("a@sender.test", public(name), mutual=True)
    date = f"Date: {format_datetime(datetime.now(UTC))}\r\n".encode()
    header = b"From: A <a@sender.test>\r\n" + date + fields + field
    signer = Signer(header + b"\r\n", [KEY], "sender.test", int(time.time()))
    signer.feed(b"Hello\r\n")
    return (signer.finish() if signed else b"") + header + b"\r\nHello\r\n"


def test_a_key_is_learnt(signing: Services, alice: Person, bob: Person) -> None:
    assert deliver(signing, alice.address, letter())[0] == 250
    assert deliver(signing, bob.address, letter())[0] == 250
    [key] = Key.objects.filter(address="a@sender.test")
    assert (key.account_id, key.origin, key.trust, key.ours) == (alice.account_id, "autocrypt", "seen", False)
    assert key.prefers_encryption
    assert key.algorithm == "Ed25519 + X25519"
    assert bytes(key.public) == autocrypt.minimal(public("alice"), "a@sender.test")
    assert deliver(signing, alice.address, letter("bob"))[0] == 250
    [newer] = Key.objects.filter(address="a@sender.test")
    assert newer.algorithm == "RSA 3072"


def test_a_key_that_nobody_bears_out_is_not(signing: Services, alice: Person) -> None:
    for octets in (
        letter(signed=False),
        letter(fields=b"List-Id: <team.sender.test>\r\n"),
        letter().replace(b"Hello", b"Hallo"),
        letter().replace(b"From: A <a@sender.test>", b"From: A <a@other.test>"),
    ):
        assert deliver(signing, alice.address, octets)[0] == 250
    assert not Key.objects.filter(account_id=alice.account_id).exists()
