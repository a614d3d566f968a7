"""How POP serves an account: the verb, REST."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from rest_framework.test import APIClient

from tests.webadmin.test_api import client
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.directory.models import Account, PopChoices
from webadmin.directory.pop import change_pop, pop_of

pytestmark = pytest.mark.django_db
__all__ = ["client"]


@pytest.fixture
def account() -> Account:
    actions.create_domain(OPERATOR, "example.org")
    return actions.create_account(OPERATOR, "alice@example.org", "pw1")


def test_nobody_has_to_choose(account: Account) -> None:
    choices = pop_of(account)
    assert (choices.active, choices.folder, choices.login_delay) == (True, "INBOX", 0)
    assert not PopChoices.objects.exists()


def test_what_is_not_named_stays_as_it_is(account: Account) -> None:
    change_pop(OPERATOR, account, login_delay=60, folder="inbox")
    change_pop(OPERATOR, account, folder=" Archive ", expire_days=30)
    choices = pop_of(account)
    assert (choices.login_delay, choices.folder, choices.expire_days) == (60, "Archive", 30)
    entry = Entry.objects.filter(verb="change POP").first()
    assert entry is not None
    assert (entry.subject, entry.before) == ("alice@example.org", {"folder": "INBOX", "expire_days": None})
    assert entry.after == {"folder": "Archive", "expire_days": 30}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"newest_days": 0}, "newest_days"),
        ({"newest_days": 36501}, "newest_days"),
        ({"expire_days": 0}, "expire_days"),
        ({"login_delay": -1}, "login_delay"),
        ({"login_delay": 86401}, "login_delay"),
        ({"folder": "Nowhere"}, "folder"),
        ({"folder": " "}, "folder"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    account: Account, client: APIClient, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        change_pop(OPERATOR, account, **changes)
    assert list(caught.value.message_dict) == [field]
    answer = client.patch(f"/api/v1/accounts/{account.pk}/pop/", changes)
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert not PopChoices.objects.exists()


def test_a_misspelt_choice_is_a_mistake_of_ours(account: Account) -> None:
    with pytest.raises(TypeError):
        change_pop(OPERATOR, account, folders="INBOX")


@pytest.mark.parametrize("values", [{"folder": ""}, {"newest_days": 0}, {"expire_days": 0}, {"login_delay": -1}])
def test_the_database_keeps_the_same_rules(account: Account, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        PopChoices.objects.create(account=account, **values)


def test_over_rest(account: Account, client: APIClient) -> None:
    path = f"/api/v1/accounts/{account.pk}/pop/"
    told = client.get(path).json()
    assert told == {
        "active": True, "folder": "INBOX", "newest_days": None, "delete_retrieved": False, "to_trash": False,
        "login_delay": 0, "expire_days": None,
    }  # fmt: skip
    wished = {"active": False, "newest_days": 14, "delete_retrieved": True, "to_trash": True}
    assert client.patch(path, wished).json() == told | wished
    assert client.get(path).json() == told | wished
    assert Entry.objects.filter(verb="change POP").count() == 1
