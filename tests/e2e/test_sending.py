"""Mail out: submitted, queued, sent by the workers to a far side, retried, reported."""

import email
import email.policy
import imaplib
import os
import signal
import smtplib
import ssl
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailservices.net.dns import TROUBLE_SECONDS
from tests.conftest import Database, Person
from tests.services import Services, until


def submit(services: Services, sender: Person, recipients: list[str], text: bytes | None = None) -> None:
    """By STARTTLS and AUTH, as a mail program does."""
    if text is None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender.address, ", ".join(recipients), "Hello"
        message.set_content("How do you do?\n.\n..dots\n")
        text = message.as_bytes(policy=email.policy.SMTP)
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender.address, sender.password)
        client.sendmail(sender.address, recipients, text)


def test_msmtp_submits(services: Services, alice: Person, bob: Person, tmp_path: Path) -> None:
    """It checks the certificate against the appliance's own, and signs in by what is best of what both know."""
    trusted = services.environment["FACTEUR_TLS_CERTIFICATE"]
    settings = tmp_path / "msmtprc"
    settings.touch(mode=0o600)
    settings.write_text(
        f"account a\nhost localhost\nport {services.ports['submission']}\nfrom {alice.address}\n"
        f"tls on\ntls_trust_file {trusted}\nauth on\nuser {alice.address}\npassword {alice.password}\n"
    )
    text = f"From: {alice.address}\nTo: {bob.address}\nSubject: by msmtp\n\n.a dot\n"
    done = subprocess.run(
        ["msmtp", "-C", str(settings), "-a", "a", "-N", "delay,failure", bob.address],
        input=text.encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [message] = inbox(services, bob)
    assert b"with ESMTPSA" in message
    assert message.endswith(b"Subject: by msmtp\r\n\r\n.a dot\r\n")


def inbox(services: Services, person: Person) -> list[bytes]:
    """Every message in a person's INBOX."""
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(person.address, person.password)
        client.select("INBOX", readonly=True)
        # Flags may be told in between.
        return [part[1] for part in client.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]


def retry_now(database: Database, address: str) -> None:
    """What the dashboard's "retry now" does: an UPDATE, and its lane is open again."""
    database.execute(
        "UPDATE queue_lane SET down_until = NULL WHERE lane IN "
        "(SELECT destination FROM queue_recipient WHERE address = %s)",
        [address],
    )
    database.execute("UPDATE queue_recipient SET next_attempt_at = now() WHERE address = %s", [address])


def state(database: Database, address: str) -> object:
    row = database.execute("SELECT state FROM queue_recipient WHERE address = %s", [address]).fetchone()
    return row[0] if row else None


def test_sends_by_tls_and_keeps_the_text(services: Services, alice: Person) -> None:
    services.names.lead("outside.test", "127.0.0.1")
    submit(services, alice, ["someone@outside.test"])
    taken = until(lambda: [one for one in services.far.taken if one.recipients == ["someone@outside.test"]])
    assert taken[0].tls
    assert taken[0].mail.startswith(f"<{alice.address}>")
    message = email.message_from_bytes(taken[0].text)
    assert message.get_payload() == "How do you do?\r\n.\r\n..dots\r\n"
    assert message["Date"]
    assert message["Message-ID"]
    assert not message["Return-Path"]


def test_one_transaction_serves_here_and_elsewhere(services: Services, alice: Person, bob: Person) -> None:
    services.names.lead("both.test", "127.0.0.1")
    submit(services, alice, [bob.address, "her@both.test"])
    assert until(lambda: inbox(services, bob))
    assert until(lambda: [one for one in services.far.taken if one.recipients == ["her@both.test"]])


def test_later_is_tried_again(services: Services, alice: Person, database: Database) -> None:
    services.names.lead("slow.test", "127.0.0.1")
    services.far.later.add("waits")
    submit(services, alice, ["waits@slow.test"])
    row = until(
        lambda: database.execute(
            "SELECT state, attempts, last_reply, next_attempt_at > now() + interval '3 minutes' "
            "FROM queue_recipient WHERE address = 'waits@slow.test' AND attempts = 1"
        ).fetchone()
    )
    assert row == ("waiting", 1, "450 4.2.1 Not now", True)
    services.far.later.discard("waits")
    retry_now(database, "waits@slow.test")
    until(lambda: state(database, "waits@slow.test") == "relayed")
    assert not inbox(services, alice)


def test_never_is_reported(services: Services, alice: Person) -> None:
    services.names.lead("strict.test", "127.0.0.1")
    services.far.never.add("nobody")
    submit(services, alice, ["nobody@strict.test", "somebody@strict.test"])
    report = email.message_from_bytes(until(lambda: inbox(services, alice))[0])
    assert report.get_content_type() == "multipart/report"
    assert report["Return-Path"] == "<>"
    people, status, returned = report.get_payload()  # type: ignore[misc]
    assert "nobody@strict.test" in people.get_payload()  # type: ignore[operator, union-attr]
    assert "somebody@strict.test" not in people.get_payload()  # type: ignore[operator, union-attr]
    fields = status.get_payload()[1]  # type: ignore[index, union-attr]
    assert fields["Final-Recipient"] == "rfc822; nobody@strict.test"
    assert fields["Action"] == "failed"
    assert fields["Status"] == "5.1.1"
    assert fields["Diagnostic-Code"] == "smtp; 550 5.1.1 Nobody of that name"
    assert "Subject: Hello" in returned.get_payload()  # type: ignore[operator, union-attr]
    assert until(lambda: [one for one in services.far.taken if one.recipients == ["somebody@strict.test"]])


@pytest.mark.parametrize(
    ("name", "records", "status"),
    [("gone.test", {}, "5.1.2"), ("null.test", {("null.test", "MX"): ["0 ."]}, "5.1.10")],
)
def test_a_domain_that_takes_no_mail_is_told_at_once_or_reported(
    services: Services,
    alice: Person,
    database: Database,
    name: str,
    records: dict[tuple[str, str], list[str]],
    status: str,
) -> None:
    services.names.failing.add(name)
    submit(services, alice, [f"who@{name}"])
    services.names.zone.update(records)
    services.names.failing.discard(name)
    time.sleep(TROUBLE_SECONDS)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        submit(services, alice, [f"who@{name}"])
    [(code, words)] = refused.value.recipients.values()
    assert (code, words.decode().split(" ")[0]) == (550, status)
    # What was queued while nobody could tell is tried again later.
    retry_now(database, f"who@{name}")
    report = until(lambda: inbox(services, alice))[0]
    assert f"Status: {status}\r\n".encode() in report


def test_the_second_host_takes_over(services: Services, alice: Person) -> None:
    services.names.lead("two.test", "127.0.0.66", "127.0.0.1")
    submit(services, alice, ["one@two.test"])
    assert until(lambda: [one for one in services.far.taken if one.recipients == ["one@two.test"]])


def test_a_killed_worker_loses_nothing(services: Services, alice: Person, database: Database) -> None:
    """Killed between claim and settlement: the lease runs out, and another worker sends."""
    services.names.lead("kill.test", "127.0.0.1")
    process = services.child("worker").process
    assert process is not None

    def kill() -> None:
        services.far.before_answer = lambda: None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        raise ConnectionError

    services.far.before_answer = kill
    submit(services, alice, ["victim@kill.test"])
    until(lambda: process.poll() is not None)
    assert state(database, "victim@kill.test") == "waiting"
    # The lease's end, made to come at once.
    database.execute(
        "UPDATE queue_recipient SET lease_until = now(), next_attempt_at = now() "
        "WHERE address = 'victim@kill.test'"
    )
    services.restart("worker")
    until(lambda: state(database, "victim@kill.test") == "relayed")
    time.sleep(0.2)
    assert len([one for one in services.far.taken if one.recipients == ["victim@kill.test"]]) == 1


def test_a_damaged_body_holds_up_nobody(services: Services, alice: Person, database: Database) -> None:
    """What cannot be read waits, and is told; what comes behind it to the same host leaves."""
    services.names.lead("damaged.test", "127.0.0.1")
    services.far.later.update(("first", "second"))
    for name in ("first", "second"):
        submit(services, alice, [f"{name}@damaged.test"])
        until(lambda name=name: database.execute(
            "SELECT FROM queue_recipient WHERE address = %s AND attempts = 1", [f"{name}@damaged.test"]
        ).fetchone() is not None)  # fmt: skip
    services.far.later.clear()
    database.execute(
        "UPDATE mail_blob SET zstd = true, data = 'no frame' WHERE blob_id = (SELECT blob_id FROM queue_message m "
        "JOIN queue_recipient r USING (message_id) WHERE r.address = 'first@damaged.test')"
    )
    database.execute("UPDATE queue_recipient SET next_attempt_at = now() WHERE destination = 'damaged.test'")
    until(lambda: state(database, "second@damaged.test") == "relayed")
    query = "SELECT state, attempts, last_reply FROM queue_recipient WHERE address = 'first@damaged.test'"
    until(lambda: database.execute(query).fetchone() == ("waiting", 2, "Something went wrong here"))
