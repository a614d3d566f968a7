"""DKIM and ARC of what comes in, Authentication-Results, the seal of what is forwarded; dkimpy is the judge."""

import imaplib
import time

import dkim
import pytest

from mailservices.mail.arc.seal import seal
from mailservices.mail.authentication_results import text
from mailservices.mail.dkim.canonical import BodyHashes, Form
from mailservices.mail.dkim.sign import Key, Signer, new_private, record
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.findings import Finding, Result
from tests.conftest import Person
from tests.e2e.test_policy import STRANGER, Client, folder_of, send, strict, wish  # noqa: F401 - a fixture
from tests.services import HOSTNAME, Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import aliases
from webadmin.directory.models import Domain
from webadmin.policy import actions
from webadmin.signing.models import DkimKey

HEADER = b"From: a@sender.test\r\nTo: x@us.test\r\nSubject: Hello\r\n"
BODY = b"How do you do?\r\n"


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("s1", new_private(Algorithm.ED25519))


@pytest.fixture
def signed(strict: Services, key: Key) -> Services:  # noqa: F811 - a fixture
    """A world in which sender.test publishes its key, and wishes that forged mail is refused."""
    strict.names.say("s1._domainkey.sender.test", record(key.private))
    strict.names.say("_dmarc.sender.test", "v=DMARC1; p=reject; adkim=s")
    return strict


def signature(key: Key) -> bytes:
    signer = Signer(HEADER + b"\r\n", [key], "sender.test", int(time.time()))
    signer.feed(BODY)
    return signer.finish()


def deliver(world: Services, to: str, message: bytes) -> tuple[int, bytes]:
    with Client(world, STRANGER) as client:
        client.ehlo()
        client.mail("a@sender.test")
        code, words = client.rcpt(to)
        return client.data(message) if code == 250 else (code, words)


def read(world: Services, person: Person) -> bytes:
    with imaplib.IMAP4("127.0.0.1", world.ports["imap"], timeout=20) as client:
        client.login(person.address, person.password)
        client.select("INBOX", readonly=True)
        [(_, octets), *_] = client.fetch("1", "(BODY.PEEK[])")[1]  # type: ignore[misc]
        return bytes(octets)


def test_what_was_found_stands_above_the_message(
    signed: Services, domain: Domain, alice: Person, key: Key
) -> None:
    forged = f"Authentication-Results: {HOSTNAME}; dmarc=pass header.from=bank.test\r\n".encode()
    foreign = b"Authentication-Results: elsewhere.test; spf=pass\r\n"
    wish(domain, dkim="refuse", dmarc="apply")
    assert deliver(signed, alice.address, forged + foreign + signature(key) + HEADER + b"\r\n" + BODY)[0] == 250
    message = read(signed, alice)
    lines = message.decode().split("\r\n")
    assert lines[1] == f"Delivered-To: {alice.address}"
    told = message.decode().replace("\r\n\t", " ")
    assert f"Authentication-Results: {HOSTNAME};" in told
    assert "dkim=pass header.d=sender.test" in told
    assert "dmarc=pass" in told
    assert b"bank.test" not in message, "RFC 8601 §5: nobody else speaks in our name"
    assert foreign in message


def test_a_broken_signature_is_refused_where_the_domain_says_so(
    signed: Services, domain: Domain, alice: Person, key: Key
) -> None:
    wish(domain, dkim="refuse")
    changed = signature(key) + HEADER + b"\r\n" + BODY + b"more\r\n"
    assert deliver(signed, alice.address, changed) == (550, b"5.7.20 DKIM: no signature of this message holds")
    signed.names.failing.add("s1._domainkey.sender.test")
    whole = signature(key) + HEADER.replace(b"Hello", b"Hello ") + b"\r\n" + BODY
    assert deliver(signed, alice.address, whole)[0] == 451, "nobody can tell"
    assert deliver(signed, alice.address, HEADER + b"\r\n" + BODY)[0] == 250, "no signature is no broken one"


def sealed(world: Services, by: Key, saw: Result) -> bytes:
    """A message of sender.test to which a list has added a line, with the seal of lists.test."""
    world.names.say("l1._domainkey.lists.test", record(by.private))
    hashes = BodyHashes()
    hashes.want(Form.RELAXED)
    hashes.feed(BODY + b"-- the list\r\n")
    found = Finding("dkim", saw, "", (("header.d", "sender.test"),))
    fields = seal(
        HEADER + b"\r\n", hashes.digest(Form.RELAXED), Result.NONE, text("lists.test", [found]), by, "lists.test",
        int(time.time()),
    )  # fmt: skip
    return fields + HEADER + b"\r\n" + BODY + b"-- the list\r\n"


def test_a_trusted_list_may_break_what_it_found_sound(signed: Services, domain: Domain, alice: Person) -> None:
    by = Key("l1", new_private(Algorithm.ED25519))
    wish(domain, dkim="note", dmarc="apply")
    assert deliver(signed, alice.address, sealed(signed, by, Result.PASS))[0] == 550
    sealer = actions.trust_sealer(OPERATOR, "lists.test")
    wish(domain, dkim="note", dmarc="apply")
    try:
        assert deliver(signed, alice.address, sealed(signed, by, Result.FAIL))[0] == 550
        assert deliver(signed, alice.address, sealed(signed, by, Result.PASS))[0] == 250
    finally:
        sealer.delete()
    told = read(signed, alice).decode().replace("\r\n\t", " ")
    assert "arc=pass" in told
    assert "dmarc=fail" in told


def test_what_is_forwarded_is_sealed(signed: Services, domain: Domain, key: Key) -> None:
    wish(domain, dkim="note", dmarc="apply")
    signed.names.lead("sealed.test", "127.0.0.1")
    aliases.create_alias(OPERATOR, f"fwd@{domain.name}", ["his@sealed.test"])
    text_sent = signature(key) + HEADER + b"\r\n" + BODY
    assert deliver(signed, f"fwd@{domain.name}", text_sent)[0] == 250
    taken = until(lambda: [one for one in signed.far.taken if one.recipients == ["his@sealed.test"]])[0]
    published = {b"s1._domainkey.sender.test.": record(key.private).encode()}
    for one in DkimKey.objects.filter(domain=domain):
        published[f"{one.name}.".encode()] = one.record.encode()
    verdict, results, reason = dkim.ARC(taken.text).verify(lambda name, timeout=5: published.get(name))
    assert (verdict, reason) == (b"pass", "success"), results
    assert b"dkim=pass" in taken.text
    assert b"Delivered-To: fwd@" in taken.text
