"""Policy over REST."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.directory import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> APIClient:
    administrator = actions.create_administrator("root", "a long passphrase")
    _, token = actions.create_token(administrator, "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def made(client: APIClient, kind: str, **body: Any) -> Any:
    answer = client.post(f"/api/v1/{kind}/", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_domain_gets_changes_and_loses_its_policy(client: APIClient) -> None:
    actions.create_domain(actions.OPERATOR, "example.org")
    row = made(client, "inbound-policies", domain="example.org", spf="refuse", greylist=True)
    assert (row["spf"], row["dmarc"], row["greylist"]) == ("refuse", "apply", True)
    url = f"/api/v1/inbound-policies/{row['id']}/"
    assert client.patch(url, {"dmarc": "junk"}).json()["dmarc"] == "junk"
    assert "dmarc" in client.patch(url, {"dmarc": "refuse"}).json()["errors"]
    assert client.patch(url, {"domain": None}).status_code == 400
    assert client.post("/api/v1/inbound-policies/", {"domain": "example.org"}).status_code == 400
    assert client.post("/api/v1/inbound-policies/", {"domain": "nowhere.test"}).status_code == 400
    assert client.delete(url).status_code == 204
    assert Entry.objects.filter(username="root", subject="example.org").count() == 3


def test_the_appliance_has_one_without_a_domain(client: APIClient) -> None:
    assert made(client, "inbound-policies", iprev="junk")["domain"] is None
    assert client.post("/api/v1/inbound-policies/", {}).status_code == 400
    assert len(client.get("/api/v1/inbound-policies/").json()["results"]) == 1


def test_lists_networks_sealers_and_limits(client: APIClient) -> None:
    row = made(client, "dns-lists", zone="BL.test", effect="refuse", codes="127.0.0.2")
    url = f"/api/v1/dns-lists/{row['id']}/"
    assert client.patch(url, {"active": False}).json()["active"] is False
    assert client.patch(url, {"zone": "other.test"}).status_code == 400
    assert client.patch(url, {"codes": "x"}).json()["errors"]["codes"]
    assert client.delete(url).status_code == 204
    for kind, body in (
        ("trusted-networks", {"network": "192.0.2.0/24"}),
        ("trusted-sealers", {"domain": "lists.test"}),
    ):
        trusted = made(client, kind, **body)
        assert client.post(f"/api/v1/{kind}/", body).status_code == 400
        assert client.delete(f"/api/v1/{kind}/{trusted['id']}/").status_code == 204
    made(client, "reception-limits", name="messages", per_minute=9)
    made(client, "reception-limits", name="messages", per_minute=10)
    assert client.get("/api/v1/reception-limits/").json()["results"] == [{"name": "messages", "per_minute": 10}]
    assert client.post("/api/v1/reception-limits/", {"name": "x", "per_minute": 1}).status_code == 400
