"""Where is my mail? What is found by which words, how one message's way is told, what outsiders may read."""

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from mailservices.store.ids import new_id, oldest_id
from mailservices.store.trace import words
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.queue.models import Attempt, Message, Recipient
from webadmin.reports.models import Return
from webadmin.trace import finding, timeline
from webadmin.trace.models import TraceEvent

pytestmark = pytest.mark.django_db
SENDER, READER = "anna@far.test", "info@us.test"


def event(trace_id: UUID, kind: str, recipient: str = READER, **values: Any) -> TraceEvent:
    told = {"service": "smtp", "sender": SENDER, "message_id_field": "<One.42@far.test>"}
    return TraceEvent.objects.create(trace_id=trace_id, kind=kind, recipient=recipient, **(told | values))


def came(subject: str = "Invoice of May", **values: Any) -> UUID:
    trace_id = new_id()
    told = {"remote_host": "198.51.100.7", "subject": subject, "envid": "EnvX7"}
    said = words(SENDER, READER, "bob@us.test", "<One.42@far.test>", subject, "EnvX7", "198.51.100.7")
    event(trace_id, "accepted", words=said, **(told | values))
    return trace_id


def found(text: str, **more: Any) -> list[UUID]:
    return [one.trace_id for one in finding.search(OPERATOR, text, **more)]


@pytest.mark.parametrize(
    "text",
    [
        "anna@far.test", "ANNA", "info@us", "bob@us.test", "<One.42@far.test>", "one.42", "voice of",
        "may invoice", "envx7", "198.51.100.7", "198.51.100.0/24", "198.51.", "",
    ],
)  # fmt: skip
def test_a_message_is_found_by_any_part(text: str) -> None:
    trace_id = came()
    assert found(text) == [trace_id]


@pytest.mark.parametrize("text", ["carl", "50%", "_nfo", "198.51.101.", "2001:db8::/32", "invoice june"])
def test_what_does_not_fit_is_not_found(text: str) -> None:
    came()
    assert found(text) == []


def test_a_word_without_a_trigram_is_objected_to() -> None:
    with pytest.raises(ValidationError, match="too much"):
        finding.search(OPERATOR, "ab")


def test_the_newest_come_first_and_older_ones_page_by_page() -> None:
    now = timezone.now()
    ages = [timedelta(minutes=5), timedelta(hours=30), timedelta(days=9)]
    old = []
    for age in ages:
        trace_id = oldest_id((now - age).timestamp())
        event(trace_id, "accepted", at=now - age, words="invoice")
        old.append(trace_id)
    assert found("invoice") == old
    assert found("invoice", limit=2) == old[:2]
    assert found("invoice", before=now - ages[1]) == old[2:]


def test_a_list_tells_where_each_recipient_stands() -> None:
    trace_id = came(recipient="info@us.test, x@far.test")
    event(trace_id, "delivered", "bob@us.test")
    for kind in ("queued", "deferred", "relayed"):
        event(trace_id, kind, "x@far.test")
    (one,) = finding.search(OPERATOR, "invoice")
    assert one.stands == {"delivered": 1, "relayed": 1}
    assert one.recipients == ("info@us.test", "x@far.test")
    assert one.subject == "Invoice of May"


def sent() -> tuple[UUID, Recipient]:
    """A message that was tried twice, then taken; a report on it came back."""
    trace_id = came(recipient="x@far.test")
    message = Message.objects.create(
        message_id=trace_id, expires_at=timezone.now(), sender=SENDER, size=1, prefix=b"", header=b"",
        blob_id=uuid.uuid4(),
    )  # fmt: skip
    recipient = Recipient.objects.create(message=message, address="x@far.test", destination="far.test")
    for outcome, code, text in (("deferred", 451, "come back"), ("relayed", 250, "taken as 7")):
        Attempt.objects.create(
            recipient=recipient, seconds=1, outcome=outcome, host="mx.far.test", address="192.0.2.1", stage="rcpt",
            tls="TLSv1.3", verdict="mta-sts: verified", code=code, text=text,
        )  # fmt: skip
        event(trace_id, outcome, "x@far.test", service="worker")
    return trace_id, recipient


def test_each_try_has_the_other_hosts_words_and_its_tls() -> None:
    trace_id, _ = sent()
    line = timeline.read(OPERATOR, trace_id)
    assert [step.kind for step in line.steps] == ["accepted", "deferred", "relayed"]
    assert list(line.steps[1].lines) == [
        "At mx.far.test [192.0.2.1]", "TLS: TLSv1.3 (mta-sts: verified)", "Stage rcpt: 451 come back",
    ]  # fmt: skip
    assert list(line.steps[2].lines)[-1] == "Stage rcpt: 250 taken as 7"


def test_reports_and_other_ways_are_linked() -> None:
    trace_id, recipient = sent()
    back, report, again, before = new_id(), new_id(), new_id(), new_id()
    Return.objects.create(recipient=recipient, what="failed", trace_id=back)
    event(back, "accepted", message_id_field="<bounce@far.test>", sender="")
    event(trace_id, "reported", SENDER, facts={"report": report.hex}, message_id_field="<dsn@us.test>")
    event(report, "queued", SENDER, facts={"about": trace_id.hex}, message_id_field="<dsn@us.test>")
    event(again, "accepted")
    greylisted = {"at": timezone.now() - timedelta(minutes=10), "message_id_field": ""}
    event(before, "refused", "x@far.test", **greylisted)
    told = {one.trace_id: one.why for one in timeline.read(OPERATOR, trace_id).related}
    assert told.keys() == {back.hex, report.hex, again.hex, before.hex}
    assert told[before.hex] == "Refused shortly before"
    assert [one.trace_id for one in timeline.read(OPERATOR, report).related] == [trace_id.hex]
    assert trace_id.hex in [one.trace_id for one in timeline.read(OPERATOR, back).related]


def test_outsiders_read_what_passed_between_hosts_only() -> None:
    trace_id = came(
        facts={
            "port": "smtp", "helo": "mx.far.test", "checks": [["spf", "pass", "", "smtp.mailfrom=far.test"]],
            "junk": ["looks like spam"],
        }
    )  # fmt: skip
    event(trace_id, "delivered", "secret-inner@us.test", detail="to Junk: looks like spam")
    event(trace_id, "refused", detail="550 5.7.1 No (on a list)", facts={"reason": "on a list"})
    text = timeline.plain(timeline.read(OPERATOR, trace_id), "mail.us.test")
    assert "From 198.51.100.7, which calls itself mx.far.test" in text
    assert "spf=pass smtp.mailfrom=far.test" in text
    assert "550 5.7.1 No\n" in text
    assert not [word for word in ("secret-inner", "Junk", "spam", "on a list") if word in text]


def test_a_link_is_read_without_signing_in_and_noted(client: Client) -> None:
    trace_id = came()
    assert client.get(f"/trace/{trace_id}.txt").status_code == 302
    client.force_login(actions.create_administrator("root", "a long passphrase"))
    assert b"Invoice of May" in client.get(f"/trace/{trace_id}/").content
    assert client.get(f"/trace/{trace_id}.txt")["Content-Type"].startswith("text/plain")
    link = client.post(f"/trace/{trace_id}/share/").context["link"]
    assert Entry.objects.get(verb="share trace").subject == trace_id.hex
    client.logout()
    assert trace_id.hex in client.get(link).content.decode()
    assert client.get(link[:-3] + "x/").status_code == 404
    assert client.get(f"/trace/{new_id()}/").status_code == 302


def test_the_page_keeps_what_was_asked_and_says_what_is_wrong(client: Client) -> None:
    client.force_login(actions.create_administrator("root", "a long passphrase"))
    trace_id = came()
    answer = client.get("/trace/?q=ab")
    assert answer.status_code == 400
    assert b'value="ab"' in answer.content
    assert client.get(f"/trace/?q={trace_id.hex}")["Location"] == f"/trace/{trace_id}/"
    assert client.get(f"/trace/{new_id()}/").status_code == 404
    assert b"Invoice of May" in client.get("/trace/?q=invoice&before=nonsense").content


def test_the_api_tells_the_same(client: Client) -> None:
    client.force_login(actions.create_administrator("root", "a long passphrase"))
    trace_id, _ = sent()
    (one,) = client.get("/api/v1/messages/?q=invoice").json()
    assert one["trace_id"] == str(trace_id)
    told = client.get(f"/api/v1/messages/{trace_id}/").json()
    assert [step["kind"] for step in told["steps"]] == ["accepted", "deferred", "relayed"]
    assert told["plain"].startswith(f"Trace {trace_id.hex} of mail.facteur.test")
    assert client.get("/api/v1/messages/?q=ab").status_code == 400
    assert client.get("/api/v1/messages/?before=never").status_code == 400
    assert client.get(f"/api/v1/messages/{new_id()}/").status_code == 404
    assert client.get("/api/v1/messages/nonsense/").status_code == 404
