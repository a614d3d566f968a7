"""The REST API from outside: bearer tokens, provisioning, errors, paging, idempotency, the schema."""

from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.directory import actions
from webadmin.directory.models import Account

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> APIClient:
    administrator = actions.create_administrator("root", "a long passphrase")
    _, token = actions.create_token(administrator, "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def create(client: APIClient, kind: str, **body: Any) -> Any:
    answer = client.post(f"/api/v1/{kind}/", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_provisions_domain_account_and_alias(client: APIClient) -> None:
    domain = create(client, "domains", name="Example.ORG")
    assert domain["name"] == "example.org"
    account = create(client, "accounts", address="alice@example.org", password="pw1", quota_bytes=1000)
    assert account["usage"] == {"bytes": 0, "messages": 0}
    assert "password" not in account
    targets = ["alice@example.org", "x@elsewhere.test"]
    alias = create(client, "aliases", address="info@example.org", targets=targets)
    assert alias["targets"] == targets
    assert client.get(f"/api/v1/accounts/{account['id']}/").json()["address"] == "alice@example.org"
    assert Entry.objects.filter(username="root", verb="create account", remote_host="127.0.0.1").exists()


def test_says_where_addresses_lead(client: APIClient) -> None:
    create(client, "domains", name="example.org")
    other = create(client, "domains", name="example.net", alias_of="example.org", detail_folders=True)
    assert (other["alias_of"], other["detail_folders"]) == ("example.org", True)
    answer = client.patch(f"/api/v1/domains/{other['id']}/", {"alias_of": None}, format="json")
    assert answer.json()["alias_of"] is None
    account = create(client, "accounts", address="alice@example.org", password="pw1")
    asked = {"posting": "named", "posters": ["alice@example.org"], "note": "Team", "targets": ["x@elsewhere.test"]}
    alias = create(client, "aliases", address="team@example.org", expires_at="2030-01-01T00:00:00Z", **asked)
    assert {name: alias[name] for name in asked} == asked
    assert alias["expires_at"] == "2030-01-01T00:00:00Z"
    changed = client.patch(f"/api/v1/aliases/{alias['id']}/", {"posting": "everyone"}, format="json").json()
    assert (changed["posting"], changed["posters"]) == ("everyone", ["alice@example.org"])
    made = create(client, f"accounts/{account['id']}/disposable", note="a shop")
    assert made["targets"] == ["alice@example.org"]
    assert client.post(f"/api/v1/accounts/{account['id']}/disposable/", {}).status_code == 400


def test_changes_and_deletes(client: APIClient) -> None:
    domain = create(client, "domains", name="example.org")
    account = create(client, "accounts", address="alice@example.org", password="pw1")
    alias = create(client, "aliases", address="@example.org", targets=["alice@example.org"])
    url = f"/api/v1/accounts/{account['id']}/"
    assert client.patch(url, {"quota_messages": 7}).json()["quota_messages"] == 7
    assert client.patch(url, {"quota_messages": 0}).status_code == 400
    changed = client.patch(url, {"quota_bytes": 5, "active": False, "password": "other"}).json()
    assert (changed["quota_bytes"], changed["active"]) == (5, False)
    before = Account.objects.get(pk=account["id"]).password
    assert client.patch(url, {"password": "third"}).status_code == 200
    assert Account.objects.get(pk=account["id"]).password != before
    alias_url = f"/api/v1/aliases/{alias['id']}/"
    assert client.patch(alias_url, {"targets": ["b@b.test"]}).json()["targets"] == ["b@b.test"]
    domain_url = f"/api/v1/domains/{domain['id']}/"
    refused = client.delete(domain_url)
    assert refused.status_code == 400
    assert "still has accounts" in refused.json()["errors"][""][0]
    assert client.delete(alias_url).status_code == 204
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("domains", {"name": "no dots"}, "name"),
        ("domains", {}, "name"),
        ("accounts", {"address": "a@nowhere.test", "password": "x"}, "address"),
        ("accounts", {"address": "a@example.org"}, "password"),
        ("accounts", {"address": "a@example.org", "password": "x", "quota_bytes": 0}, "quota_bytes"),
        ("aliases", {"address": "b@example.org", "targets": []}, "targets"),
        ("aliases", {"address": "b@example.org", "targets": ["nonsense"]}, "targets"),
    ],
)
def test_tells_what_is_wrong(client: APIClient, kind: str, body: dict[str, Any], field: str) -> None:
    create(client, "domains", name="example.org")
    answer = client.post(f"/api/v1/{kind}/", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 400
    assert problem["errors"][field][0]


def test_twice_is_refused(client: APIClient) -> None:
    create(client, "domains", name="example.org")
    create(client, "accounts", address="alice@example.org", password="pw1")
    answer = client.post("/api/v1/accounts/", {"address": "Alice@example.org", "password": "pw1"})
    assert answer.status_code == 400
    assert answer.json()["errors"]["address"] == ["alice@example.org is taken."]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Bearer a b", "Basic YTpi"])
def test_strangers_get_401(header: str) -> None:
    client = APIClient()
    if header:
        client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/api/v1/domains/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["title"] == "Sign in first"


def test_pages_by_cursor_and_finds(client: APIClient) -> None:
    create(client, "domains", name="example.org")
    for name in ("a", "b", "c"):
        create(client, "accounts", address=f"{name}@example.org", password="pw1")
    first = client.get("/api/v1/accounts/?limit=2").json()
    assert [one["address"] for one in first["results"]] == ["a@example.org", "b@example.org"]
    second = client.get(first["next"]).json()
    assert [one["address"] for one in second["results"]] == ["c@example.org"]
    assert second["next"] is None
    found = client.get("/api/v1/accounts/?address=B@example.org").json()["results"]
    assert [one["address"] for one in found] == ["b@example.org"]
    assert not client.get("/api/v1/accounts/?domain=other.test").json()["results"]


def test_same_key_is_done_once(client: APIClient) -> None:
    body, key = {"name": "once.test"}, {"HTTP_IDEMPOTENCY_KEY": "k1"}
    first = client.post("/api/v1/domains/", body, **key)
    again = client.post("/api/v1/domains/", body, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert client.post("/api/v1/domains/", {"name": "two.test"}, **key).status_code == 422
    # What failed may be tried again with the same key.
    assert client.post("/api/v1/domains/", {"name": "bad"}, HTTP_IDEMPOTENCY_KEY="k2").status_code == 400
    assert client.post("/api/v1/domains/", {"name": "good.test"}, HTTP_IDEMPOTENCY_KEY="k2").status_code == 201


def test_lists_to_look_at(client: APIClient) -> None:
    create(client, "domains", name="example.org")
    assert client.get("/api/v1/queue/?state=waiting").json()["results"] == []
    assert client.get("/api/v1/queue/?state=nonsense").status_code == 400
    assert client.get("/api/v1/trace/?address=a@b.test").json()["results"] == []
    assert client.get("/api/v1/audit/").json()["results"][0]["verb"] == "create domain"


def test_broken_json_and_unknown_things(client: APIClient) -> None:
    broken = client.post("/api/v1/domains/", "{", content_type="application/json")
    assert (broken.status_code, broken["Content-Type"]) == (400, "application/problem+json")
    assert client.get("/api/v1/domains/999999/").json()["status"] == 404
    assert client.put("/api/v1/domains/1/", {}).status_code == 405


def test_schema_has_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    assert "/api/v1/accounts/" in capsys.readouterr().out


def test_health_needs_no_sign_in() -> None:
    client = APIClient()
    assert client.get("/healthz").json() == {"status": "ok", "database": "ok", "redis": "ok"}
    assert b"facteur_domains" in client.get("/metrics").content
    assert client.get("/api/v1/docs/").status_code == 200
