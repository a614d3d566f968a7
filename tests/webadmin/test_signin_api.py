"""App passwords, issuers and blocks over REST."""

import asyncio
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from mailservices.auth.throttle import NETWORK
from mailservices.mail import sealing
from mailservices.net.limiter import Bucket, Limiter
from tests.webadmin.test_api import client, create
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.directory.models import AppPassword, Issuer

pytestmark = pytest.mark.django_db
__all__ = ["client"]

ISSUER = {"issuer": "https://login.example.org", "audience": "mail", "jwks_url": "https://login.example.org/keys"}


@pytest.fixture
def account() -> int:
    actions.create_domain(OPERATOR, "example.org")
    return actions.create_account(OPERATOR, "alice@example.org", "pw1").pk


def test_an_app_password_is_shown_once(client: APIClient, account: int) -> None:
    made = create(client, "app-passwords", account=account, label="phone")
    assert made["protocols"] == ["smtp", "imap", "pop3"]
    assert made["name"] == f"alice@example.org/{made['id']}"
    text = made["password"]
    listed = client.get(f"/api/v1/app-passwords/?account={account}").json()["results"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert (listed[0]["password"], listed[0]["readable"]) == (None, False)
    assert client.get("/api/v1/app-passwords/?account=x").json()["results"] == []
    assert client.delete(f"/api/v1/app-passwords/{made['id']}/").status_code == 204
    assert client.get(f"/api/v1/app-passwords/{made['id']}/").status_code == 404
    entries = list(Entry.objects.filter(verb__contains="app password").values_list("verb", "subject"))
    assert entries == [("revoke app password", "alice@example.org"), ("create app password", "alice@example.org")]
    assert text not in str(list(Entry.objects.values()))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": " "}, "label"),
        ({"label": "x", "protocols": ["ftp"]}, "protocols"),
        ({"label": "x", "networks": ["nonsense"]}, "networks"),
        ({"label": "x", "networks": ["192.0.2.1"] * 21}, "networks"),
        ({"label": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_what_is_wrong_with_an_app_password(
    client: APIClient, account: int, body: dict[str, Any], field: str
) -> None:
    answer = client.post("/api/v1/app-passwords/", {"account": account, **body})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_an_account_has_so_many(client: APIClient, account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webadmin.directory.signin.APP_PASSWORDS", 1)
    create(client, "app-passwords", account=account, label="one")
    answer = client.post("/api/v1/app-passwords/", {"account": account, "label": "two"})
    assert "revoke some" in answer.json()["errors"][""][0]
    assert AppPassword.objects.count() == 1


def test_an_issuer_is_kept_with_its_secret_sealed(client: APIClient) -> None:
    asked = {"introspection_url": "https://a.test/ask", "client_id": "facteur", "client_secret": "s3cret"}
    made = create(client, "issuers", issuer="https://a.test", audience="mail", **asked)
    assert "client_secret" not in made
    kept = bytes(Issuer.objects.get().client_secret or b"")
    context = sealing.issuer_context("https://a.test")
    assert sealing.unseal(settings.CONFIG.sealing_key, kept, context) == b"s3cret"
    url = f"/api/v1/issuers/{made['id']}/"
    assert client.patch(url, {"active": False}).json()["active"] is False
    assert bytes(Issuer.objects.get().client_secret or b"") == kept
    assert client.patch(url, {"client_secret": "other"}).status_code == 200
    assert bytes(Issuer.objects.get().client_secret or b"") != kept
    assert client.patch(url, {"issuer": "https://b.test"}).status_code == 400
    assert client.post("/api/v1/issuers/", {**ISSUER, "issuer": "https://a.test"}).status_code == 400
    assert client.delete(url).status_code == 204
    assert "s3cret" not in str(list(Entry.objects.values()))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"issuer": "login.example.org"}, "issuer"),
        ({"issuer": "https://[x"}, "issuer"),
        ({"jwks_url": "http://login.example.org/keys"}, "jwks_url"),
        ({"jwks_url": ""}, "jwks_url"),
        ({"introspection_url": "https://a.test/", "client_id": "x", "client_secret": "y"}, "jwks_url"),
        ({"jwks_url": "", "introspection_url": "https://a.test/", "client_id": "x"}, "client_id"),
        ({"audience": ""}, "audience"),
    ],
)
def test_what_is_wrong_with_an_issuer(client: APIClient, change: dict[str, str], field: str) -> None:
    answer = client.post("/api/v1/issuers/", {**ISSUER, **change})
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["errors"]) == [field]


def test_a_block_is_listed_and_lifted(client: APIClient) -> None:
    network = "198.51.100.0/24"

    async def guess() -> None:
        limiter = Limiter(settings.CONFIG.redis_url)
        await limiter.charge([Bucket(NETWORK, network)], NETWORK.size + 1, "smtp: nobody@example.org")
        await limiter.close()

    asyncio.run(guess())
    found = next(one for one in client.get("/api/v1/blocks/").json() if one["what"] == network)
    assert (found["limit"], found["why"]) == ("network", "smtp: nobody@example.org")
    assert client.delete(f"/api/v1/blocks/{found['id']}/").status_code == 204
    assert network not in str(client.get("/api/v1/blocks/").json())
    assert client.delete(f"/api/v1/blocks/{found['id']}/").status_code == 404
    assert Entry.objects.get(verb="lift block").subject == f"network {network}"
