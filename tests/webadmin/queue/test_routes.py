"""Routes: what the verbs take, what they object to, the entry that they leave, and the same over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from mailservices.mail import sealing
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.queue import routes
from webadmin.queue.models import Route

pytestmark = pytest.mark.django_db


def secret_of(row: Route) -> str:
    assert row.secret is not None
    context = sealing.route_context(row.host, row.username)
    return sealing.unseal(settings.CONFIG.sealing_key, bytes(row.secret), context).decode()


def test_a_route_is_kept_in_normal_form_and_its_secret_sealed() -> None:
    row = routes.create_route(
        OPERATOR, "hidden", recipient=".Exämple.org", sender="Alice@US.test", host="[192.0.2.1]", username="us",
        source6="2001:DB8::1", lifetime=timedelta(hours=2),
    )  # fmt: skip
    assert (row.recipient, row.sender, row.host) == (".xn--exmple-cua.org", "alice@us.test", "192.0.2.1")
    assert row.source6 == "2001:db8::1"
    assert secret_of(row) == "hidden"
    entry = Entry.objects.get(verb="create route")
    assert entry.after is not None
    assert entry.after["lifetime"] == "2:00:00"
    assert "hidden" not in str(entry.after)


def test_a_change_keeps_the_secret_but_for_another_place() -> None:
    row = routes.create_route(OPERATOR, "one", host="relay.test", username="us")
    row = routes.change_route(OPERATOR, row, port=587, tls="encrypted")
    assert (row.port, secret_of(row)) == (587, "one")
    with pytest.raises(ValidationError, match="again"):
        routes.change_route(OPERATOR, row, host="other.test")
    row = routes.change_route(OPERATOR, row, "two", host="other.test")
    row.refresh_from_db()
    assert (row.host, secret_of(row)) == ("other.test", "two")
    row = routes.change_route(OPERATOR, row, username="")
    assert row.secret is None
    assert Entry.objects.filter(verb="change route").count() == 1
    routes.delete_route(OPERATOR, row)
    assert not Route.objects.exists()
    assert Entry.objects.filter(verb="delete route").exists()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("recipient", {"recipient": "no domain"}),
        ("sender", {"sender": "alice@"}),
        ("host", {"host": "a host"}),
        ("helo", {"helo": "what?"}),
        ("port", {"port": 70000}),
        ("connections", {"connections": -1}),
        ("tls", {"tls": "maybe"}),
        ("mechanism", {"mechanism": "GSSAPI"}),
        ("source4", {"source4": "2001:db8::1"}),
        ("source6", {"source6": "nowhere"}),
        ("first_pause", {"first_pause": timedelta(0)}),
        ("lifetime", {"lifetime": timedelta(days=31)}),
        ("username", {"username": "us"}),
        ("secret", {"username": "us", "host": "relay.test"}),
        ("tls", {"tls": "implicit"}),
        ("tls", {"tls": "none", "mechanism": "PLAIN", "host": "relay.test"}),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        routes.create_route(OPERATOR, **values)
    assert list(caught.value.message_dict) == [field]


def test_there_is_one_route_for_the_same_mail() -> None:
    routes.create_route(OPERATOR, recipient="far.test")
    other = routes.create_route(OPERATOR, sender="us.test")
    with pytest.raises(ValidationError):
        routes.create_route(OPERATOR, recipient="FAR.test")
    with pytest.raises(ValidationError):
        routes.change_route(OPERATOR, other, recipient="far.test", sender="")
    assert [str(row) for row in Route.objects.all()] == ["mail from us.test", "mail for far.test"]
    with pytest.raises(TypeError):
        routes.create_route(OPERATOR, unheard="of")


def test_the_database_keeps_the_rules_too() -> None:
    for values in ({"tls": "x"}, {"port": -1}, {"username": "us"}, {"recipient": "UPPER"}, {"mechanism": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Route.objects.create(**values)


def test_routes_over_rest() -> None:
    administrator = actions.create_administrator("root", "a long passphrase")
    _, token = actions.create_token(administrator, "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    body = {"recipient": "far.test", "host": "relay.test", "username": "us", "secret": "hidden"}
    answer = client.post("/api/v1/routes/", body)
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert row["has_secret"] is True
    assert "secret" not in row
    url = f"/api/v1/routes/{row['id']}/"
    assert client.patch(url, {"lifetime": "02:00:00"}).json()["lifetime"] == "02:00:00"
    assert "host" in client.patch(url, {"host": "what?", "secret": "x"}).json()["errors"]
    assert client.post("/api/v1/routes/", {"recipient": "far.test"}).status_code == 400
    assert client.delete(url).status_code == 204
    assert Entry.objects.filter(username="root").count() == 3
