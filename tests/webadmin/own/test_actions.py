"""Forwarding and answers for whoever is away, by the verbs and over REST: who may, and what."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions, aliases, lifecycle, signin
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Address, Role
from webadmin.identity import owner_of
from webadmin.own import actions as own
from webadmin.own.models import TARGETS, Answered

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Account:
    actions.create_domain(OPERATOR, "example.org")
    return actions.create_account(OPERATOR, "alice@example.org", "pw1")


@pytest.fixture
def bob(alice: Account) -> Account:
    return actions.create_account(OPERATOR, "bob@example.org", "pw1")


def test_an_owner_does_it_for_herself_and_nobody_else(alice: Account, bob: Account) -> None:
    who = Actor(owner_of(alice))
    app, _ = signin.create_app_password(who, alice, "phone")
    signin.revoke_app_password(who, app)
    aliases.delete_disposable(who, alice, aliases.create_disposable(who, alice, "shop").pk)
    lifecycle.sign_out(who, alice)
    own.forward(who, alice, ["x@far.test"])
    own.change_vacation(who, alice, text="Away.")
    his, _ = signin.create_app_password(OPERATOR, bob, "phone")
    alias = aliases.create_disposable(OPERATOR, bob, "shop")
    refused: list[Any] = [
        lambda: signin.create_app_password(who, bob, "phone"),
        lambda: signin.revoke_app_password(who, his),
        lambda: aliases.create_disposable(who, bob, "shop"),
        lambda: aliases.delete_disposable(who, bob, alias.pk),
        lambda: lifecycle.sign_out(who, bob),
        lambda: own.forward(who, bob, []),
        lambda: own.change_vacation(who, bob, text="Away."),
    ]
    for verb in refused:
        with pytest.raises(PermissionDenied):
            verb()
    with pytest.raises(Address.DoesNotExist):
        aliases.delete_disposable(who, alice, alias.pk)


def test_whoever_helps_people_does_not_forward_their_mail(alice: Account) -> None:
    hal = Actor(create_administrator("hal", "a long passphrase", role=Role.HELPDESK, domains=[alice.domain]))
    for verb in (
        lambda: own.forward(hal, alice, ["x@far.test"]),
        lambda: signin.create_app_password(hal, alice, "x"),
    ):
        with pytest.raises(PermissionDenied):
            verb()
    lifecycle.sign_out(hal, alice)


def test_a_disposable_address_has_an_end(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "DISPOSABLES", 1)
    aliases.create_disposable(OPERATOR, alice, "one")
    with pytest.raises(ValidationError, match="at most 1 disposable"):
        aliases.create_disposable(OPERATOR, alice, "two")


def test_where_mail_is_forwarded_to(alice: Account) -> None:
    own.forward(OPERATOR, alice, [" Bob@EXAMPLE.org ", "X@far.test", "x@Far.test"], keep=False)
    assert own.forwarding_of(alice).targets == ["X@far.test", "bob@example.org", "x@far.test"]
    entry = Entry.objects.get(verb="forward mail")
    assert entry.after == {"targets": ["X@far.test", "bob@example.org", "x@far.test"], "keep": False}
    own.forward(OPERATOR, alice, ["X@far.test", "bob@example.org", "x@far.test"], keep=False)
    assert Entry.objects.filter(verb="forward mail").count() == 1
    for wrong in (["nonsense"], [f"x{n}@far.test" for n in range(TARGETS + 1)], ["Alice@example.org"]):
        with pytest.raises(ValidationError):
            own.forward(OPERATOR, alice, wrong)
    assert own.forward(OPERATOR, alice, ["", " "], keep=False).keep


def test_what_is_answered(alice: Account) -> None:
    now = timezone.now()
    wrong: list[dict[str, Any]] = [
        {"text": "  "}, {"text": "x", "subject": "a\nb"}, {"text": "\0"}, {"text": "x", "days": 0},
        {"text": "x" * 10_001}, {"text": "x", "begins_at": now, "ends_at": now},
    ]  # fmt: skip
    for changes in wrong:
        with pytest.raises(ValidationError):
            own.change_vacation(OPERATOR, alice, **changes)
    with pytest.raises(TypeError):
        own.change_vacation(OPERATOR, alice, text="x", account=1)
    own.change_vacation(OPERATOR, alice, text=" Away. ", active=True, ends_at=now + timedelta(days=1))
    Answered.objects.create(account=alice, sender="x@far.test")
    own.change_vacation(OPERATOR, alice, text="Still away.")
    assert Answered.objects.exists()
    own.change_vacation(OPERATOR, alice, active=False)
    own.change_vacation(OPERATOR, alice, active=True)
    # Another time away: everybody is answered anew.
    assert not Answered.objects.exists()
    assert own.vacation_of(alice).text == "Still away."


def test_over_rest(alice: Account, bob: Account) -> None:
    client = APIClient()
    client.force_login(owner_of(alice))
    mine, his = f"/api/v1/forwardings/{alice.pk}/", f"/api/v1/forwardings/{bob.pk}/"
    assert client.get(mine).json() == {"address": "alice@example.org", "targets": [], "keep": True}
    answer = client.put(mine, {"targets": ["x@far.test"], "keep": False}, format="json")
    assert answer.json() == {"address": "alice@example.org", "targets": ["x@far.test"], "keep": False}
    assert client.put(mine, {"targets": ["nonsense"]}, format="json").status_code == 400
    assert [client.get(his).status_code, client.put(his, {"targets": []}, format="json").status_code] == [404, 404]
    away = f"/api/v1/vacations/{alice.pk}/"
    assert client.get(away).json()["active"] is False
    assert client.patch(away, {"active": True}, format="json").json()["errors"] == {
        "text": ["Say what is answered."]
    }
    assert client.patch(away, {"active": True, "text": "Away."}, format="json").json()["days"] == 7
    assert (
        client.post("/api/v1/app-passwords/", {"account": alice.pk, "label": "x"}, format="json").status_code
        == 201
    )
    assert (
        client.post("/api/v1/app-passwords/", {"account": bob.pk, "label": "x"}, format="json").status_code == 400
    )


def test_forwarding_follows_a_new_name(alice: Account, bob: Account) -> None:
    own.forward(OPERATOR, alice, ["bob@example.org", "x@far.test"])
    lifecycle.rename_account(OPERATOR, bob, "robert@example.org", keep=False)
    assert own.forwarding_of(alice).targets == ["robert@example.org", "x@far.test"]
