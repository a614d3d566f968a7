"""A real Postfix as the far side, and as the side that sends."""

import email
import os
import smtplib
import ssl
import time
from collections.abc import Iterator

import pytest

from mailservices.store.routing import KEPT_SECONDS
from tests.conftest import Database, Person
from tests.e2e.test_sending import inbox, submit
from tests.postfix import DOMAIN, Postfix
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.queue import routes
from webadmin.queue.models import Route

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix starts for root only")


@pytest.fixture(scope="module")
def postfix(services: Services) -> Iterator[Postfix]:
    with Postfix(services.ports["smtp"]) as running:
        yield running


@pytest.fixture
def _way(committed: None, services: Services, postfix: Postfix) -> Iterator[None]:
    """Mail for its domain goes there, under TLS."""
    services.names.lead(DOMAIN, "127.0.0.1")
    routes.create_route(OPERATOR, recipient=DOMAIN, host="127.0.0.1", port=postfix.port, tls="encrypted")
    time.sleep(KEPT_SECONDS)
    yield
    Route.objects.all().delete()


def fields(report: bytes) -> str:
    """The part of a report that is for programs."""
    parts = email.message_from_bytes(report).walk()
    return next(str(part) for part in parts if part.get_content_type() == "message/delivery-status")


@pytest.mark.usefixtures("_way")
def test_postfix_takes_our_mail_whole(services: Services, postfix: Postfix, alice: Person) -> None:
    text = f"From: {alice.address}\r\nSubject: Dots\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    text += ".\r\n..\r\nFrom here\r\n" + "Grüße, " * 20 + "\r\n" + ("x" * 70 + "\r\n") * 20_000
    submit(services, alice, [f"pat@{DOMAIN}", f"quinn@{DOMAIN}"], text.encode())
    for user in ("pat", "quinn"):
        [taken] = until(lambda user=user: postfix.mailbox(user))
        assert taken.endswith(text.partition("\r\n\r\n")[2].encode())
        assert b"with ESMTPS" in taken


@pytest.mark.usefixtures("_way")
def test_postfix_reports_a_delivery_that_we_passed_on(services: Services, postfix: Postfix, alice: Person) -> None:
    """RFC 3461 §5.2.1: it knows DSN, so it hears what was asked for, and what it reports comes to our sender."""
    text = f"From: {alice.address}\r\nSubject: Told\r\n\r\nHello\r\n".encode()
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(alice.address, alice.password)
        recipient = f"pat@{DOMAIN}"
        client.sendmail(alice.address, [recipient], text, ["ENVID=QQ+2B1", "RET=HDRS"], ["NOTIFY=SUCCESS"])
    [report] = until(lambda: inbox(services, alice))
    found = fields(report)
    assert "Reporting-MTA: dns; mx.postfix.test" in found
    assert "Original-Envelope-Id: QQ+1" in found
    assert f"Original-Recipient: rfc822;{recipient}" in found
    assert "Action: delivered" in found


@pytest.mark.usefixtures("_way")
def test_whom_postfix_does_not_know_comes_back(
    services: Services, postfix: Postfix, alice: Person, database: Database
) -> None:
    submit(services, alice, [f"nobody@{DOMAIN}"])
    [report] = until(lambda: inbox(services, alice))
    assert "Status: 5.1.1" in fields(report)
    about = "SELECT a.about FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) WHERE r.address = %s"
    assert database.execute(about, [f"nobody@{DOMAIN}"]).fetchone() == ("mailbox",)


def test_postfix_sends_to_us_and_hears_what_we_refuse(
    services: Services, postfix: Postfix, alice: Person, bob: Person
) -> None:
    """Several recipients, of whom one is unknown: that one comes back to its sender, who is Postfix's."""
    before = len(postfix.mailbox("quinn"))
    nobody = f"nobody@{alice.address.partition('@')[2]}"
    body = "Grüße\r\n.\r\n" + ("y" * 76 + "\r\n") * 5000
    text = f"From: quinn@{DOMAIN}\r\nSubject: In\r\n\r\n{body}".encode()
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=20) as client:
        client.sendmail(f"quinn@{DOMAIN}", [alice.address, bob.address, nobody], text, ["BODY=8BITMIME"])
    for person in (alice, bob):
        [taken] = until(lambda person=person: inbox(services, person))
        assert taken.endswith(body.encode())
        assert b"from mx.postfix.test" in taken
    bounces = until(lambda: postfix.mailbox("quinn")[before:])
    assert any(b"5.1.1" in one and nobody.encode() in one for one in bounces)
