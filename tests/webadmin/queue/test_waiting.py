"""The pages of what is on its way out: filters, pages, verbs on a selection, on all, on very many; its content."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mailservices.mail.vocabulary import QueueState
from mailservices.store.ids import oldest_id
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Administrator, Role
from webadmin.directory.tenants import create_tenant
from webadmin.jobs import running
from webadmin.jobs.models import Job
from webadmin.mailstore.models import Blob
from webadmin.queue import actions, jobs, routes, waiting
from webadmin.queue.models import Attempt, Message, Recipient

pytestmark = pytest.mark.django_db
HEADER = b"From: a@us.test\r\nSubject: Hello\r\n you\r\n\r\n"
BODY = b"How do you do?\r\n"
_numbers = itertools.count()


def queued(
    address: str = "one@far.test", sender: str = "a@us.test", age: timedelta = timedelta(), **values: Any
) -> Recipient:
    came = timezone.now() - age
    message = Message.objects.create(
        message_id=uuid.UUID(int=oldest_id(came.timestamp()).int | next(_numbers)),
        expires_at=came + timedelta(days=5), sender=sender, size=len(HEADER + BODY), prefix=b"", header=HEADER,
        blob_id=uuid.uuid4(), words=f"{sender} {address}",
    )  # fmt: skip
    Blob.objects.create(blob_id=message.blob_id, piece=0, zstd=False, data=BODY)
    return Recipient.objects.create(
        message=message, address=address, destination=address.partition("@")[2], **values
    )


@pytest.fixture
def root() -> Administrator:
    return directory.create_administrator("root", "a long passphrase")


@pytest.fixture
def admin(client: Client, root: Administrator) -> Client:
    client.force_login(root)
    return client


def shown(admin: Client, query: str) -> list[str]:
    return [row.address for row in admin.get(f"/queue/?{query}").context["rows"]]


def test_the_list_is_filtered_by_everything_that_is_known(admin: Client) -> None:
    queued(age=timedelta(days=2))
    queued("two@other.test", "b@them.test", state=QueueState.HELD)
    for query, found in (
        ("state=held", ["two@other.test"]),
        ("destination=far.test", ["one@far.test"]),
        ("sender=a@us.test", ["one@far.test"]),
        ("sender=them.test", ["two@other.test"]),
        ("q=OTHER", ["two@other.test"]),
        ("older=24", ["one@far.test"]),
        ("older=72", []),
        ("older=nonsense&state=nonsense", ["two@other.test", "one@far.test"]),
    ):
        assert shown(admin, query) == found, query
    assert admin.get("/queue/?q=other").context["count"] == 1


def test_pages_follow_one_another(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "ROWS", 2)
    for number in range(5):
        queued(f"to{number}@far.test", age=timedelta(minutes=number))
    seen, further = [], ""
    while True:
        context = admin.get(f"/queue/?before={further}").context
        seen += [row.address for row in context["rows"]]
        if not (further := context["further"]):
            break
    assert seen == [f"to{number}@far.test" for number in range(5)]
    assert admin.get("/queue/?before=nonsense.1").status_code == 404


def test_a_verb_is_for_the_ticked_or_for_all_that_was_found(admin: Client) -> None:
    one, two, other = queued(), queued("two@far.test"), queued("three@other.test")
    admin.post(
        "/queue/act/", {"verb": "hold", "whom": "ticked", "ids": [one.pk, other.pk], "destination": "far.test"}
    )
    assert set(Recipient.objects.filter(state="held")) == {one, other}
    admin.post("/queue/act/", {"verb": "hold", "whom": "all", "destination": "far.test"})
    assert not Recipient.objects.filter(state="waiting").exists()
    route = routes.create_route(OPERATOR, recipient="elsewhere.test", host="relay.test")
    admin.post("/queue/act/", {"verb": "reroute", "whom": "all", "q": "far.test", "route": route.pk})
    assert set(Recipient.objects.filter(route=route)) == {one, two}
    answer = admin.post("/queue/act/", {"verb": "release", "whom": "ticked"}, follow=True)
    assert b"Tick some first" in answer.content
    answer = admin.post("/queue/act/", {"verb": "release", "whom": "all"}, follow=True)
    assert b"Say which" in answer.content
    assert admin.post("/queue/act/", {"verb": "burn", "whom": "all", "q": "far"}).status_code == 404


def test_what_cannot_be_undone_is_asked_first(admin: Client) -> None:
    row = queued()
    asked = {"verb": "cancel-tell", "whom": "all", "destination": "far.test"}
    answer = admin.post("/queue/act/", asked)
    assert b"Cancel mail to 1 recipient?" in answer.content
    assert b"Its senders are told" in answer.content
    assert Recipient.objects.get(pk=row.pk).state == "waiting"
    admin.post("/queue/act/", {**asked, "sure": "yes"})
    assert Recipient.objects.get(pk=row.pk).report_due == "failed"


def test_very_many_are_a_job(admin: Client, root: Administrator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    rows = [queued(f"to{number}@far.test") for number in range(5)]
    answer = admin.post("/queue/act/", {"verb": "hold", "whom": "all", "destination": "far.test"})
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    late = queued("late@far.test")
    running.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.outcome) == ("done", 5, "5 recipients are held.")
    assert set(Recipient.objects.filter(state="held")) == set(rows)
    assert Recipient.objects.get(pk=late.pk).state == "waiting"
    assert Entry.objects.get(verb="hold queued mail, many").after == {"destination": "far.test"}
    end = (timezone.now() + timedelta(days=1)).isoformat()
    told = {"verb": "expire_at", "destination": "far.test", "expires_at": end}
    answer = admin.post("/api/v1/queue/act/", told, content_type="application/json")
    assert answer.status_code == 202
    running.run(answer.json()["job"])
    assert Recipient.objects.exclude(expires_at=None).count() == 6


def test_one_recipient_shows_its_tries_and_the_header(admin: Client) -> None:
    row = queued()
    Attempt.objects.create(
        recipient=row, seconds=1, outcome="deferred", host="mx.far.test", stage="rcpt", code=451, text="Not now",
        tls="TLSv1.3", verdict="dane: verified",
    )  # fmt: skip
    page = admin.get(f"/queue/{row.pk}/").content.decode()
    assert all(words in page for words in ("Not now", "dane: verified", "Hello you", "mx.far.test"))


@pytest.mark.django_db(transaction=True)
def test_the_message_is_read_by_those_who_may_and_that_is_noted(admin: Client) -> None:
    row = queued()
    address = f"/queue/{row.pk}/content/"
    assert admin.get(address).status_code == 405
    assert b"How do you do?" in admin.post(address, {"verb": "show"}).content
    answer = admin.post(address, {"verb": "download"})
    assert answer.content == HEADER + BODY
    assert answer["Content-Disposition"].endswith('.eml"')
    entry = Entry.objects.filter(verb="read queued message")
    assert [one.subject for one in entry] == ["one@far.test"] * 2
    Administrator.objects.update(role=Role.TENANT, tenant=create_tenant(OPERATOR, name="Some"))
    assert admin.post(address, {"verb": "show"}).status_code == 403
    assert actions.choose(id=row.pk).exists()
