"""Declarative provisioning: as the document says, in one transaction, twice is once."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from mailservices.mail import passwords
from tests.webadmin.test_api import client, create
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, administrators
from webadmin.directory.models import Account, Address, Domain, Role
from webadmin.identity import People
from webadmin.security.models import SignOut

pytestmark = pytest.mark.django_db
__all__ = ["client"]

URL = "/api/v1/state/"
HASH = passwords.make("from elsewhere").removeprefix("argon2")
DOCUMENT: dict[str, Any] = {
    "domains": [
        {"name": "Example.org", "detail_folders": True},
        {"name": "example.net", "alias_of": "example.org"},
    ],
    "accounts": [
        {"address": "Alice@example.org", "password_hash": HASH, "quota_bytes": 1000, "sending_messages": 5},
        {"address": "bob@example.org", "password": "bob's passphrase", "display_name": "Bob", "active": False},
    ],
    "aliases": [
        {"address": "info@example.org", "targets": ["bob@example.org", "alice@example.org"], "note": "us"},
        {"address": "@example.org", "targets": ["alice@example.org"], "expires_at": "2030-01-01T00:00:00Z"},
    ],
}


def put(client: APIClient, document: Any, query: str = "") -> Any:
    answer = client.put(f"{URL}?{query}", document, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def done(outcome: Any) -> list[tuple[str, str]]:
    return [(one["what"], one["name"]) for one in outcome["changes"]]


ALL = [
    ("create", "example.org"), ("create", "example.net"), ("create", "alice@example.org"),
    ("create", "bob@example.org"), ("create", "info@example.org"), ("create", "@example.org"),
]  # fmt: skip


def test_it_becomes_so_and_twice_is_once(client: APIClient) -> None:
    tried = put(client, DOCUMENT, "dry_run=yes")
    assert (done(tried), tried["dry_run"], Domain.objects.exists()) == (ALL, True, False)
    assert Entry.objects.filter(verb="create account").count() == 0
    assert done(put(client, DOCUMENT)) == ALL
    assert "passphrase" not in str(tried)
    assert "argon2" not in str(tried)
    alice = Account.objects.get(address="alice@example.org")
    assert (alice.quota_bytes, alice.sending_messages) == (1000, 5)
    assert str(People().authenticate(None, "alice@example.org", "from elsewhere")) == "alice@example.org"
    assert not Account.objects.get(address="bob@example.org").active
    assert Domain.objects.get(name="example.net").alias_of == Domain.objects.get(name="example.org")
    entries = Entry.objects.count()
    again = put(client, DOCUMENT)
    assert (again["changes"], again["unchanged"], again["extra"]) == ([], 6, [])
    assert Entry.objects.count() == entries
    # What it tells of itself is a document that changes nothing.
    told = client.get(URL).json()
    assert "password" not in str(told)
    assert put(client, told)["changes"] == []


def test_what_differs_is_changed_and_told(client: APIClient) -> None:
    put(client, DOCUMENT)
    document = {
        "domains": [{"name": "example.org", "language": "fr"}, {"name": "example.net", "alias_of": None}],
        "accounts": [
            {"address": "alice@example.org", "quota_bytes": None, "password_hash": passwords.make("new")},
            {"address": "bob@example.org"},
        ],
        "aliases": [{"address": "info@example.org", "targets": ["bob@example.org"], "expires_at": None}],
    }
    outcome = put(client, document)
    assert done(outcome) == [
        ("change", "example.org"), ("change", "alice@example.org"), ("change", "info@example.org"),
        ("change", "example.net"),
    ]  # fmt: skip
    changed = outcome["changes"]
    assert (changed[0]["before"], changed[0]["after"]) == ({"language": "en"}, {"language": "fr"})
    assert changed[1]["after"] == {"quota_bytes": None, "password_hash": "another"}
    assert outcome["extra"] == ["@example.org"]
    assert str(People().authenticate(None, "alice@example.org", "new")) == "alice@example.org"
    assert SignOut.objects.filter(account_id=Account.objects.get(address="alice@example.org").pk).exists()
    assert put(client, document)["changes"] == []


def test_what_is_beside_it_goes_only_where_that_is_asked(client: APIClient) -> None:
    put(client, DOCUMENT)
    elsewhere = actions.create_domain(OPERATOR, "elsewhere.test")
    actions.create_account(OPERATOR, f"carol@{elsewhere.name}", "pw1")
    less = {"domains": DOCUMENT["domains"], "accounts": DOCUMENT["accounts"][:1], "aliases": []}
    assert put(client, less)["extra"] == ["@example.org", "info@example.org", "bob@example.org"]
    gone = [("delete", "@example.org"), ("delete", "info@example.org"), ("delete", "bob@example.org")]
    assert done(put(client, less, "prune=yes&dry_run=yes")) == gone
    assert Address.objects.filter(account=None).count() == 2
    assert done(put(client, less, "prune=yes")) == gone
    living = Account.objects.filter(deleted_at=None)
    assert set(living.values_list("address", flat=True)) == {"alice@example.org", "carol@elsewhere.test"}
    # A section that is missing is left alone.
    assert done(put(client, {"domains": DOCUMENT["domains"]}, "prune=yes")) == []


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"people": []}, "people"),
        ({"domains": "x"}, "domains"),
        ({"domains": [{}]}, "domains[0]"),
        ({"domains": [{"name": "no dots"}]}, "domains[0] no dots"),
        ({"domains": [{"name": "a.test"}, {"name": "A.test"}]}, "domains[1] a.test"),
        ({"domains": [{"name": "a.test", "alias_of": "nowhere.test"}]}, "a.test"),
        ({"domains": [{"name": "a.test", "sending_messages": -1}]}, "domains[0] a.test"),
        ({"accounts": [{"address": "a@a.test", "color": "red"}]}, "accounts[0] a@a.test"),
        ({"accounts": [{"address": "a@nowhere.test", "password": "x"}]}, "a@nowhere.test: address"),
        ({"accounts": [{"address": "x@example.org"}]}, "x@example.org: password"),
        ({"accounts": [{"address": "alice@example.org", "password_hash": "x"}]}, "alice@example.org"),
        ({"accounts": [{"address": "alice@example.org", "quota_bytes": "much"}]}, "accounts[0] alice@example.org"),
        ({"aliases": [{"address": "x@example.org", "targets": []}]}, "x@example.org: targets"),
        ({"aliases": [{"address": "x@example.org", "expires_at": "soon"}]}, "aliases[0] x@example.org"),
    ],
)
def test_one_wrong_row_undoes_all(client: APIClient, document: dict[str, Any], where: str) -> None:
    create(client, "domains", name="example.org")
    create(client, "accounts", address="alice@example.org", password="pw1")
    good = {"domains": [{"name": "good.test"}], **document}
    answer = client.put(URL, good, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [where]), answer.content
    assert list(Domain.objects.values_list("name", flat=True)) == ["example.org"]


def test_nobody_reaches_further_by_it(client: APIClient) -> None:
    put(client, DOCUMENT)
    other = actions.create_domain(OPERATOR, "other.test")
    dora = administrators.create_administrator("dora", "a long passphrase", role=Role.DOMAIN, domains=[other])
    hers = APIClient()
    hers.force_login(dora)
    assert [one["name"] for one in hers.get(URL).json()["domains"]] == ["other.test"]
    wrong = hers.put(URL, {"accounts": [{"address": "alice@example.org", "quota_bytes": 1}]}, format="json")
    assert wrong.status_code == 400
    assert hers.put(URL, {"domains": [{"name": "example.org"}]}, format="json").status_code == 403
    aliases = {"aliases": [{"address": "info@example.org", "targets": ["dora@other.test"]}]}
    assert hers.put(URL, aliases, format="json").status_code == 400
    assert Account.objects.get(address="alice@example.org").quota_bytes == 1000
