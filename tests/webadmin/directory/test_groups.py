"""Groups: what is one, and how members come and go; by the verbs, on pages and over REST."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases, groups
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Address

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Address:
    actions.create_domain(OPERATOR, "example.org")
    aliases.create_alias(OPERATOR, "info@example.org", ["a@far.test"])
    aliases.create_alias(OPERATOR, "@example.org", ["a@far.test", "b@far.test"])
    aliases.create_alias(OPERATOR, "shop-*@example.org", ["a@far.test", "b@far.test"])
    aliases.create_alias(OPERATOR, "closed@example.org", ["a@far.test"], posting="domain")
    return aliases.create_alias(OPERATOR, "team@example.org", ["a@far.test", "b@far.test"])


@pytest.fixture
def root(client: Client, team: Address) -> Client:
    client.force_login(create_administrator("root", "a long passphrase"))
    return client


def members(group: Address) -> list[str]:
    return sorted(group.targets.values_list("address", flat=True))


def test_what_is_a_group(team: Address) -> None:
    found = groups.groups_among(Address.objects.all())
    assert {str(one): one.members for one in found} == {"team@example.org": 2, "closed@example.org": 1}  # type: ignore[attr-defined]


def test_members_come_and_go(team: Address) -> None:
    assert groups.add_members(OPERATOR, team, ["C@Example.org", "a@far.test"]) == ["c@example.org"]
    assert groups.add_members(OPERATOR, team, ["c@example.org"]) == []
    assert groups.remove_members(OPERATOR, team, [" A@far.test ", "nobody@far.test"]) == ["a@far.test"]
    assert members(team) == ["b@far.test", "c@example.org"]
    with pytest.raises(ValidationError, match="delete the group"):
        groups.remove_members(OPERATOR, team, members(team))
    with pytest.raises(ValidationError, match="at most"):
        groups.add_members(OPERATOR, team, [f"m{number}@far.test" for number in range(aliases.TARGETS - 1)])
    assert members(team) == ["b@far.test", "c@example.org"]
    assert [entry.verb for entry in Entry.objects.order_by("pk")][-2:] == ["add members", "remove members"]


def test_by_hand(root: Client, team: Address) -> None:
    shown = root.get("/groups/?q=tea").content.decode()
    assert "team@example.org" in shown
    assert "info@example.org" not in shown
    made = root.post(
        "/groups/new/", {"address": "staff@example.org", "targets": "x@far.test\ny@far.test", "posting": "members"}
    )
    assert members(Address.objects.get(local_part="staff")) == ["x@far.test", "y@far.test"]
    assert made["Location"].startswith("/groups/")
    page = f"/groups/{team.pk}/"
    assert root.post(page, {"verb": "add", "members": "new@far.test\nb@far.test"})["Location"] == page
    assert b"1 member is added." in root.get(page).content
    wrong = root.post(page, {"verb": "add", "members": "nonsense"})
    assert (wrong.status_code, b"nonsense" in wrong.content) == (200, True)
    root.post(page, {"verb": "remove", "members": ["a@far.test", "b@far.test"]})
    assert members(team) == ["new@far.test"]
    root.post(page, {"verb": "remove", "members": ["new@far.test"]})
    assert b"Somebody has to be left" in root.get(page).content
    assert members(team) == ["new@far.test"]


def test_over_rest(root: Client, team: Address) -> None:
    def post(verb: str, *addresses: str) -> Any:
        return root.post(f"/api/v1/groups/{team.pk}/{verb}/", {"members": list(addresses)}, "application/json")

    assert [one["address"] for one in root.get("/api/v1/groups/?search=team").json()["results"]] == [
        "team@example.org"
    ]
    assert post("add_members", "c@far.test").json() == {"members": ["c@far.test"]}
    assert post("remove_members", "a@far.test", "b@far.test").json() == {"members": ["a@far.test", "b@far.test"]}
    assert post("add_members").status_code == 400
    assert post("add_members", "nonsense").status_code == 400
    assert members(team) == ["c@far.test"]
