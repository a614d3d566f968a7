"""Webhooks: what the verbs take and object to, the entry that they leave, and the same over REST."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from mailservices.mail import sealing
from mailservices.mail.webhooks import KINDS, SECRET_PREFIX, Kind
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Administrator
from webadmin.queue import actions as queue
from webadmin.queue.models import Message, Recipient
from webadmin.webhooks import actions
from webadmin.webhooks.models import DONE, FAILED, WAITING, Delivery, Try, Webhook

pytestmark = pytest.mark.django_db
URL = "https://hook.test/told"


def secret_of(row: Webhook) -> str:
    row.refresh_from_db()
    octets = sealing.unseal(settings.CONFIG.sealing_key, bytes(row.secret), sealing.webhook_context(row.url))
    return SECRET_PREFIX + base64.b64encode(octets).decode()


def queued(sender: str = "alice@ours.test", address: str = "one@far.test", **values: Any) -> Recipient:
    message = Message.objects.create(
        message_id=f"00000000-0000-7000-8000-{Message.objects.count():012x}",
        expires_at=timezone.now() + timedelta(days=1),
        sender=sender,
        size=1,
        prefix=b"",
        header=b"",
        blob_id="00000000-0000-7000-8000-000000000000",
        words=f"{sender} {address}",
    )
    return Recipient.objects.create(
        message=message, address=address, destination=address.partition("@")[2], **values
    )


def test_a_hook_is_kept_in_normal_form_and_its_secret_sealed() -> None:
    row, secret = actions.create_webhook(OPERATOR, url="HTTPS://Hook.test:443", domain="Exämple.org")
    assert (row.url, row.domain) == ("https://hook.test/", "xn--exmple-cua.org")
    assert row.kinds == [kind.value for kind in KINDS]
    assert secret_of(row) == secret
    entry = Entry.objects.get(verb="create webhook")
    assert secret not in str(entry.after)
    assert actions.renew_secret(OPERATOR, row) == secret_of(row) != secret


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("url", {"url": "hook.test"}),
        ("kinds", {"kinds": []}),
        ("kinds", {"kinds": ["relayed", "eaten"]}),
        ("kinds", {"kinds": ["test"]}),
        ("domain", {"domain": "no domain"}),
    ],
)
def test_what_makes_no_sense_is_said_of_its_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        actions.create_webhook(OPERATOR, **{"url": URL, **values})
    assert list(caught.value.message_dict) == [field]


def test_a_change_keeps_the_secret_and_switching_on_begins_anew() -> None:
    row, secret = actions.create_webhook(OPERATOR, url=URL)
    Webhook.objects.update(active=False, failing_since=timezone.now(), switched_off="gone")
    row = actions.change_webhook(OPERATOR, row, url="https://other.test/", active=True)
    assert secret_of(row) == secret
    assert (row.active, row.failing_since, row.switched_off) == (True, None, "")
    assert Entry.objects.get(verb="change webhook").after == {"url": "https://other.test/", "active": True}
    with pytest.raises(TypeError):
        actions.change_webhook(OPERATOR, row, failing_since=None)
    actions.delete_webhook(OPERATOR, row)
    assert not Webhook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_is_deleted_though_a_worker_is_telling_it_something() -> None:
    row, _ = actions.create_webhook(OPERATOR, url=URL)
    told = actions.send_test(OPERATOR, row)

    def delete() -> None:
        try:
            actions.delete_webhook(OPERATOR, row)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            # In the worker's order: the delivery, what was tried, the hook.
            Delivery.objects.filter(pk=told.pk).update(state=DONE)
            Try.objects.create(delivery=told, seconds=0.1, code=200)
            deleting = pool.submit(delete)
            until_somebody_waits()
            Webhook.objects.filter(pk=row.pk).update(failing_since=None)
        deleting.result(timeout=20)
    assert [model.objects.exists() for model in (Webhook, Delivery, Try)] == [False] * 3


def until_somebody_waits() -> None:
    """Until another session waits for a lock of this database."""
    waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute(f"SELECT count(*) {waiting}")
            if cursor.fetchone() != (0,):
                return
            cursor.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.05)")
    raise AssertionError("nobody waits")


def test_verbs_of_the_queue_are_told_to_those_who_want_them() -> None:
    mine, _ = actions.create_webhook(OPERATOR, url=URL, domain="ours.test", kinds=["held", "cancelled"])
    actions.create_webhook(OPERATOR, url=URL, domain="others.test")
    actions.create_webhook(OPERATOR, url=URL, active=False)
    row = queued()
    chosen = queue.choose(address=row.address)
    queue.hold(OPERATOR, chosen)
    queue.release(OPERATOR, chosen)
    queue.cancel(OPERATOR, chosen)
    assert [one.kind for one in Delivery.objects.order_by("kind")] == ["cancelled", "held"]
    told = Delivery.objects.get(kind="held")
    assert told.webhook == mine
    assert json.loads(told.body)["data"]["recipient"] == "one@far.test"


def test_a_test_and_telling_again_are_verbs() -> None:
    row, _ = actions.create_webhook(OPERATOR, url=URL)
    made = actions.send_test(OPERATOR, row)
    Delivery.objects.update(state=FAILED, tries=11, settled_at=timezone.now())
    assert actions.redeliver(OPERATOR, Delivery.objects.filter(pk=made.pk)) == 1
    made.refresh_from_db()
    assert (made.kind, made.state, made.tries, made.settled_at) == (Kind.TEST, WAITING, 0, None)
    assert {"test webhook", "redeliver to webhook"} <= set(Entry.objects.values_list("verb", flat=True))
    actions.change_webhook(OPERATOR, row, active=False)
    assert actions.redeliver(OPERATOR, Delivery.objects.all()) == 0
    row.refresh_from_db()
    with pytest.raises(ValidationError, match="switched off"):
        actions.send_test(OPERATOR, row)


@pytest.mark.parametrize("values", [{"kinds": ["eaten"]}, {"kinds": []}, {"domain": "Ours.test"}])
def test_the_database_keeps_the_rules(values: dict[str, Any]) -> None:
    row, _ = actions.create_webhook(OPERATOR, url=URL)
    with pytest.raises(IntegrityError), transaction.atomic():
        Webhook.objects.filter(pk=row.pk).update(**values)


@pytest.fixture
def administrator() -> Administrator:
    return directory.create_administrator("root", "a long passphrase")


def test_the_same_over_rest(administrator: Administrator) -> None:
    api = APIClient()
    api.force_authenticate(administrator)
    made = api.post("/api/v1/webhooks/", {"url": URL, "kinds": ["failed"]}, format="json")
    assert made.status_code == 201
    secret, pk = made.data["secret"], made.data["id"]
    assert secret_of(Webhook.objects.get(pk=pk)) == secret
    shown = api.get(f"/api/v1/webhooks/{pk}/").data
    assert (shown["secret"], shown["secure"]) == ("", True)
    changed = api.patch(f"/api/v1/webhooks/{pk}/", {"note": "x", "kinds": ["bounced"]}, format="json")
    assert (changed.data["note"], changed.data["kinds"]) == ("x", ["bounced"])
    told = api.post(f"/api/v1/webhooks/{pk}/test/")
    assert (told.status_code, told.data["state"]) == (201, WAITING)
    Delivery.objects.update(state=DONE)
    listed = api.get(f"/api/v1/webhook-deliveries/?webhook={pk}&state=done&kind=test").data["results"]
    assert [one["id"] for one in listed] == [told.data["id"]]
    assert api.get("/api/v1/webhook-deliveries/?state=lost").status_code == 400
    again = api.post(f"/api/v1/webhook-deliveries/{told.data['id']}/redeliver/")
    assert again.data == {"deliveries": 1}
    assert api.post(f"/api/v1/webhooks/{pk}/renew-secret/").data["secret"] not in ("", secret)
    assert api.post("/api/v1/webhooks/", {"url": "x"}, format="json").data["errors"].keys() == {"url"}
    assert api.delete(f"/api/v1/webhooks/{pk}/").status_code == 204


def test_the_first_page_tells_of_hooks_that_fail(administrator: Administrator) -> None:
    client = Client()
    client.force_login(administrator)
    row, _ = actions.create_webhook(OPERATOR, url=URL)
    assert URL not in client.get("/").content.decode()
    actions.change_webhook(OPERATOR, row, active=False)
    assert URL not in client.get("/").content.decode()
    Webhook.objects.update(active=True, failing_since=timezone.now())
    assert "takes nothing since" in client.get("/").content.decode()
    Webhook.objects.update(active=False, switched_off="it is gone")
    assert "is switched off: it is gone" in client.get("/").content.decode()


def test_the_same_by_pages(administrator: Administrator) -> None:
    client = Client()
    client.force_login(administrator)
    form = {"url": URL, "kinds": ["failed", "bounced"], "active": "on"}
    shown = client.post("/webhooks/new/", form).content.decode()
    row = Webhook.objects.get()
    assert secret_of(row) in shown
    page = f"/webhooks/{row.pk}/"
    assert client.post(page + "act/", {"verb": "test"}).status_code == 302
    told = Delivery.objects.get()
    assert told.pk.hex in client.get(page, {"q": "test"}).content.decode()
    Delivery.objects.update(state=FAILED)
    client.post(page + "act/", {"verb": "redeliver", "id": str(told.pk)})
    told.refresh_from_db()
    assert told.state == WAITING
    assert client.post(page + "act/", {"verb": "redeliver", "id": "x"}).status_code == 404
    assert client.post(page + "act/", {"verb": "eat"}).status_code == 404
    renewed = client.post(page + "act/", {"verb": "renew"}).content.decode()
    assert secret_of(row) in renewed
    client.post(page, {"url": URL, "kinds": ["failed"]})
    row.refresh_from_db()
    assert (row.active, row.kinds) == (False, ["failed"])
    for verb in ("test", "redeliver"):
        answer = client.post(page + "act/", {"verb": verb, "id": str(told.pk)}, follow=True)
        assert "switch it on first" in answer.content.decode()
    listed = client.get("/webhooks/").content.decode()
    assert URL in listed
    assert "in plain text" not in listed
    actions.change_webhook(OPERATOR, row, url="http://hook.test/told")
    assert "in plain text" in client.get("/webhooks/").content.decode()
    client.post(page + "act/", {"verb": "delete"})
    assert not Webhook.objects.exists()
