"""Access rules by verb, page and REST; failed sign-ins and who sent much, as the page tells of them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory.administrators import create_administrator
from webadmin.policy.models import Notice
from webadmin.security import actions
from webadmin.security.models import AccessRule, SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(create_administrator("root", "a long passphrase"))
    return client


@pytest.mark.parametrize(
    ("network", "effect", "ends"),
    [
        ("nonsense", "deny", None), ("10.0.0.0/7", "deny", None), ("2001::/15", "deny", None),
        ("127.0.0.1", "deny", None), ("192.0.2.1", "burn", None), ("192.0.2.1", "deny", timedelta(seconds=-1)),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(network: str, effect: str, ends: timedelta | None) -> None:
    with pytest.raises(ValidationError):
        actions.set_access(OPERATOR, network, effect, expires_at=timezone.now() + ends if ends else None)
    assert not AccessRule.objects.exists()


def test_a_rule_takes_the_place_of_the_one_before() -> None:
    actions.set_access(OPERATOR, " 192.0.2.77/24 ", "deny", "guesses")
    row = actions.set_access(OPERATOR, "192.0.2.0/24", "allow")
    assert [str(one) for one in AccessRule.objects.all()] == ["allow 192.0.2.0/24"]
    actions.remove_access(OPERATOR, row)
    told = Entry.objects.order_by("pk").values_list("verb", "before", "after")
    assert list(told) == [
        ("set access", None, {"effect": "deny"}),
        ("set access", {"effect": "deny"}, {"effect": "allow"}),
        ("remove access", {"effect": "allow"}, None),
    ]


def test_the_page_tells_who_guesses_and_who_sends_much(admin: Client) -> None:
    for name, host, outcome, times in (
        ("anna", "198.51.100.9", "refused", 7), ("bob", "198.51.100.9", "blocked", 3),
        ("carl", None, "refused", 1), ("dora", "198.51.100.8", "accepted", 50),
    ):  # fmt: skip
        SignIn.objects.create(name=name, protocol="imap", remote_host=host, outcome=outcome, times=times)
    Notice.objects.create(name="sending 1", detail="anna sent much")
    context = admin.get("/security/").context
    assert [(row["remote_host"], row["total"]) for row in context["by_address"]] == [("198.51.100.9", 10)]
    assert [row["name"] for row in context["by_name"]] == ["anna", "bob", "carl"]
    page = admin.get("/security/?network=198.51.100.9").content.decode()
    assert 'value="198.51.100.9"' in page
    assert "anna sent much" in page


def test_rules_are_made_and_removed_on_the_page(admin: Client) -> None:
    answer = admin.post("/security/", {"network": "nonsense", "effect": "deny"})
    assert b"An address or a network" in answer.content
    assert b'value="nonsense"' in answer.content
    admin.post("/security/", {"network": "198.51.100.9", "effect": "deny", "days": "2"})
    row = AccessRule.objects.get()
    assert row.expires_at is not None
    admin.post(f"/security/access/{row.pk}/remove/")
    assert not AccessRule.objects.exists()


def test_the_same_over_rest(admin: Client) -> None:
    told = {"network": "198.51.100.9", "effect": "allow", "note": "our office"}
    made = admin.post("/api/v1/access-rules/", told, content_type="application/json")
    assert (made.status_code, made.json()["network"]) == (201, "198.51.100.9/32")
    bad = admin.post("/api/v1/access-rules/", {**told, "network": "x"}, content_type="application/json")
    assert bad.status_code == 400
    assert admin.delete(f"/api/v1/access-rules/{made.json()['id']}/").status_code == 204
    SignIn.objects.create(name="anna", protocol="imap", outcome="refused", times=7)
    (row,) = admin.get("/api/v1/mail-sign-ins/?outcome=refused&name=anna").json()["results"]
    assert row["times"] == 7
    assert admin.get("/api/v1/mail-sign-ins/?account_id=x").status_code == 400
    assert admin.get("/api/v1/mail-sign-ins/?outcome=accepted").json()["results"] == []
