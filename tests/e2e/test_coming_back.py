"""Bounces and complaints that come in: delivered as ever, and linked with the mail that we sent."""

import json
import smtplib
from collections.abc import Callable, Iterator

import pytest

from mailservices.mail.suppressing import HITS
from tests.conftest import Database, Person
from tests.e2e.test_sending import inbox, state, submit
from tests.services import Services, until
from tests.world import Program
from webadmin.audit.record import OPERATOR
from webadmin.queue.models import Suppression
from webadmin.reports.models import Return, Suspect
from webadmin.trace.models import TraceEvent
from webadmin.webhooks import actions as webhooks
from webadmin.webhooks.models import Webhook

BOUNCE = """\
From: MAILER-DAEMON@{host}
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
"""
COMPLAINT = """\
From: feedback@{host}
Subject: a complaint
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1
Original-Rcpt-To: <{recipient}>
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
"""


@pytest.fixture(autouse=True)
def _tidy(committed: None) -> Iterator[None]:
    yield
    Suppression.objects.all().delete()
    Webhook.objects.all().delete()


def relayed(services: Services, database: Database, sender: Person, recipient: str, message_id: str) -> None:
    services.names.lead(recipient.partition("@")[2], "127.0.0.1")
    submit(services, sender, [recipient], f"Message-ID: {message_id}\r\nSubject: x\r\n\r\nx\r\n".encode())
    until(lambda: state(database, recipient) == "relayed")


def report(
    services: Services, form: str, to: str, recipient: str, message_id: str, sender: str = ""
) -> Callable[[], bool]:
    """Comes in from elsewhere; the answer says whether it was read."""
    text = form.format(host=recipient.partition("@")[2], recipient=recipient, message_id=message_id)
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=20) as client:
        client.sendmail(sender, [to], text.replace("\n", "\r\n"))
    return lambda: not Suspect.objects.filter(recipients=[to]).exists()


def test_a_bounce_is_linked_counted_and_told(services: Services, alice: Person, database: Database) -> None:
    program = Program()
    webhooks.create_webhook(OPERATOR, url=f"http://127.0.0.1:{program.port}/", domain="returns.test")
    for number in range(HITS):
        recipient, message_id = "vanished@returns.test", f"<returned-{number}@us.test>"
        relayed(services, database, alice, recipient, message_id)
        until(report(services, BOUNCE, alice.address, recipient, message_id))
        # Once more: it counts once.
        until(report(services, BOUNCE, alice.address, recipient, message_id))
        assert len(inbox(services, alice)) == 2 * number + 2
        found = Return.objects.get(recipient__message__message_id_field=message_id)
        assert (found.what, found.status, found.about, found.reporter) == (
            "failed", "5.1.1", "mailbox", "returns.test",
        )  # fmt: skip
        assert found.text == "550 5.1.1 User unknown"
        assert Suppression.objects.get(address=recipient).hits == number + 1
        event = TraceEvent.objects.get(message_id_field=message_id, kind="bounced")
        assert event.trace_id == found.recipient.message_id
    told = until(lambda: [json.loads(one.body) for one in program.asked if b"recipient.bounced" in one.body])
    assert told[0]["data"]["reply"] == "5.1.1 550 5.1.1 User unknown"
    program.stop()


@pytest.mark.parametrize("forged", ["another message", "another recipient", "another reader"])
def test_a_forged_bounce_does_nothing(
    services: Services, alice: Person, bob: Person, database: Database, forged: str
) -> None:
    recipient, message_id = "here@forged.test", f"<{forged.replace(' ', '-')}@us.test>"
    relayed(services, database, alice, recipient, message_id)
    to = bob.address if forged == "another reader" else alice.address
    named = "else@forged.test" if forged == "another recipient" else recipient
    until(report(services, BOUNCE, to, named, "<x@us.test>" if forged == "another message" else message_id))
    assert not Return.objects.filter(recipient__message__message_id_field=message_id).exists()
    assert not Suppression.objects.exists()


def test_a_complaint_is_linked_and_suppresses_nobody(
    services: Services, alice: Person, bob: Person, database: Database
) -> None:
    recipient, message_id = "reader@complaints.test", "<complained@us.test>"
    relayed(services, database, alice, recipient, message_id)
    until(report(services, COMPLAINT, bob.address, recipient, message_id, "feedback@complaints.test"))
    found = Return.objects.get(recipient__address=recipient)
    assert (found.what, found.text) == ("complained", "abuse: Loop/1")
    assert TraceEvent.objects.filter(message_id_field=message_id, kind="complained").exists()
    assert not Suppression.objects.exists()
    assert len(inbox(services, bob)) == 1


def test_mail_that_is_no_report_is_not_looked_at(services: Services, alice: Person) -> None:
    form = "Subject: Hello\n\nA letter.\n"
    assert report(services, form, alice.address, "x@letters.test", "", "bob@letters.test")()
    assert len(inbox(services, alice)) == 1
