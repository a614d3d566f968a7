"""Mail that is encrypted before it is stored: nothing readable stays, nothing is lost, and its owner reads it."""

import imaplib
import smtplib
import ssl
import subprocess
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from mailservices.mail import headers
from tests.conftest import Database, Person
from tests.e2e.private import encrypts, encrypts_by_certificate, found, in_files, is_enclosed, messages, opened
from tests.e2e.test_receiving import Port25
from tests.mail_certificates import MailAuthority
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.directory.models import Account, Domain
from webadmin.mailstore.models import Wording
from webadmin.own import actions as own
from webadmin.own.models import Answer
from webadmin.privacy.models import Key, Notice
from webadmin.queue import actions as queue
from webadmin.queue.models import Recipient
from webadmin.reports.models import Return
from webadmin.trace.models import TraceEvent

STRANGER = "stranger@elsewhere.test"


def letter(word: str, to: str, padding: int = 0) -> bytes:
    """A message in which a word stands wherever one may."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = STRANGER, to, f"About {word}"
    message["Message-ID"], message["X-Mood"], message["Keywords"] = "<1@elsewhere.test>", f"{word}ly", word
    message.set_content(f"Dear Alice,\n{word} it is.\n" + "All work and no play.\n" * padding)
    message.add_alternative(f"<p>{word} it is", subtype="html")
    message.add_attachment(f"{word}, attached".encode(), maintype="text", subtype="plain", filename=f"{word}.txt")
    return message.as_bytes()


def send(services: Services, octets: bytes, *to: str, sender: str = STRANGER) -> tuple[int, bytes]:
    """The last reply."""
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=60) as client:
        client.ehlo()
        client.mail(sender)
        for recipient in to:
            code, words = client.rcpt(recipient)
            if code != 250:
                return code, words
        return client.data(octets)


def traced(person: Person) -> TraceEvent | None:
    return TraceEvent.objects.filter(recipient__contains=person.address, kind="accepted").first()


@pytest.mark.parametrize("padding", [0, 60_000])
def test_nothing_readable_stays(
    services: Services, database: Database, domain: Domain, alice: Person, padding: int
) -> None:
    word = f"quince{padding}x{alice.account_id}"
    encrypts(alice)
    assert send(services, letter(word, alice.address, padding), alice.address)[0] == 250
    [message] = messages(services, alice)
    assert opened(message).count(word.encode()) == 6
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=30) as client:
        client.login(alice.address, alice.password)
        client.select("INBOX")
        assert client.uid("SORT", "(SUBJECT)", "UTF-8", "ALL")[1] == [b"1"]
        assert client.thread("REFERENCES", "UTF-8", "ALL")[1] == [b"(1)"]
        [shown] = client.fetch("1", "(ENVELOPE BODYSTRUCTURE PREVIEW)")[1]
        assert b'"[...]"' in shown
        assert b'"ENCRYPTED"' in shown
        assert client.search(None, "TEXT", word)[1] == [b""]
        assert client.search(None, "FUZZY", "TEXT", word)[1] == [b""]
        assert client.search(None, "FROM", "stranger", "TO", "alice", "HEADER", "Message-ID", "1@else")[1] == [
            b"1"
        ]
    until(lambda: traced(alice))
    until(lambda: Wording.objects.filter(account_id=alice.account_id).exists())
    assert found(database, word) == []
    assert in_files(services, word) == []


def test_nothing_readable_stays_beside_smime(
    services: Services, database: Database, domain: Domain, alice: Person, tmp_path: Path
) -> None:
    word = f"pomelo{alice.account_id}"
    issued = MailAuthority().issue(alice.address)
    encrypts_by_certificate(alice, issued.der)
    assert send(services, letter(word, alice.address), alice.address)[0] == 250
    [message] = messages(services, alice)
    (tmp_path / "message.eml").write_bytes(message)
    (tmp_path / "alice.pem").write_text(issued.pem)
    command = ["openssl", "cms", "-decrypt", "-in", "message.eml", "-recip", "alice.pem", "-inkey", "alice.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=30)
    assert done.stdout.count(word.encode()) == 6
    assert found(database, word) == []


def test_its_owner_has_all_that_was_written(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice)
    octets = letter("medlar", alice.address)
    assert send(services, octets, alice.address)[0] == 250
    [message] = messages(services, alice)
    outer, _ = headers.split(message)
    inner, body = headers.split(opened(message))
    assert body == headers.split(octets)[1]
    for name, value in headers.fields(headers.split(octets)[0]):
        if name != b"content-type":
            assert headers.first(inner, name) == headers.unfold(value)
    assert [name for name, _ in headers.fields(outer)] == [
        b"return-path", b"delivered-to", b"received", b"authentication-results", b"from", b"to", b"subject",
        b"message-id", b"mime-version", b"content-type",
    ]  # fmt: skip


def test_a_subject_may_be_shown(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, hide=False)
    assert send(services, letter("loquat", alice.address), alice.address)[0] == 250
    [message] = messages(services, alice)
    assert headers.first(headers.split(message)[0], b"subject") == b"About loquat"
    assert message.count(b"loquat") == 1


def test_others_have_it_as_it_is(
    services: Services, database: Database, domain: Domain, alice: Person, bob: Person
) -> None:
    encrypts(alice)
    services.names.lead("away.test", "127.0.0.1")
    own.forward(OPERATOR, Account.objects.get(pk=bob.account_id), [f"copy-{domain.name}@away.test"])
    assert send(services, letter("rowan", bob.address), alice.address, bob.address)[0] == 250
    [sealed], [readable] = messages(services, alice), messages(services, bob)
    assert b"rowan" not in sealed
    assert readable.count(b"rowan") == 6
    assert opened(sealed).count(b"rowan") == 6
    event = until(lambda: traced(alice))
    assert event is not None
    assert event.subject == ""
    row = Recipient.objects.select_related("message").get(address=f"copy-{domain.name}@away.test")
    assert b"rowan" in bytes(row.message.header)
    # Nor is the search blind.
    tables = {place.partition(":")[0] for place in found(database, "rowan")}
    assert {"mail_blob", "mail_content", "queue_message"} <= tables


def test_what_is_encrypted_already_is_left_alone(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, "bob")
    path = Path(__file__).parents[1] / "mail/openpgp/cases/for-alice.eml"
    octets = path.read_bytes()
    assert send(services, octets, alice.address)[0] == 250
    [message] = messages(services, alice)
    assert message.endswith(octets)


def test_mail_of_our_own_people_and_by_lmtp(
    services: Services, database: Database, domain: Domain, alice: Person, bob: Person
) -> None:
    word = f"sorrel{alice.account_id}"
    encrypts(alice)
    octets = letter(word, alice.address).replace(STRANGER.encode(), bob.address.encode())
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(bob.address, bob.password)
        client.mail(bob.address)
        client.rcpt(alice.address, ["NOTIFY=SUCCESS"])
        assert client.data(octets)[0] == 250
    with smtplib.LMTP("127.0.0.1", services.ports["lmtp"]) as client:
        client.sendmail(STRANGER, [alice.address], octets)
    first, second = messages(services, alice)
    assert opened(first).count(word.encode()) == opened(second).count(word.encode()) == 6
    # Signatures tell whether a guess at the text is right.
    assert b"DKIM-Signature" not in first
    assert b"DKIM-Signature" in opened(first)
    # The report that it was delivered comes to the sender.
    until(lambda: len(messages(services, bob)) == 1)
    assert found(database, word) == []


def test_what_is_held_until_a_moment(
    services: Services, database: Database, domain: Domain, alice: Person, bob: Person
) -> None:
    word = f"tansy{alice.account_id}"
    encrypts(alice)
    octets = letter(word, alice.address).replace(STRANGER.encode(), bob.address.encode())
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(bob.address, bob.password)
        client.ehlo()
        client.mail(bob.address, ["HOLDFOR=1"])
        client.rcpt(alice.address)
        assert client.data(octets)[0] == 250
    until(lambda: len(messages(services, alice)) == 1)
    [message] = messages(services, alice)
    assert opened(message).count(word.encode()) == 6
    assert b"DKIM-Signature" in opened(message)
    # The queue's copy went with the delivery.
    until(lambda: Recipient.objects.filter(address=alice.address, settled_at__isnull=False).exists())
    assert found(database, word) == []


def test_what_was_held_waits_for_a_key_that_can_be_used(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    encrypts(alice)
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(bob.address, bob.password)
        client.ehlo()
        client.mail(bob.address, ["HOLDFOR=2"])
        client.rcpt(alice.address)
        assert client.data(letter("rue", alice.address).replace(STRANGER.encode(), bob.address.encode()))[0] == 250
    Key.objects.filter(account_id=alice.account_id).delete()
    row = until(lambda: Recipient.objects.filter(address=alice.address, attempts__gt=0).first())
    assert row is not None
    assert (row.state, row.last_reply[:9]) == ("waiting", "451 4.7.5")
    [notice] = Notice.objects.filter(account_id=alice.account_id)
    assert notice.words == "there is no key that mail is encrypted to"
    encrypts(alice, "bob")
    queue.retry_now(OPERATOR, Recipient.objects.filter(pk=row.pk))
    # She may have been told of it by mail, too.
    [delivered] = until(lambda: [one for one in messages(services, alice) if is_enclosed(one)])
    assert b"rue" in opened(delivered, "bob")


def test_reports_and_answers_are_encrypted_too(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    encrypts(alice)
    own.change_vacation(OPERATOR, Account.objects.get(pk=bob.account_id), active=True, text="I am away.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = alice.address, bob.address, "figs"
    message.set_content("figs")
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(alice.address, alice.password)
        client.mail(alice.address)
        client.rcpt(bob.address, ["NOTIFY=SUCCESS"])
        assert client.data(message.as_bytes())[0] == 250
    until(lambda: len(messages(services, alice)) == 2)
    payloads = [opened(one) for one in messages(services, alice)]
    assert sorted(b"I am away" in one or b"SSBhbSBhd2F5" in one for one in payloads) == [False, True]
    assert any(b"message/delivery-status" in one for one in payloads)


def test_what_came_back_is_counted_without_its_text(
    services: Services, database: Database, domain: Domain, alice: Person
) -> None:
    word = f"hyssop{alice.account_id}"
    encrypts(alice)
    to = f"gone@elsewhere-{domain.name}"
    services.names.lead(f"elsewhere-{domain.name}", "127.0.0.1")
    sent = EmailMessage()
    sent["From"], sent["To"], sent["Subject"], sent["Message-ID"] = alice.address, to, "x", f"<{word}@x>"
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(alice.address, alice.password)
        client.sendmail(alice.address, [to], sent.as_bytes())
    row = until(lambda: Recipient.objects.filter(address=to, state="relayed").first())
    assert row is not None
    bounce = (
        f"From: MAILER-DAEMON@elsewhere.test\r\nTo: {alice.address}\r\nSubject: About {word}z\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\n\r\nYour message of {word}z came back.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.elsewhere.test\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\n"
        "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{word}@x>\r\nSubject: {word}z\r\n\r\n{word}z\r\n--b--\r\n"
    ).encode()
    assert send(services, bounce, alice.address, sender="")[0] == 250
    back = until(lambda: Return.objects.filter(recipient_id=row.pk).first())
    assert back is not None
    assert (back.what, back.status, back.text) == ("failed", "5.1.1", "550 5.1.1 No such user")
    [message] = messages(services, alice)
    assert opened(message).count(f"{word}z".encode()) == 4
    assert found(database, f"{word}z") == []


def test_an_answer_in_her_place_tells_no_subject(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice)
    own.change_vacation(OPERATOR, Account.objects.get(pk=alice.account_id), active=True, text="I am away.")
    stranger = f"stranger@elsewhere-{domain.name}"
    assert send(services, letter("myrrh", alice.address), alice.address, sender=stranger)[0] == 250
    row = until(lambda: Recipient.objects.select_related("message").filter(address=stranger).first())
    until(lambda: not Answer.objects.exists())
    assert row is not None
    assert headers.first(bytes(row.message.header), b"subject") == b"Auto: your message"


def test_a_key_that_cannot_be_used_has_mail_wait(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, "expired")
    for number in range(2):
        code, words = send(services, letter("hemlock", alice.address), alice.address)
        assert (code, words[:5]) == (451, b"4.7.5"), number
    assert messages(services, alice) == []
    [notice] = Notice.objects.filter(account_id=alice.account_id)
    assert (notice.about, notice.words) == ("broken", "the key expired on 2020-06-01")
    # With another key, it comes in.
    actions.Account.objects.filter(pk=alice.account_id).update(encrypts="")
    assert send(services, letter("hemlock", alice.address), alice.address)[0] == 250
    assert len(messages(services, alice)) == 1


def test_a_key_that_cannot_be_used_has_mail_stored_as_it_is_where_that_is_wished(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    encrypts(alice, "revoked", when_broken="deliver")
    assert send(services, letter("yarrow", alice.address), alice.address, bob.address)[0] == 250
    [message] = messages(services, alice)
    assert message.count(b"yarrow") == 6
    assert len(messages(services, bob)) == 1
    [notice] = Notice.objects.filter(account_id=alice.account_id)
    assert notice.words == "the key was revoked"
    event = until(lambda: traced(alice))
    assert event is not None
    assert event.subject == ""


def test_a_key_that_is_damaged_or_a_certificate_that_has_ended(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    encrypts(alice)
    Key.objects.filter(account_id=alice.account_id).update(public=b"damaged")
    since, until_then = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    ended = MailAuthority().issue(bob.address, since=since, until=until_then)
    encrypts_by_certificate(bob, ended.der)
    for person, why in ((alice, "this is no OpenPGP certificate"), (bob, "the key expired on 2026-01-01")):
        assert send(services, letter("basil", person.address), person.address)[1][:5] == b"4.7.5"
        [notice] = Notice.objects.filter(account_id=person.account_id)
        assert notice.words.startswith(why)


def test_what_is_refused_leaves_no_subject_either(
    services: Services, database: Database, domain: Domain, alice: Person
) -> None:
    word = f"wolfsbane{alice.account_id}"
    encrypts(alice)
    conversation = Port25(services)
    assert conversation.send(alice.address, letter(word, alice.address) + b"a\rb\r\n.\r\n").startswith("5")
    conversation.close()
    until(lambda: TraceEvent.objects.filter(kind="refused", recipient=alice.address).exists())
    assert found(database, word) == []


def test_of_several_keys_one_that_can_be_used_suffices(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, "expired")
    encrypts(alice, "bob")
    assert send(services, letter("woad", alice.address), alice.address)[0] == 250
    [message] = messages(services, alice)
    assert b"woad" in opened(message, "bob")
    assert not Notice.objects.filter(account_id=alice.account_id).exists()


def test_nobody_is_held_up_by_the_key_of_another(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    encrypts(alice, "expired")
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=20) as client:
        client.ehlo()
        client.mail(STRANGER)
        assert client.rcpt(alice.address)[0] == 451
        assert client.rcpt(bob.address)[0] == 250
        assert client.data(letter("dill", bob.address))[0] == 250
    assert len(messages(services, bob)) == 1
