"""Signed out everywhere: what stands by IMAP, POP3 and SMTP ends, and nobody else's."""

import imaplib
import poplib
import smtplib
import ssl

from tests.conftest import Person
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import lifecycle
from webadmin.directory.models import Account


def test_all_sessions_of_the_account_end(services: Services, alice: Person, bob: Person) -> None:
    reader = imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20)
    reader.login(alice.address, alice.password)
    other = imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20)
    other.login(bob.address, bob.password)
    maildrop = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
    maildrop.user(alice.address)
    maildrop.pass_(alice.password)
    sender = smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20)
    sender.starttls(context=ssl._create_unverified_context())
    sender.login(alice.address, alice.password)
    lifecycle.sign_out(OPERATOR, Account.objects.get(pk=alice.account_id))

    def has_ended(act: object, *errors: type[Exception]) -> bool:
        try:
            act()  # type: ignore[operator]
        except errors:
            return True
        return False

    until(lambda: has_ended(reader.noop, imaplib.IMAP4.abort, OSError))
    until(lambda: has_ended(maildrop.noop, poplib.error_proto, OSError, EOFError))
    until(lambda: has_ended(lambda: sender.docmd("noop"), smtplib.SMTPServerDisconnected))
    for file in (reader.file, reader.sock, maildrop.file, maildrop.sock, sender):
        file.close()
    assert other.noop()[0] == "OK"
    other.logout()
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as again:
        assert again.login(alice.address, alice.password)[0] == "OK"
