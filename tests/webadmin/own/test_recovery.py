"""A forgotten password: the recovery address is confirmed by a link, another link sets a new password, once."""

import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from playwright.sync_api import Page, expect

from tests.services import until
from tests.webadmin.test_browser import browser, page
from tests.webadmin.test_people_browser import sign_in
from webadmin import engine
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions
from webadmin.directory.models import Account
from webadmin.identity import owner_of
from webadmin.own import recovery
from webadmin.own.models import Recovery
from webadmin.queue.models import Message, Recipient

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["browser", "page"]
PASSWORD, TO = "alice's passphrase", "alice@elsewhere.test"


@pytest.fixture
def account(db: None) -> Account:
    actions.create_domain(OPERATOR, "example.org")
    return actions.create_account(OPERATOR, "alice@example.org", PASSWORD)


def link(number: int) -> str:
    """The path of the link in the message that was sent so manieth."""
    row = until(lambda: list(Recipient.objects.select_related("message").order_by("pk"))[number - 1 : number])[0]
    message = row.message
    assert (row.address, message.sender) == (TO, "")
    assert b"DKIM-Signature: " in bytes(message.prefix)
    assert b"From: Facteur <postmaster@example.org>" in bytes(message.header)
    # Playwright's loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        text = base64.b64decode(pool.submit(engine.body, message.blob_id, 10_000).result()).decode()
    found = re.search(r"http://[^/]+(/\S+)", text)
    assert found
    return found[1]


def test_a_forgotten_password(page: Page, account: Account) -> None:
    sign_in(page, account.address, PASSWORD)
    page.get_by_role("link", name="change that").click()
    page.get_by_label("Recovery address").fill("Alice@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("you would have forgotten")
    page.get_by_label("Recovery address").fill(TO)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("A link was sent to alice@elsewhere.test")
    expect(page.get_by_text("It is not confirmed yet.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
    page.goto(link(1))
    assert Recovery.objects.get().confirmed_at is None
    page.get_by_role("button", name="Confirm it").click()
    expect(page.get_by_text("alice@elsewhere.test is confirmed.")).to_be_visible()
    page.get_by_role("link", name="To the sign-in").click()
    page.get_by_role("link", name="Password forgotten?").click()
    page.get_by_label("Your mail address here").fill("Alice@Example.org")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_text("If there is such an account")).to_be_visible()
    way = link(2)
    page.goto(way)
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("alert")).to_contain_text("too short")
    page.get_by_label("New password").fill("another passphrase")
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("alert")).to_contain_text("Your password is changed")
    sign_in(page, account.address, "another passphrase")
    expect(page.get_by_role("heading", name=account.address)).to_be_visible()
    # Once.
    assert Client().get(way).status_code == 404
    verbs = list(Entry.objects.filter(username=account.address).order_by("pk").values_list("verb", flat=True))
    assert [one for one in verbs if one != "sign in"] == [
        "set recovery address", "confirm recovery address", "change password",
    ]  # fmt: skip


def test_nobody_learns_which_accounts_there_are(account: Account) -> None:
    bob = actions.create_account(OPERATOR, "bob@example.org", PASSWORD)
    Recovery.objects.create(account=bob, address="bob@elsewhere.test")
    said = []
    for address in ("nobody@example.org", account.address, bob.address, "nonsense"):
        answer = Client().post("/forgotten/", {"address": address}, REMOTE_ADDR="192.0.2.77")
        said.append((answer.status_code, re.sub(rb"[A-Za-z0-9]{64}", b"", answer.content)))
    assert said[0][0] == 200
    assert len(set(said)) == 1
    time.sleep(0.5)
    # Neither has a confirmed address.
    assert not Message.objects.exists()


def test_asking_too_often_is_turned_away(account: Account) -> None:
    answers = [
        Client().post("/forgotten/", {"address": "x@far.test"}, REMOTE_ADDR="192.0.2.78").status_code
        for _ in range(int(recovery.ASKERS.size) + 1)
    ]
    assert answers == [200] * int(recovery.ASKERS.size) + [429]


def test_links_end_and_cannot_be_made(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    token = signing.dumps([account.pk, recovery._mark(account)], salt="own.recovery.reset")
    assert Client().get(f"/forgotten/{token}/").status_code == 200
    assert Client().get(f"/forgotten/{token}x/").status_code == 404
    assert Client().get(f"/me/recovery/confirm/{token}/").status_code == 404
    actions.change_account(OPERATOR, account, active=False)
    assert Client().get(f"/forgotten/{token}/").status_code == 404
    actions.change_account(OPERATOR, account, active=True)
    monkeypatch.setattr(recovery, "GOOD_FOR", -1)
    assert Client().get(f"/forgotten/{token}/").status_code == 404


def test_a_link_to_an_address_that_was_changed_confirms_nothing(account: Account) -> None:
    who = Actor(owner_of(account))
    recovery.set_recovery(who, account, TO)
    token = signing.dumps([account.pk, TO], salt="own.recovery.confirm")
    assert Client().get(f"/me/recovery/confirm/{token}/").status_code == 200
    recovery.set_recovery(who, account, "other@elsewhere.test")
    assert Client().get(f"/me/recovery/confirm/{token}/").status_code == 404
    with pytest.raises(ValidationError):
        recovery.set_recovery(who, account, "nonsense")
    bob = actions.create_account(OPERATOR, "bob@example.org", PASSWORD)
    with pytest.raises(PermissionDenied):
        recovery.set_recovery(Actor(owner_of(bob)), account, "bob@elsewhere.test")
    assert recovery.set_recovery(who, account, "") is None
    assert not Recovery.objects.exists()


def test_it_is_set_over_rest_and_confirmed_by_the_owner(account: Account) -> None:
    client, path = Client(), f"/api/v1/recovery-addresses/{account.pk}/"
    client.force_login(owner_of(account))
    assert client.get(path).json() == {"address": "", "confirmed_at": None}
    told = client.put(path, {"address": TO}, content_type="application/json")
    assert (told.status_code, told.json()) == (200, {"address": TO, "confirmed_at": None})
    assert client.put(path, {"address": "nonsense"}, content_type="application/json").status_code == 400
    assert client.put(path, {"address": ""}, content_type="application/json").json()["address"] == ""
    assert not Recovery.objects.exists()
