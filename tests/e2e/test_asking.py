"""What a sender may ask of delivery: reports (RFC 3461), time (RFC 2852, RFC 4865), privacy (RFC 8689), order."""

import email
import imaplib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import Message

import pytest

from mailservices.smtp.verbs import HELD_MESSAGES
from tests.conftest import Database, Person
from tests.services import HOSTNAME, Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import aliases

TEXT = b"Subject: Hello\r\n\r\nHow do you do?\r\n"


def submit(
    services: Services,
    sender: Person,
    recipient: str,
    mail: Sequence[str] = (),
    rcpt: Sequence[str] = (),
    text: bytes = TEXT,
) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender.address, sender.password)
        client.sendmail(sender.address, [recipient], text, list(mail), list(rcpt))


def inbox(services: Services, person: Person) -> list[Message]:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(person.address, person.password)
        client.select("INBOX", readonly=True)
        parts = client.fetch("1:*", "(BODY.PEEK[])")[1]
        return [email.message_from_bytes(part[1]) for part in parts if isinstance(part, tuple)]


def report(services: Services, person: Person) -> tuple[Message, Message]:
    """The fields of a delivery report, of the message and of its recipient."""
    [found] = until(lambda: inbox(services, person))
    status = found.get_payload()[1]  # type: ignore[index]
    message, recipient = status.get_payload()  # type: ignore[union-attr, misc]
    return message, recipient  # type: ignore[return-value]


def taken(services: Services, recipient: str) -> str:
    return until(lambda: [one.mail for one in services.far.taken if recipient in one.recipients])[0]


def due_now(database: Database, address: str) -> None:
    database.execute("UPDATE queue_recipient SET next_attempt_at = now() WHERE address = %s", [address])


def test_delivery_to_a_mailbox_is_reported(services: Services, alice: Person, bob: Person) -> None:
    original = f"ORCPT=rfc822;Bob+2BOld@{HOSTNAME}"
    submit(services, alice, bob.address, ["ENVID=QQ+2B314"], ["NOTIFY=SUCCESS,FAILURE", original])
    message, recipient = report(services, alice)
    assert message["Original-Envelope-Id"] == "QQ+314"
    assert recipient["Original-Recipient"] == f"rfc822;Bob+Old@{HOSTNAME}"
    assert recipient["Final-Recipient"] == f"rfc822; {bob.address}"
    assert (recipient["Action"], recipient["Status"]) == ("delivered", "2.0.0")
    assert len(inbox(services, bob)) == 1


def test_of_a_list_it_is_reported_that_it_was_expanded(services: Services, alice: Person, bob: Person) -> None:
    services.names.lead("member.test", "127.0.0.1")
    domain = bob.address.partition("@")[2]
    aliases.create_alias(OPERATOR, f"list@{domain}", [bob.address, "one@member.test"])
    submit(services, alice, f"list@{domain}", rcpt=["NOTIFY=SUCCESS"])
    _, recipient = report(services, alice)
    assert recipient["Action"] == "expanded"
    assert taken(services, "one@member.test")
    assert f"RCPT TO:<one@member.test> NOTIFY=NEVER ORCPT=rfc822;list@{domain}" in services.far.lines


def test_nobody_is_told_who_did_not_ask(services: Services, alice: Person, bob: Person) -> None:
    submit(services, alice, bob.address, rcpt=["NOTIFY=NEVER"])
    submit(services, alice, bob.address, rcpt=["NOTIFY=FAILURE"])
    until(lambda: len(inbox(services, bob)) == 2)
    assert inbox(services, alice) == []


def test_a_held_message_waits_for_its_release(
    services: Services, alice: Person, bob: Person, database: Database
) -> None:
    submit(services, alice, bob.address, ["HOLDFOR=3600"], ["NOTIFY=SUCCESS"])
    row = database.execute(
        "SELECT next_attempt_at > now() + interval '59 minutes' FROM queue_recipient WHERE address = %s",
        [bob.address],
    ).fetchone()
    assert row == (True,)
    assert inbox(services, bob) == []
    due_now(database, bob.address)
    message, recipient = report(services, alice)
    assert recipient["Action"] == "delivered"
    assert message["Future-Release-Request"] == "for;3600"
    [delivered] = inbox(services, bob)
    assert delivered["Return-Path"] == f"<{alice.address}>"
    assert delivered.get_payload() == "How do you do?\r\n"


def test_a_held_message_to_nobody_is_returned(services: Services, alice: Person, database: Database) -> None:
    gone = alice.address.replace("alice", "gone")
    aliases.create_alias(OPERATOR, gone, [alice.address])
    submit(services, alice, gone, ["HOLDFOR=3600"])
    database.execute("DELETE FROM directory_target t USING directory_address a WHERE a.id = t.alias_id "
                     "AND a.local_part LIKE 'gone%%'", [])  # fmt: skip
    due_now(database, gone)
    _, recipient = report(services, alice)
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")


def test_only_so_many_messages_of_one_account_are_held(
    services: Services, alice: Person, bob: Person, database: Database
) -> None:
    """RFC 4865 §6"""
    database.execute(
        "WITH held AS (INSERT INTO queue_message (message_id, expires_at, account_id, sender, size, prefix, "
        "header, blob_id, future_release) "
        "SELECT gen_random_uuid(), now(), %s, '', 0, '', '', gen_random_uuid(), 'for;9' "
        "FROM generate_series(1, %s) RETURNING message_id) INSERT INTO queue_recipient "
        "(message_id, address, destination, next_attempt_at) SELECT message_id, 'a@b.test', 'b.test', 'infinity' "
        "FROM held",
        [alice.account_id, HELD_MESSAGES],
    )
    with pytest.raises(smtplib.SMTPResponseException) as caught:
        submit(services, alice, bob.address, ["HOLDFOR=9"])
    assert (caught.value.smtp_code, caught.value.smtp_error[:6]) == (552, b"5.7.16")
    database.execute("DELETE FROM queue_recipient WHERE destination = 'b.test'")


def test_a_host_that_keeps_no_time_gets_nothing_that_has_to_be_returned(services: Services, alice: Person) -> None:
    services.names.lead("timeless.test", "127.0.0.1")
    submit(services, alice, "late@timeless.test", ["BY=60;R"])
    message, recipient = report(services, alice)
    assert message["Deliver-By-Date"]
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.3.3")


def test_time_and_order_are_handed_on(services: Services, alice: Person) -> None:
    services.names.lead("punctual.test", "127.0.0.1")
    before = services.far.features
    services.far.features = (*before, "DELIVERBY 30", "MT-PRIORITY")
    try:
        submit(services, alice, "soon@punctual.test", ["BY=600;RT", "MT-PRIORITY=3"])
        words = taken(services, "soon@punctual.test").split(" ")
    finally:
        services.far.features = before
    assert "MT-PRIORITY=3" in words
    [by] = [word for word in words if word.startswith("BY=")]
    seconds, mode = by.removeprefix("BY=").split(";")
    assert mode == "RT"
    assert 0 < int(seconds) <= 600
    # RFC 2852 §4.1.4: whoever traces is told of every host.
    _, recipient = report(services, alice)
    assert recipient["Action"] == "relayed"


def test_what_is_late_is_told_or_returned(services: Services, alice: Person, database: Database) -> None:
    services.names.lead("busy.test", "127.0.0.1")
    services.far.later.add("wanted")
    try:
        submit(services, alice, "wanted@busy.test", ["BY=-5;N"])
        _, recipient = report(services, alice)
    finally:
        services.far.later.discard("wanted")
    assert recipient["Action"] == "delayed"
    due_now(database, "wanted@busy.test")
    assert taken(services, "wanted@busy.test")
    assert any(
        line == "RCPT TO:<wanted@busy.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;wanted@busy.test"
        for line in services.far.lines
    )


@pytest.mark.parametrize(
    ("name", "features", "signed", "status"),
    [
        ("plain", ("DSN",), True, "5.7.10"),
        ("careless", ("STARTTLS",), True, "5.7.30"),
        ("unsigned", ("STARTTLS", "REQUIRETLS"), False, "5.7.10"),
    ],
)
def test_what_demands_tls_goes_no_other_way(
    services: Services, alice: Person, name: str, features: tuple[str, ...], signed: bool, status: str
) -> None:
    lead_to_far_test(services, f"{name}.test", signed=signed)
    before, services.far.features = services.far.features, features
    try:
        submit(services, alice, f"her@{name}.test", ["REQUIRETLS", "RET=FULL"])
        _, recipient = report(services, alice)
    finally:
        services.far.features = before
    assert (recipient["Action"], recipient["Status"]) == ("failed", status)
    assert not [one for one in services.far.taken if f"her@{name}.test" in one.recipients]
    [found] = inbox(services, alice)
    assert b"How do you do?" not in found.as_bytes(), "RFC 8689 §5: only the header is returned"


def test_what_demands_tls_reaches_a_host_that_promises_it(services: Services, alice: Person) -> None:
    lead_to_far_test(services, "private.test", signed=True)
    before = services.far.features
    services.far.features = (*before, "REQUIRETLS")
    try:
        submit(services, alice, "her@private.test", ["REQUIRETLS"])
        assert taken(services, "her@private.test").endswith(" REQUIRETLS")
    finally:
        services.far.features = before


def lead_to_far_test(services: Services, domain: str, *, signed: bool) -> None:
    """To the host under the name that its certificate has."""
    services.names.zone[domain, "MX"] = ["10 far.test."]
    services.names.zone["far.test", "A"] = ["127.0.0.1"]
    if signed:
        services.names.signed.add(domain)
