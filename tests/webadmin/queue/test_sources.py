"""Pools of our own addresses: what the verbs take, what they object to, the entries, and the same over REST."""

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.queue import routes, sources
from webadmin.queue.models import Source, SourceDay

pytestmark = pytest.mark.django_db


def add(**values: Any) -> Source:
    return sources.add_source(OPERATOR, **{"pool": "bulk", "address": "192.0.2.1"} | values)


def test_an_address_is_kept_in_normal_form() -> None:
    row = add(pool="Bulk", address="2001:DB8::1", helo="Bulk.Exämple.org", warmup=[50, 100], daily=500)
    assert (row.pool, row.address, row.helo) == ("bulk", "2001:db8::1", "bulk.xn--exmple-cua.org")
    assert row.began == timezone.now().date()
    entry = Entry.objects.get(verb="add source address")
    assert entry.subject == "2001:db8::1 of bulk"
    assert entry.after is not None
    assert entry.after["warmup"] == [50, 100]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("pool", {"pool": "two words"}),
        ("address", {"address": "nowhere"}),
        ("helo", {"helo": "what?"}),
        ("warmup", {"warmup": [0]}),
        ("warmup", {"warmup": [1] * 91}),
        ("daily", {"daily": -1}),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        add(**values)
    assert list(caught.value.message_dict) == [field]


def test_an_address_is_in_one_pool() -> None:
    row, other = add(), add(address="192.0.2.2")
    with pytest.raises(ValidationError, match="already"):
        add(pool="other")
    with pytest.raises(ValidationError, match="already"):
        sources.change_source(OPERATOR, other, address="192.0.2.1")
    with pytest.raises(TypeError):
        add(unheard="of")
    row = sources.change_source(OPERATOR, row, began=date(2026, 1, 1), position=2)
    entry = Entry.objects.get(verb="change source address")
    assert entry.after == {"began": "2026-01-01", "position": 2}


def test_a_pool_that_a_route_names_keeps_an_address() -> None:
    with pytest.raises(ValidationError, match="no such pool"):
        routes.create_route(OPERATOR, pool="bulk")
    row, other = add(), add(address="192.0.2.2")
    with pytest.raises(ValidationError, match="not both"):
        routes.create_route(OPERATOR, pool="bulk", helo="us.test")
    routes.create_route(OPERATOR, sender="us.test", pool="bulk")
    sources.remove_source(OPERATOR, other)
    for verb in (
        lambda: sources.remove_source(OPERATOR, row),
        lambda: sources.change_source(OPERATOR, row, pool="other"),
    ):
        with pytest.raises(ValidationError, match="the last"):
            verb()
    assert Entry.objects.filter(verb="remove source address").count() == 1


def test_pools_over_rest() -> None:
    administrator = actions.create_administrator("root", "a long passphrase")
    _, token = actions.create_token(administrator, "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    body = {"pool": "bulk", "address": "192.0.2.1", "warmup": [10, 20]}
    answer = client.post("/api/v1/source-addresses/", body, format="json")
    assert answer.status_code == 201, answer.content
    row = answer.json()
    SourceDay.objects.create(source_id=row["id"], day=timezone.now().date(), messages=7)
    url = f"/api/v1/source-addresses/{row['id']}/"
    assert client.get(url).json()["today"] == 7
    assert client.patch(url, {"daily": 100}, format="json").json()["daily"] == 100
    assert "warmup" in client.patch(url, {"warmup": [0]}, format="json").json()["errors"]
    assert client.get("/api/v1/source-addresses/?pool=other").json()["results"] == []
    assert client.delete(url).status_code == 204
    assert Entry.objects.filter(username="root").count() == 3
