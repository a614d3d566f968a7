"""Mail that is opened on arrival with a key held for that, where its owner wishes it; it is off otherwise."""

import imaplib
from pathlib import Path

import pytest

from mailservices.mail import headers, privacy, sealing
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Entity
from mailservices.mail.smime import certificates, enveloped, signed
from mailservices.mail.vocabulary import KeyOrigin, Trust
from tests.conftest import Person
from tests.e2e.private import encrypts, messages
from tests.e2e.test_enclosing import send
from tests.mail.openpgp.cast import public, secret
from tests.mail_certificates import MailAuthority
from tests.services import Services, until
from webadmin.directory.models import Domain
from webadmin.privacy.models import Key, Policy
from webadmin.settings import CONFIG
from webadmin.trace.models import TraceEvent

INNER = b"Subject: quince\r\nContent-Type: text/plain\r\n\r\nquince\r\n"


def hold(person: Person, kind: str, octets: bytes, private: bytes) -> str:
    """A key of hers that may open what comes in; its fingerprint."""
    described = keys.describe(octets) if kind == "openpgp" else certificates.describe(octets)
    context = sealing.privacy_context(kind, described.fingerprint)
    Key.objects.create(
        kind=kind, address=person.address, account_id=person.account_id, ours=True, decrypts=True, public=octets,
        fingerprint=described.fingerprint, algorithm=described.algorithm, origin=KeyOrigin.GENERATED.value,
        trust=Trust.OWN.value, secret=sealing.seal(CONFIG.sealing_key, private, context),
    )  # fmt: skip
    return described.fingerprint


def wish(person: Person) -> None:
    Policy.objects.create(account_id=person.account_id, decrypt=True)


def message(entity: Entity, author: str = "bob@example.org") -> bytes:
    outer = f"From: {author}\r\nSubject: [...]\r\nMessage-ID: <1@example.org>\r\n".encode()
    return b"".join(privacy.message(outer, entity))


def payload() -> bytes:
    return privacy.payload(*headers.split(INNER), b"Subject: [...]\r\n")


def delivered(person: Person) -> str:
    event = until(lambda: TraceEvent.objects.filter(kind="delivered", recipient=person.address).first())
    return str(event.detail)


def test_it_is_opened_and_its_signature_told(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    fingerprint = hold(alice, "openpgp", public("alice"), secret("alice"))
    hold(bob, "openpgp", public("alice"), secret("alice"))
    wish(alice)
    Key.objects.create(
        kind="openpgp", address="bob@example.org", account_id=alice.account_id, ours=False, public=public("bob"),
        fingerprint=keys.describe(public("bob")).fingerprint, origin="uploaded", trust="verified",
    )  # fmt: skip
    octets = message(openpgp.encrypt(payload(), [public("alice")], secret("bob")))
    assert send(services, octets, alice.address)[0] == 250
    assert send(services, octets, bob.address)[0] == 250
    [readable], [sealed] = messages(services, alice), messages(services, bob)
    assert b"quince" not in sealed
    header, body = headers.split(readable)
    assert body == b"quince\r\n"
    assert headers.first(header, b"subject") == b"quince"
    assert b"x-openpgp=pass" in header
    assert delivered(alice) == f"opened with the openpgp key {fingerprint}: x-openpgp=pass"
    assert delivered(bob) == ""
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=30) as client:
        client.login(alice.address, alice.password)
        client.select("INBOX")
        assert client.search(None, "TEXT", "quince")[1] == [b"1"]


def test_smime_with_a_signature_inside(services: Services, domain: Domain, alice: Person) -> None:
    authority = MailAuthority()
    own, signer = authority.issue(alice.address), authority.issue("bob@example.org")
    fingerprint = hold(alice, "smime", own.der, own.pkcs8)
    wish(alice)
    inside = signed.sign(b"Content-Type: text/plain\r\n\r\nquince\r\n", signer.der, signer.chain_der, signer.pkcs8)
    sealed = enveloped.encrypt(inside.fields + b"\r\n" + inside.body, [own.der])
    assert send(services, message(sealed), alice.address)[0] == 250
    [readable] = messages(services, alice)
    assert b"quince" in readable
    # Whoever issued it is nobody whom we believe.
    assert delivered(alice) == f"opened with the smime key {fingerprint}: smime=policy"


def test_what_cannot_be_opened_is_stored_as_it_came(services: Services, domain: Domain, alice: Person) -> None:
    hold(alice, "openpgp", public("bob"), secret("bob"))
    wish(alice)
    path = Path(__file__).parents[1] / "mail/openpgp/cases/for-alice.eml"
    assert send(services, path.read_bytes(), alice.address)[0] == 250
    [stored] = messages(services, alice)
    assert stored.endswith(path.read_bytes())
    assert delivered(alice) == ""


@pytest.mark.parametrize("sign", [False, True])
def test_what_is_not_encrypted_is_not_looked_at(
    services: Services, domain: Domain, alice: Person, sign: bool
) -> None:
    hold(alice, "openpgp", public("alice"), secret("alice"))
    wish(alice)
    entity = openpgp.sign(INNER, secret("bob")) if sign else Entity(b"Content-Type: text/plain\r\n", b"quince\r\n")
    assert send(services, message(entity), alice.address)[0] == 250
    assert b"quince" in messages(services, alice)[0]
    assert delivered(alice) == ""


def test_who_has_what_comes_in_encrypted_keeps_it_so(services: Services, domain: Domain, alice: Person) -> None:
    hold(alice, "openpgp", public("alice"), secret("alice"))
    encrypts(alice, "bob")
    Policy.objects.filter(account_id=alice.account_id).update(decrypt=True)
    octets = message(openpgp.encrypt(payload(), [public("alice")]))
    assert send(services, octets, alice.address)[0] == 250
    assert messages(services, alice)[0].endswith(octets)
