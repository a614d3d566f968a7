"""The manners of the API: once, not over somebody else's change, no more than asked, not too fast."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from tests.webadmin.test_api import client, create
from webadmin import manners
from webadmin.directory.models import Account
from webadmin.engine import Limit
from webadmin.mailstore.models import Usage
from webadmin.queue.models import Recipient

pytestmark = pytest.mark.django_db
__all__ = ["client"]


@pytest.fixture
def account(client: APIClient) -> dict[str, Any]:
    create(client, "domains", name="example.org")
    made: dict[str, Any] = create(client, "accounts", address="alice@example.org", password="pw1")
    return made


def test_a_row_is_changed_only_as_it_was_read(client: APIClient, account: dict[str, Any]) -> None:
    url = f"/api/v1/accounts/{account['id']}/"
    tag = client.get(url)["ETag"]
    Usage.objects.filter(account=account["id"]).update(bytes=5)
    assert client.get(url)["ETag"] == tag
    unchanged = client.get(url, HTTP_IF_NONE_MATCH=f'"else", {tag}')
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    changed = client.patch(url, {"display_name": "A"}, HTTP_IF_MATCH=tag)
    assert (changed.status_code, changed["ETag"] != tag) == (200, True)
    late = client.patch(url, {"display_name": "B"}, HTTP_IF_MATCH=tag)
    assert (late.status_code, late["Content-Type"]) == (412, "application/problem+json")
    assert client.delete(url, HTTP_IF_MATCH=tag).status_code == 412
    assert Account.objects.get(pk=account["id"]).display_name == "A"
    assert client.get(url, HTTP_IF_NONE_MATCH=tag).status_code == 200
    assert client.delete(url, HTTP_IF_MATCH="*").status_code == 204


def test_fields_are_named(client: APIClient, account: dict[str, Any]) -> None:
    one = client.get(f"/api/v1/accounts/{account['id']}/?fields=address,nothing").json()
    assert one == {"address": "alice@example.org"}
    many = client.get("/api/v1/accounts/?fields=id, active").json()
    assert many["results"] == [{"id": account["id"], "active": True}]
    assert set(many) == {"next", "previous", "results"}
    assert client.get("/api/v1/accounts/99999/?fields=id").json()["status"] == 404


def test_every_post_is_done_once(client: APIClient, account: dict[str, Any]) -> None:
    """Verbs of one row, too, and of many."""
    key = {"HTTP_IDEMPOTENCY_KEY": "k1"}
    url = f"/api/v1/accounts/{account['id']}/disposable/"
    first = client.post(url, {"note": "a shop"}, **key)
    again = client.post(url, {"note": "a shop"}, **key)
    assert first.json() == again.json()
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert client.post(url, {"note": "another"}, **key).status_code == 422
    body = {"verb": "hold", "sender": "alice@example.org"}
    assert client.post("/api/v1/queue/act/", body, **key).json() == {"recipients": 0}
    assert client.post("/api/v1/queue/act/", body, **key)["Idempotent-Replayed"] == "true"
    assert not Recipient.objects.exists()
    secret = client.post("/api/v1/app-passwords/", {"account": account["id"], "label": "x"}, **key)
    assert (secret.status_code, list(secret.json()["errors"])) == (400, ["Idempotency-Key"])
    assert client.post(url, {"note": "x"}, HTTP_IDEMPOTENCY_KEY="k" * 201).status_code == 400


def test_a_key_may_try_again_after_our_own_mistake(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    asked = ("/api/v1/domains/", {"name": "late.test"})
    with monkeypatch.context() as broken:
        broken.setattr("webadmin.directory.actions.first_keys", lambda _domain: 1 / 0)
        assert client.post(*asked, HTTP_IDEMPOTENCY_KEY="k1").status_code == 500
    assert client.post(*asked, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201


def test_whatever_comes_is_answered_as_a_problem(client: APIClient, account: dict[str, Any]) -> None:
    asked = [
        (client.get("/api/v1/nothing/"), 404),
        (client.get("/api/v1/accounts/0.5/"), 404),
        (client.get(f"/api/v1/accounts/{'9' * 30}/"), 404),
        (client.get("/api/v1/accounts/?search=%00"), 400),
        (client.post("/api/v1/dkim-keys/rotate/", '{"domain": "\\u0000"}', content_type="application/json"), 400),
        (client.post("/api/v1/dkim-keys/rotate/", '{"domain": "\\ud800"}', content_type="application/json"), 400),
        # What a verb forbids, rather than the gate: a token makes no tokens.
        (client.post("/api/v1/tokens/", {"label": "another"}), 403),
    ]
    for answer, status in asked:
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert b"<html" in client.get("/nothing/").content


def test_who_asks_too_fast_is_told_until_when(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners, "PACE", Limit("api-test", 3, 60))
    answers = [client.get("/api/v1/domains/") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one["RateLimit"].partition(";t=")[0] for one in answers[:2]] == ['"api-test";r=2', '"api-test";r=1']
    assert answers[0]["RateLimit-Policy"] == '"api-test";q=3;w=60'
    assert 0 < int(answers[3]["Retry-After"]) <= 20
    assert answers[3]["Content-Type"] == "application/problem+json"
    assert "RateLimit" not in APIClient().get("/api/v1/domains/")


@pytest.mark.django_db(transaction=True)
def test_two_that_change_what_they_have_read_do_not_both(client: APIClient, account: dict[str, Any]) -> None:
    url = f"/api/v1/accounts/{account['id']}/"
    tag = client.get(url)["ETag"]

    def change(number: int) -> int:
        try:
            return int(client.patch(url, {"display_name": f"name {number}"}, HTTP_IF_MATCH=tag).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(change, range(8))) == [200, *[412] * 7]


def test_what_an_owner_wishes_is_changed_only_as_it_was_read(client: APIClient, account: dict[str, Any]) -> None:
    url = f"/api/v1/forwardings/{account['id']}/"
    tag = client.get(url)["ETag"]
    there = {"targets": ["a@far.test"], "keep": True}
    assert client.put(url, there, HTTP_IF_MATCH='"else"').status_code == 412
    assert client.put(url, there, HTTP_IF_MATCH=tag).status_code == 200
    assert client.put(url, there, HTTP_IF_MATCH=tag).status_code == 412
