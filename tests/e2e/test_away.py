"""Mail that is forwarded by the owner of an account, and answered while she is away (RFC 3834)."""

import smtplib
import ssl
import time
from email import message_from_bytes

from tests.conftest import Person
from tests.e2e.test_leading import count, deliver, submit
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import aliases
from webadmin.directory.models import Account, Domain
from webadmin.own import actions as own
from webadmin.own.models import Answer, Answered
from webadmin.queue.models import Recipient


def account_of(person: Person) -> Account:
    return Account.objects.select_related("domain").get(pk=person.account_id)


def queued(address: str) -> Recipient | None:
    return Recipient.objects.select_related("message").filter(address=address).first()


def send(services: Services, to: str, sender: str, fields: str) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=20) as client:
        client.ehlo()
        client.mail(sender)
        client.rcpt(to)
        assert client.data(f"{fields}\r\n\r\nx\r\n".encode())[0] == 250


def test_mail_is_forwarded_with_a_copy_and_without(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    account = account_of(alice)
    own.forward(OPERATOR, account, [bob.address, f"alice@elsewhere-{domain.name}"])
    assert deliver(services, alice.address)[0] == 250
    assert (count(services, alice), count(services, bob)) == (1, 1)
    row = queued(f"alice@elsewhere-{domain.name}")
    assert row is not None
    # RFC 7208: the next host is told one of our addresses.
    assert (row.received_as, row.message.sender.startswith("SRS0=")) == (alice.address, True)
    own.forward(OPERATOR, account, [bob.address], keep=False)
    assert deliver(services, alice.address)[0] == 250
    assert (count(services, alice), count(services, bob)) == (1, 2)


def test_forwarding_in_a_circle_or_to_nobody_loses_nothing(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    own.forward(OPERATOR, account_of(alice), [bob.address], keep=False)
    own.forward(OPERATOR, account_of(bob), [alice.address], keep=False)
    assert deliver(services, alice.address)[0] == 250
    assert (count(services, alice), count(services, bob)) == (1, 1)
    own.forward(OPERATOR, account_of(alice), [f"nobody@{domain.name}"], keep=False)
    assert deliver(services, alice.address)[0] == 250
    assert count(services, alice) == 2


def test_whoever_writes_is_answered_once(services: Services, domain: Domain, alice: Person, bob: Person) -> None:
    own.change_vacation(OPERATOR, account_of(alice), active=True, text="I am away.")
    stranger = f"Stranger@elsewhere-{domain.name}"
    for number in range(2):
        send(
            services, alice.address, stranger, f"To: {alice.address}\r\nSubject: lunch\r\nMessage-ID: <{number}@x>"
        )
    until(lambda: queued(stranger))
    until(lambda: not Answer.objects.exists())
    row = queued(stranger)
    assert row is not None
    assert Recipient.objects.filter(address=stranger).count() == 1
    assert (row.message.sender, row.message.account_id) == ("", alice.account_id)
    answer = message_from_bytes(bytes(row.message.header))
    assert (answer["Auto-Submitted"], answer["In-Reply-To"]) == ("auto-replied", "<0@x>")
    assert (answer["From"], answer["To"], answer["Subject"]) == (alice.address, stranger, "Auto: lunch")
    assert "DKIM-Signature" in message_from_bytes(bytes(row.message.prefix))
    # Somebody here, too; and she is away herself: answers are not answered.
    own.change_vacation(OPERATOR, account_of(bob), active=True, text="I am away, too.")
    assert submit(services, bob, alice.address)[0] == 250
    until(lambda: count(services, bob) == 1)
    until(lambda: not Answer.objects.exists())
    assert (count(services, alice), count(services, bob)) == (3, 1)
    assert Answered.objects.filter(account_id=alice.account_id).count() == 2


def test_lists_strangers_to_the_address_and_others_days_are_not_answered(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    account = account_of(alice)
    own.change_vacation(OPERATOR, account, active=True, text="I am away.")
    aliases.create_alias(OPERATOR, f"info@{domain.name}", [alice.address])
    aliases.create_alias(OPERATOR, f"team@{domain.name}", [alice.address, bob.address])
    at = f"elsewhere-{domain.name}"
    send(services, alice.address, f"list@{at}", f"To: {alice.address}\r\nList-Id: <x.example>")
    send(services, alice.address, f"robot@{at}", f"To: {alice.address}\r\nAuto-Submitted: auto-generated")
    send(services, alice.address, f"blind@{at}", f"To: somebody@{at}")
    send(services, alice.address, "", f"To: {alice.address}")
    send(services, f"team@{domain.name}", f"group@{at}", f"To: team@{domain.name}")
    send(services, f"info@{domain.name}", f"alias@{at}", f"To: info@{domain.name}")
    until(lambda: queued(f"alias@{at}"))
    until(lambda: not Answer.objects.exists())
    assert Answered.objects.filter(account=account).count() == 1
    own.change_vacation(OPERATOR, account, active=False)
    send(services, alice.address, f"late@{at}", f"To: {alice.address}")
    time.sleep(0.1)
    assert not Answer.objects.exists()


def test_what_was_held_is_answered_once_it_is_let_go(services: Services, alice: Person, bob: Person) -> None:
    own.change_vacation(OPERATOR, account_of(alice), active=True, text="I am away.")
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(bob.address, bob.password)
        assert client.mail(bob.address, ["HOLDFOR=1"])[0] == 250
        client.rcpt(alice.address)
        assert client.data(f"From: {bob.address}\r\nTo: {alice.address}\r\n\r\nx\r\n".encode())[0] == 250
    until(lambda: count(services, bob) == 1)
    assert count(services, alice) == 1
