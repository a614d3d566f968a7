"""Where a recipient leads: aliases of every kind, folders, lists with their posters, and away with SRS."""

import imaplib
import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from tests.conftest import Person, make_person
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases
from webadmin.directory.models import Account, Domain

STRANGER = "Stranger.X@elsewhere.test"


def deliver(services: Services, recipient: str, sender: str = STRANGER, subject: str = "x") -> tuple[int, bytes]:
    """As a stranger, by port 25; the last reply."""
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=20) as client:
        client.ehlo()
        client.mail(sender)
        code, words = client.rcpt(recipient)
        if code != 250:
            return code, words
        return client.data(f"Subject: {subject}\r\n\r\nx\r\n".encode())


def submit(services: Services, sender: Person, recipient: str) -> tuple[int, bytes]:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender.address, recipient, "x"
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender.address, sender.password)
        client.mail(sender.address)
        code, words = client.rcpt(recipient)
        return client.data(message.as_bytes()) if code == 250 else (code, words)


def count(services: Services, person: Person, folder: str = "INBOX") -> int:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(person.address, person.password)
        [number] = client.select(folder, readonly=True)[1]
        return int(number or 0)


def test_an_alias_domain_has_the_same_addresses(services: Services, domain: Domain, alice: Person) -> None:
    other = actions.create_domain(OPERATOR, f"other-{domain.name}")
    actions.change_domain(OPERATOR, other, alias_of=domain)
    assert deliver(services, f"alice@{other.name}")[0] == 250
    assert deliver(services, f"nobody@{other.name}")[0] == 550
    assert count(services, alice) == 1
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(alice.address, alice.password)
        assert client.mail(f"alice@{other.name}")[0] == 250


def test_the_longest_wildcard_wins_and_a_name_beats_it(
    services: Services, domain: Domain, alice: Person, bob: Person, charlie: Person
) -> None:
    aliases.create_alias(OPERATOR, f"shop-*@{domain.name}", [alice.address])
    aliases.create_alias(OPERATOR, f"shop-book*@{domain.name}", [bob.address])
    aliases.create_alias(OPERATOR, f"shop-bookworm@{domain.name}", [charlie.address])
    aliases.create_alias(OPERATOR, f"@{domain.name}", [charlie.address])
    for name in ("shop-", "Shop-Tools+x", "shop-books", "shop-bookworm", "anything"):
        assert deliver(services, f"{name}@{domain.name}")[0] == 250
    assert [count(services, person) for person in (alice, bob, charlie)] == [2, 1, 2]


def test_a_disposable_address_ends(services: Services, domain: Domain, alice: Person) -> None:
    account = Account.objects.get(pk=alice.account_id)
    alias = aliases.create_disposable(OPERATOR, account, "the bookshop")
    assert deliver(services, str(alias))[0] == 250
    aliases.change_alias(OPERATOR, alias, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    # Not even a catch-all takes it.
    aliases.create_alias(OPERATOR, f"@{domain.name}", [alice.address])
    assert deliver(services, str(alias)) == (550, b"5.1.1 No such mailbox here")
    assert count(services, alice) == 1


@pytest.mark.parametrize("named", [True, False])
def test_a_detail_names_a_folder(services: Services, domain: Domain, alice: Person, named: bool) -> None:
    actions.change_domain(OPERATOR, domain, detail_folders=named)
    assert deliver(services, f"alice+archive@{domain.name}")[0] == 250
    assert deliver(services, f"alice+unknown@{domain.name}")[0] == 250
    assert (count(services, alice, "Archive"), count(services, alice)) == ((1, 1) if named else (0, 2))


def test_a_list_takes_mail_from_whom_it_may(
    services: Services, domain: Domain, alice: Person, bob: Person, charlie: Person
) -> None:
    elsewhere = actions.create_domain(OPERATOR, f"guests-{domain.name}")
    guest = make_person(elsewhere, "guest")
    address = f"team@{domain.name}"
    alias = aliases.create_alias(OPERATOR, address, [alice.address, bob.address], posting="members")

    def may(*people: Person) -> list[bool]:
        return [submit(services, person, address)[0] == 250 for person in people]

    assert deliver(services, address, alice.address)[0] == 550, "a sender address proves nothing"
    assert may(alice, charlie, guest) == [True, False, False]
    aliases.change_alias(OPERATOR, alias, posting="domain")
    assert may(charlie, guest) == [True, False]
    aliases.change_alias(OPERATOR, alias, posting="named", posters=[guest.address])
    assert may(alice, guest) == [False, True]
    aliases.change_alias(OPERATOR, alias, posting="everyone")
    assert deliver(services, address)[0] == 250
    assert submit(services, charlie, address)[0] == 250
    assert count(services, bob) == 5


def test_a_forward_is_sent_in_our_name_and_what_comes_back_is_sent_on(
    services: Services, domain: Domain, alice: Person
) -> None:
    for name in ("away.test", "elsewhere.test"):
        services.names.lead(name, "127.0.0.1")
    aliases.create_alias(OPERATOR, f"fwd@{domain.name}", ["her@away.test", alice.address])
    assert deliver(services, f"fwd@{domain.name}")[0] == 250
    taken = until(lambda: [one for one in services.far.taken if one.recipients == ["her@away.test"]])[0]
    sender = taken.mail.split(">")[0].removeprefix("<")
    assert sender.startswith("SRS0=")
    assert sender.endswith(f"=elsewhere.test=Stranger.X@{domain.name}")
    assert b"Return-Path" not in taken.text
    # A report comes back, and only a report.
    assert deliver(services, sender)[0] == 550
    assert deliver(services, sender, "", subject="a report")[0] == 250
    back = until(lambda: [one for one in services.far.taken if one.recipients == [STRANGER]])[0]
    assert back.mail.startswith("<>")
    assert b"a report" in back.text
    forged = sender.replace("=elsewhere.test=", "=other.test=")
    assert deliver(services, forged, "")[0] == 550
    assert count(services, alice) == 1


def test_what_cannot_be_forwarded_is_reported_to_its_sender(services: Services, domain: Domain) -> None:
    for name in ("refusing.test", "elsewhere.test"):
        services.names.lead(name, "127.0.0.1")
    services.far.never.add("gone")
    aliases.create_alias(OPERATOR, f"fwd@{domain.name}", ["gone@refusing.test"])
    assert deliver(services, f"fwd@{domain.name}", "origin@elsewhere.test")[0] == 250
    [report] = until(lambda: [one for one in services.far.taken if one.recipients == ["origin@elsewhere.test"]])
    assert report.mail.startswith("<>")
    assert b"Final-Recipient: rfc822; gone@refusing.test" in report.text
