"""Many accounts at once: the good rows, and what is wrong with the others."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from mailservices.mail import passwords
from tests.webadmin.test_api import client, create
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.directory.models import Account
from webadmin.identity import People

pytestmark = pytest.mark.django_db
__all__ = ["client"]


def test_good_rows_become_accounts(client: APIClient) -> None:
    create(client, "domains", name="example.org")
    create(client, "accounts", address="taken@example.org", password="pw1")
    ready = passwords.make("a ready one").removeprefix("argon2")
    rows: list[dict[str, Any]] = [
        {"address": "A@Example.org", "password_hash": ready, "display_name": "A", "quota_bytes": 1000},
        {"address": "b@example.org", "password": "b's passphrase"},
        {"address": "a@example.org", "password_hash": ready},
        {"address": "taken@example.org", "password_hash": ready},
        {"address": "c@nowhere.test", "password_hash": ready},
        {"address": "@example.org", "password_hash": ready},
        {"address": "d@example.org", "password_hash": "$6$salt$hash"},
        {"address": "e@example.org"},
        {"address": "f@example.org", "password_hash": ready, "quota_bytes": -1, "display_name": 7, "x": 1},
    ]
    told = client.post("/api/v1/accounts/bulk/", {"accounts": rows}).json()
    assert told["created"] == 2
    wrong = [sorted(one["errors"]) for one in told["results"]]
    assert wrong == [
        [], [], ["address"], ["address"], ["address"], ["address"], ["password_hash"], ["password"],
        ["display_name", "quota_bytes", "x"],
    ]  # fmt: skip
    account = Account.objects.get(pk=told["results"][0]["id"])
    assert (account.address, account.display_name, account.quota_bytes) == ("a@example.org", "A", 1000)
    assert (account.usage.bytes, account.mailboxes.count(), account.scram) == (0, 6, None)
    assert Account.objects.get(address="b@example.org").scram
    for name, password in (("a@example.org", "a ready one"), ("b@example.org", "b's passphrase")):
        assert str(People().authenticate(None, name, password)) == name
    assert Entry.objects.filter(verb="create account", subject="a@example.org", username="root").count() == 1


def test_what_is_refused_as_a_whole(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    actions.create_domain(OPERATOR, "example.org")
    monkeypatch.setattr("webadmin.directory.creating.ROWS", 3)
    monkeypatch.setattr("webadmin.directory.creating.PLAIN", 1)
    row = {"address": "a@example.org", "password": "pw1"}
    for accounts in ([row] * 4, [row] * 2, ["x"], "x", None):
        assert client.post("/api/v1/accounts/bulk/", {"accounts": accounts}).status_code == 400
    assert not Account.objects.exists()
