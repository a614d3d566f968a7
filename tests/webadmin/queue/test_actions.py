"""The verbs of the queue: whom they are for, what they do, and the entry that they leave; the same over REST."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.test import APIClient

from mailservices.mail.life import FINAL, State
from mailservices.mail.vocabulary import HeldBy, QueueState
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.queue import actions, routes, suppressions
from webadmin.queue.models import Lane, Message, Recipient, Suppression
from webadmin.reports.models import Return

pytestmark = pytest.mark.django_db


def queued(address: str = "one@far.test", sender: str = "a@us.test", **values: Any) -> Recipient:
    message = Message.objects.create(
        message_id=uuid.uuid4(), expires_at=timezone.now() + timedelta(days=5), sender=sender, size=1, prefix=b"",
        header=b"", blob_id=uuid.uuid4(), words=f"{sender} {address}",
    )  # fmt: skip
    later = {"next_attempt_at": timezone.now() + timedelta(hours=1)}
    destination = address.partition("@")[2]
    return Recipient.objects.create(message=message, address=address, destination=destination, **later | values)


def leased(**values: Any) -> Recipient:
    return queued(lease=uuid.uuid4(), lease_until=timezone.now() + timedelta(seconds=20), **values)


def again(row: Recipient) -> Recipient:
    row.refresh_from_db()
    return row


def test_recipients_are_chosen_by_what_is_known_of_them() -> None:
    one, two = queued(), queued("two@other.test", "b@us.test", state=QueueState.HELD)
    for chosen, found in (
        ({"id": one.pk}, [one]),
        ({"message": two.message_id}, [two]),
        ({"destination": "far.test"}, [one]),
        ({"address": "two@other.test"}, [two]),
        ({"sender": "a@us.test", "state": ""}, [one]),
        ({"sender": "US.test"}, [one, two]),
        ({"sender": "s.test"}, []),
        ({"ids": [two.pk, one.pk]}, [one, two]),
        ({"state": "held"}, [two]),
        ({"q": "OTHER"}, [two]),
        ({"q": "us.test"}, [one, two]),
    ):
        assert list(actions.choose(**chosen).order_by("pk")) == found
    with pytest.raises(ValidationError):
        actions.choose(q=" ")
    with pytest.raises(TypeError):
        actions.choose(lease="x")


def test_mail_is_held_and_let_go() -> None:
    row = queued()
    assert actions.hold(OPERATOR, actions.choose(id=row.pk)) == 1
    assert again(row).state == QueueState.HELD
    assert actions.hold(OPERATOR, actions.choose(id=row.pk)) == 0
    assert actions.release(OPERATOR, actions.choose(id=row.pk)) == 1
    assert again(row).state == QueueState.WAITING
    assert row.next_attempt_at <= timezone.now()
    entries = Entry.objects.order_by("pk").values_list("verb", "subject", "after")
    assert list(entries) == [
        ("hold queued mail", "one@far.test", {"recipients": 1}),
        ("release queued mail", "one@far.test", {"recipients": 1}),
    ]


def test_who_lets_go_what_one_held_leaves_alone_what_the_other_did() -> None:
    directory.create_domain(OPERATOR, "us.test")
    account = directory.create_account(OPERATOR, "alice@us.test", "a long passphrase")
    by_limit, by_hand, by_both = queued("one@far.test"), queued("two@far.test"), queued("three@far.test")
    Message.objects.update(account_id=account.pk)
    Recipient.objects.filter(pk__in=[by_limit.pk, by_both.pk]).update(state=QueueState.HELD, held_by=HeldBy.LIMIT)
    assert actions.hold(OPERATOR, actions.choose(id=by_hand.pk)) == 1
    assert actions.hold(OPERATOR, actions.choose(id=by_both.pk)) == 1
    assert actions.release(OPERATOR, actions.choose(id=by_limit.pk)) == 0
    assert actions.release_held(OPERATOR, account) == 1
    assert [again(row).state for row in (by_limit, by_hand, by_both)] == ["waiting", "held", "held"]
    assert actions.release(OPERATOR, actions.choose(state="held")) == 2
    assert not Recipient.objects.exclude(held_by="").exists()


def test_mail_is_tried_now_also_where_its_destination_is_down() -> None:
    row = queued()
    Lane.objects.create(lane="far.test", failures=3, down_until=timezone.now() + timedelta(hours=1))
    Lane.objects.create(lane="other.test", failures=3, down_until=timezone.now() + timedelta(hours=1))
    assert actions.retry_now(OPERATOR, actions.choose(destination="far.test")) == 1
    assert again(row).next_attempt_at <= timezone.now()
    assert Lane.objects.get(lane="far.test").down_until is None
    assert Lane.objects.get(lane="other.test").down_until is not None


def test_mail_is_cancelled_and_senders_are_told_if_they_may_be() -> None:
    told, quiet, null = queued(), queued(notify=["NEVER"]), queued(sender="")
    assert actions.cancel(OPERATOR, actions.choose(destination="far.test"), tell=True) == 3
    assert [again(row).report_due for row in (told, quiet, null)] == ["failed", "", ""]
    assert told.state == QueueState.CANCELLED
    assert told.settled_at is not None
    other = queued(state=QueueState.HELD)
    actions.cancel(OPERATOR, actions.choose(id=other.pk))
    assert (again(other).state, other.report_due) == (QueueState.CANCELLED, "")


def test_mail_is_sent_another_way() -> None:
    route = routes.create_route(OPERATOR, recipient="elsewhere.test", host="relay.test")
    row = queued()
    actions.reroute(OPERATOR, actions.choose(id=row.pk), route)
    assert again(row).route == route
    assert row.next_attempt_at <= timezone.now()
    routes.delete_route(OPERATOR, route)
    assert again(row).route is None


def test_mail_is_given_up_at_another_time() -> None:
    row, end = queued(), timezone.now() + timedelta(minutes=5)
    actions.change_expiry(OPERATOR, actions.choose(id=row.pk), end)
    assert again(row).expires_at == end
    assert row.next_attempt_at == end
    assert row.ends_at == end
    with pytest.raises(ValidationError):
        actions.change_expiry(OPERATOR, actions.choose(id=row.pk), timezone.now())


@pytest.mark.parametrize("state", [state for state in FINAL if state is not State.LEASED])
def test_nothing_happens_to_what_is_settled(state: State) -> None:
    row = queued(state=state.value)
    chosen = actions.choose(id=row.pk)
    later = timezone.now() + timedelta(hours=1)
    assert [
        actions.hold(OPERATOR, chosen), actions.release(OPERATOR, chosen), actions.retry_now(OPERATOR, chosen),
        actions.cancel(OPERATOR, chosen, tell=True), actions.reroute(OPERATOR, chosen, None),
        actions.change_expiry(OPERATOR, chosen, later),
    ] == [0] * 6  # fmt: skip
    assert again(row).state == state
    assert not Entry.objects.exists()


def test_what_a_worker_has_just_now_is_left_alone() -> None:
    row = leased()
    chosen = actions.choose(id=row.pk)
    assert actions.cancel(OPERATOR, chosen) == actions.hold(OPERATOR, chosen) == 0
    Recipient.objects.update(lease_until=timezone.now())
    assert actions.hold(OPERATOR, chosen) == 1


@pytest.fixture
def client() -> APIClient:
    administrator = directory.create_administrator("root", "a long passphrase")
    _, token = directory.create_token(administrator, "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_the_verbs_over_rest(client: APIClient) -> None:
    route = routes.create_route(OPERATOR, recipient="elsewhere.test", host="relay.test")
    row = queued()
    end = (timezone.now() + timedelta(days=1)).isoformat()
    for body in (
        {"verb": "hold", "address": "one@far.test"},
        {"verb": "release", "state": "held"},
        {"verb": "retry", "message": str(row.message_id)},
        {"verb": "reroute", "id": row.pk, "route": route.pk},
        {"verb": "reroute", "id": row.pk},
        {"verb": "expire_at", "q": "far.test", "expires_at": end},
        {"verb": "cancel", "sender": "a@us.test", "tell": True},
    ):
        answer = client.post("/api/v1/queue/act/", body)
        assert (answer.status_code, answer.json()) == (200, {"recipients": 1}), body
    for bad in ({"verb": "hold"}, {"verb": "burn", "id": 1}, {"verb": "expire_at", "id": row.pk}):
        assert client.post("/api/v1/queue/act/", bad).status_code == 400
    told = client.get(f"/api/v1/queue/{row.pk}/").json()
    assert (told["state"], told["report_due"], told["route"]) == ("cancelled", "failed", None)
    assert len(client.get("/api/v1/queue/?report_due=failed").json()["results"]) == 1
    assert len(client.get(f"/api/v1/queue/?message={row.message_id}").json()["results"]) == 1
    assert client.get("/api/v1/queue/?message=x").status_code == 400
    Return.objects.create(recipient=row, what="failed", status="5.1.1", trace_id=row.message_id)
    assert len(client.get("/api/v1/queue/?returned=failed").json()["results"]) == 1
    assert client.get("/api/v1/queue/?returned=complained").json()["results"] == []
    assert client.get(f"/api/v1/queue/{row.pk}/").json()["returns"][0]["status"] == "5.1.1"


def test_addresses_are_suppressed_and_lifted(client: APIClient) -> None:
    answer = client.post("/api/v1/suppressions/", {"address": "Gone@Far.test", "reason": "he left"})
    assert answer.status_code == 201, answer.content
    assert answer.json()["address"] == "gone@far.test"
    assert client.post("/api/v1/suppressions/", {"address": "no address"}).status_code == 400
    past = timezone.now().isoformat()
    assert client.post("/api/v1/suppressions/", {"address": "a@b.test", "expires_at": past}).status_code == 400
    assert len(client.get("/api/v1/suppressions/").json()["results"]) == 1
    assert client.delete("/api/v1/suppressions/gone@far.test/").status_code == 204
    assert not Suppression.objects.exists()
    told = Entry.objects.filter(subject="gone@far.test").order_by("pk").values_list("verb", flat=True)
    assert list(told) == ["suppress address", "lift suppression"]
    suppressions.suppress(OPERATOR, "gone@far.test")
    assert Suppression.objects.get().hits == 0
