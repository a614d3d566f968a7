"""Capabilities of IMAP that are withheld: the verbs, REST, the page."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Account
from webadmin.policy import actions
from webadmin.policy.models import Withheld

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Account:
    directory.create_domain(OPERATOR, "example.org")
    return directory.create_account(OPERATOR, "alice@example.org", "a long passphrase")


def test_a_row_for_each_account_and_client(alice: Account) -> None:
    row = actions.withhold(OPERATOR, ["qresync", "COMPRESS", "QRESYNC"], alice, " Mailer ")
    assert (row.client, row.capabilities) == ("mailer", ["COMPRESS", "QRESYNC"])
    assert actions.withhold(OPERATOR, ["IDLE"], alice, "mailer").pk == row.pk
    actions.withhold(OPERATOR, ["IDLE"])
    assert actions.withhold(OPERATOR, ["NOTIFY"]).capabilities == ["NOTIFY"]
    assert Withheld.objects.count() == 2
    actions.offer_again(OPERATOR, row)
    assert [(entry.verb, entry.subject) for entry in Entry.objects.order_by("pk")][-2:] == [
        ("withhold capabilities", "everybody, any client"),
        ("offer capabilities again", "alice@example.org, mailer"),
    ]


@pytest.mark.parametrize(
    "words", [[], [""], ["two words"], ["IMAP4rev1"], ["auth=plain"], ["STARTTLS"], ["X" * 41]]
)
def test_what_cannot_be_withheld(words: list[str]) -> None:
    with pytest.raises(ValidationError):
        actions.withhold(OPERATOR, words)


def test_over_rest(alice: Account) -> None:
    administrator = directory.create_administrator("root", "a long passphrase")
    _, token = directory.create_token(administrator, "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    url = "/api/v1/withheld-capabilities/"
    body: dict[str, Any] = {"account": alice.address, "capabilities": ["idle"]}
    made = client.post(url, body, format="json")
    assert made.status_code == 201, made.content
    assert made.json()["capabilities"] == ["IDLE"]
    assert client.post(url, {"capabilities": ["STARTTLS"]}, format="json").status_code == 400
    assert client.post(url, body | {"account": "nobody@example.org"}, format="json").status_code == 400
    assert client.get(url).json()["results"][0]["account"] == alice.address
    assert client.delete(f"{url}{made.json()['id']}/").status_code == 204
    assert not Withheld.objects.exists()


def test_on_the_page(alice: Account) -> None:
    client = Client()
    client.force_login(directory.create_administrator("root", "a long passphrase"))
    form = {
        "what": "withheld",
        "account": "Alice@example.org",
        "client": "Mailer",
        "capabilities": "idle, QRESYNC",
    }
    assert client.post("/policy/", form | {"account": "nobody@example.org"}).status_code == 200
    assert client.post("/policy/", form).status_code == 302
    row = Withheld.objects.get()
    assert (row.account, row.capabilities) == (alice, ["IDLE", "QRESYNC"])
    assert b"IDLE QRESYNC" in client.get("/policy/").content
    assert client.post(f"/policy/withheld/{row.pk}/remove/").status_code == 302
    assert not Withheld.objects.exists()
