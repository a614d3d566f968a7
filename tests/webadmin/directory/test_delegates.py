"""Folders are shared by verbs, pages and REST as IMAP clients share them; and only within a domain."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions, delegates
from webadmin.directory.administrators import create_administrator
from webadmin.directory.delegates import share
from webadmin.directory.models import Account
from webadmin.identity import owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(db: None) -> Account:
    for name in ("example.org", "other.test"):
        actions.create_domain(OPERATOR, name)
    actions.create_account(OPERATOR, "elsewhere@other.test", "pw1")
    actions.create_account(OPERATOR, "bob@example.org", "pw1")
    return actions.create_account(OPERATOR, "anna@example.org", "pw1")


def shared(account: Account) -> list[tuple[str, str, str]]:
    found = delegates.rights_on(account)
    return sorted((one.folder, one.account.address if one.account else "", one.rights) for one in found)


def test_given_changed_and_taken(anna: Account) -> None:
    who = Actor(owner_of(anna))
    share(who, anna, "INBOX", " Bob@Example.org ", "rl")
    share(OPERATOR, anna, "Archive", "", "lrsd")
    assert shared(anna) == [("Archive", "", "lrste"), ("INBOX", "bob@example.org", "lr")]
    entries = Entry.objects.count()
    share(who, anna, "INBOX", "bob@example.org", "lr")
    assert Entry.objects.count() == entries
    share(who, anna, "INBOX", "bob@example.org", "lrs")
    share(who, anna, "Archive", "", "")
    assert shared(anna) == [("INBOX", "bob@example.org", "lrs")]
    assert Entry.objects.filter(verb="share folder", subject=anna.address).count() == 4


@pytest.mark.parametrize(
    ("folder", "grantee", "letters"),
    [
        ("Nowhere", "bob@example.org", "lr"), ("INBOX", "elsewhere@other.test", "lr"),
        ("INBOX", "nobody@example.org", "lr"),
        ("INBOX", "anna@example.org", "lr"), ("INBOX", "bob@example.org", "z"), ("INBOX", "bob@example.org", "p"),
    ],
)  # fmt: skip
def test_what_cannot_be(anna: Account, folder: str, grantee: str, letters: str) -> None:
    with pytest.raises(ValidationError):
        share(OPERATOR, anna, folder, grantee, letters)
    assert shared(anna) == []


def test_nobody_shares_what_is_somebody_elses(anna: Account) -> None:
    bob = Account.objects.get(address="bob@example.org")
    with pytest.raises(PermissionDenied):
        share(Actor(owner_of(bob)), anna, "INBOX", "bob@example.org", "lr")


def test_by_hand(client: Client, anna: Account) -> None:
    client.force_login(owner_of(anna))
    page = "/me/sharing/"
    told = {"folder": "Archive", "grantee": "bob@example.org", "level": "write"}
    assert client.post(page, told)["Location"] == page
    assert shared(anna) == [("Archive", "bob@example.org", "lrswite")]
    assert b"bob@example.org" in client.get(page).content
    wrong = client.post(page, told | {"grantee": "elsewhere@other.test"})
    assert (wrong.status_code, b"same domain" in wrong.content) == (200, True)
    client.post(page, {"folder": "Archive", "grantee": "bob@example.org", "take": "yes"})
    assert shared(anna) == []
    client.post(page, {"folder": "Nowhere", "take": "yes"})
    assert b"There is no folder Nowhere." in client.get(page).content
    client.force_login(create_administrator("root", "a long passphrase"))
    client.post(f"/accounts/{anna.pk}/sharing/", told | {"grantee": "", "level": "read"})
    assert shared(anna) == [("Archive", "", "lrs")]


def test_over_rest(client: Client, anna: Account) -> None:
    client.force_login(owner_of(anna))
    path, told = f"/api/v1/shared-folders/{anna.pk}/", {"folder": "INBOX", "grantee": "", "rights": "lr"}
    assert client.get(path).json() == {"results": []}
    assert client.put(path, told, "application/json").json() == {"results": [told]}
    assert client.put(path, told | {"folder": "Nowhere"}, "application/json").status_code == 400
    assert client.put(path, told | {"rights": ""}, "application/json").json() == {"results": []}
