"""Signatures of mail from the world (S/MIME, OpenPGP): told in the header and the trace, and learnt from."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mailservices.mail import headers
from mailservices.mail.authentication_results import parse
from mailservices.mail.findings import Finding, Result
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Entity
from mailservices.mail.smime import certificates, signed
from tests.conftest import Person
from tests.e2e.test_policy import strict, wish  # noqa: F401 - a fixture
from tests.e2e.test_signatures import deliver, read
from tests.mail_certificates import Issued, MailAuthority, alone
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions, policy, roots
from webadmin.privacy.models import Key, Root
from webadmin.trace.models import TraceEvent

AUTHORITY = MailAuthority()
AUTHOR = "a@sender.test"
PAYLOAD = b"Content-Type: text/plain\r\n\r\nHow do you do?\r\n"


@pytest.fixture
def verifying(strict: Services, domain: Domain) -> Iterator[Services]:  # noqa: F811 - a fixture
    """A world that trusts the authority, and does no other check."""
    pem = AUTHORITY.root.public_bytes(Encoding.PEM).decode()
    root = roots.add_root(OPERATOR, pem) if not Root.objects.exists() else Root.objects.get()
    wish(domain, dkim="note")
    yield strict
    assert root.subject == "CN=Mail Root"


def message(entity: Entity) -> bytes:
    return (
        b"From: A <a@sender.test>\r\nTo: x@us.test\r\nMIME-Version: 1.0\r\n"
        + entity.fields
        + b"\r\n"
        + entity.body
    )


def by_smime(issued: Issued) -> bytes:
    return message(signed.sign(PAYLOAD, issued.der, issued.chain_der, issued.pkcs8))


def openpgp_signed(secret: bytes) -> bytes:
    return message(openpgp.sign(PAYLOAD, secret))


def finding(world: Services, person: Person, method: str) -> Finding | None:
    """What the header says that she reads."""
    [value] = headers.index(headers.split(read(world, person))[0])[b"authentication-results"]
    found = parse(value)
    return next((one for one in found.findings if one.method == method), None)


def test_a_good_signature_is_told_and_learnt(verifying: Services, alice: Person) -> None:
    policy.change_policy(OPERATOR, Account.objects.get(pk=alice.account_id), learn=True)
    issued = AUTHORITY.issue(AUTHOR)
    assert deliver(verifying, alice.address, by_smime(issued))[0] == 250
    told = finding(verifying, alice, "smime")
    assert told == Finding(
        "smime",
        Result.PASS,
        properties=(
            ("body.smime-identifier", AUTHOR),
            ("body.smime-serial", f"{issued.certificate.serial_number:X}"),
            ("body.smime-issuer", "CN=Mail Root\\, issuing"),
        ),
    )
    event = until(lambda: TraceEvent.objects.filter(kind="accepted", recipient=alice.address).first())
    assert event.detail == "dkim=none smime=pass"
    assert ["smime", "pass", "", " ".join(f"{name}={value}" for name, value in told.properties)] in event.facts[
        "checks"
    ]
    [learnt] = Key.objects.filter(account_id=alice.account_id)
    assert (learnt.kind, learnt.address, learnt.origin, learnt.trust) == ("smime", AUTHOR, "signed", "seen")
    assert bytes(learnt.public) == issued.der
    assert bytes(learnt.chain) == issued.chain_der
    assert learnt.fingerprint == certificates.fingerprint(issued.certificate)
    assert not learnt.ours


def test_nothing_is_learnt_unless_somebody_wishes_it(verifying: Services, alice: Person) -> None:
    assert deliver(verifying, alice.address, by_smime(AUTHORITY.issue(AUTHOR)))[0] == 250
    assert not Key.objects.filter(account_id=alice.account_id).exists()


def test_what_speaks_against_it_is_told(verifying: Services, alice: Person, bob: Person) -> None:
    assert deliver(verifying, alice.address, by_smime(alone(AUTHOR)))[0] == 250
    told = finding(verifying, alice, "smime")
    assert told is not None
    assert (told.result, told.reason) == (Result.POLICY, "untrusted: it is signed by itself")
    changed = by_smime(AUTHORITY.issue(AUTHOR)).replace(b"How do you do?", b"Send money now")
    assert deliver(verifying, bob.address, changed)[0] == 250
    told = finding(verifying, bob, "smime")
    assert told is not None
    assert told.result is Result.FAIL


def test_somebody_here_may_vouch_for_it_or_refuse_it(verifying: Services, alice: Person, domain: Domain) -> None:
    issued = alone(AUTHOR)
    account = Account.objects.get(pk=alice.account_id)
    pem = issued.certificate.public_bytes(Encoding.PEM)
    [key] = actions.upload(OPERATOR, account, pem, ours=False)
    actions.trust(OPERATOR, key, "verified")
    assert deliver(verifying, alice.address, by_smime(issued))[0] == 250
    told = finding(verifying, alice, "smime")
    assert told is not None
    assert told.result is Result.PASS


def test_who_signs_is_who_is_seen(verifying: Services, alice: Person, bob: Person, charlie: Person) -> None:
    """Nobody borrows the name of another one: neither by Sender, nor by what else her certificate says."""
    issued = AUTHORITY.issue("sender@sender.test")
    message = by_smime(issued).replace(b"From:", b"Sender: sender@sender.test\r\nFrom:", 1)
    assert deliver(verifying, alice.address, message)[0] == 250
    told = finding(verifying, alice, "smime")
    assert told is not None
    assert (told.result, told.reason) == (Result.PASS, "signed by another one than the first author")
    assert ("body.smime-identifier", "sender@sender.test") in told.properties
    both = alone(charlie.address, AUTHOR)
    actions.upload(OPERATOR, Account.objects.get(pk=charlie.account_id), both.der)
    message = by_smime(both).replace(b"From:", f"Sender: {charlie.address}\r\nFrom:".encode(), 1)
    assert deliver(verifying, bob.address, message)[0] == 250
    told = finding(verifying, bob, "smime")
    assert told is not None
    assert told.result is Result.POLICY
    pair = keys.generate("", charlie.address)
    assert pair.secret is not None
    actions.upload(OPERATOR, Account.objects.get(pk=charlie.account_id), pair.public)
    message = openpgp_signed(pair.secret).replace(b"From:", f"Sender: {charlie.address}\r\nFrom:".encode(), 1)
    assert deliver(verifying, charlie.address, message)[0] == 250
    told = finding(verifying, charlie, "x-openpgp")
    assert told is not None
    assert (told.result, told.reason) == (Result.NEUTRAL, "the key is not known")


def test_openpgp_is_told_too(verifying: Services, alice: Person) -> None:
    pair = keys.generate("A", AUTHOR)
    assert pair.secret is not None
    [key] = actions.upload(OPERATOR, Account.objects.get(pk=alice.account_id), pair.public, ours=False)
    assert deliver(verifying, alice.address, openpgp_signed(pair.secret))[0] == 250
    told = finding(verifying, alice, "x-openpgp")
    assert told is not None
    assert told.result is Result.PASS
    assert told.properties == (("body.x-openpgp-fingerprint", key.fingerprint),)


def test_a_key_that_nobody_knows_says_nothing(verifying: Services, alice: Person, bob: Person) -> None:
    pair = keys.generate("A", AUTHOR)
    assert pair.secret is not None
    actions.upload(OPERATOR, Account.objects.get(pk=bob.account_id), pair.public, ours=False)
    assert deliver(verifying, alice.address, openpgp_signed(pair.secret))[0] == 250
    told = finding(verifying, alice, "x-openpgp")
    assert told is not None
    assert (told.result, told.reason) == (Result.NEUTRAL, "the key is not known")


def test_what_is_not_signed_is_not_told_of(verifying: Services, alice: Person) -> None:
    assert deliver(verifying, alice.address, b"From: a@sender.test\r\n" + PAYLOAD)[0] == 250
    assert finding(verifying, alice, "smime") is None
