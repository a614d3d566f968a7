"""The pages of whoever owns an account, in headless Chromium: by keyboard, on a phone and in the dark."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from mailservices.mail.vocabulary import SignInOutcome
from tests.webadmin.test_browser import browser, page
from tests.webadmin.test_people_browser import sign_in
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases
from webadmin.directory.models import Account, Address, AppPassword
from webadmin.mailstore.models import Content, Expunged
from webadmin.own.models import Forwarding, Vacation
from webadmin.security.models import SignIn, SignOut

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["browser", "page"]
PASSWORD = "alice's passphrase"
PATHS = (
    "", "log/", "app-passwords/", "app-passwords/new/", "programs/", "forwarding/", "vacation/", "addresses/",
    "sign-in/",
    "deleted/",
    "export/",
)  # fmt: skip


@pytest.fixture
def account(db: None) -> Account:
    actions.create_domain(OPERATOR, "example.org")
    return actions.create_account(OPERATOR, "alice@example.org", PASSWORD, 10**9, "Alice")


@pytest.fixture
def alices(page: Page, account: Account) -> Page:
    sign_in(page, account.address, PASSWORD)
    expect(page.get_by_role("heading", name="Alice", exact=True)).to_be_visible()
    return page


def test_home_and_menu_are_her_own(alices: Page) -> None:
    page = alices
    shown = page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()
    assert shown == [
        "Home", "Addresses", "Forwarding", "Vacation", "Private mail", "Shared folders", "Deleted messages",
        "Export", "Mail programs", "App passwords", "Sign-ins", "Sign-in here",
    ]  # fmt: skip
    expect(page.get_by_role("progressbar", name="How full it is")).to_be_visible()
    expect(page.get_by_text("All your mail stays here.")).to_be_visible()
    page.get_by_role("link", name="Sign-in here").press("Enter")
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    expect(page.locator("[aria-current=page]")).to_have_text("Sign-in here")


def test_an_app_password_is_made_shown_once_and_revoked(alices: Page, account: Account) -> None:
    page = alices
    page.get_by_role("link", name="App passwords", exact=True).click()
    page.get_by_role("link", name="New app password").click()
    page.get_by_label("For", exact=True).fill("the phone")
    page.get_by_label("Only from these networks").fill("nonsense")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("For", exact=True)).to_have_value("the phone")
    page.get_by_label("Only from these networks").fill("192.0.2.0/24")
    page.get_by_label("POP3").uncheck()
    page.get_by_role("button", name="Make it").click()
    assert re.fullmatch(r"[a-z0-9]{5}(-[a-z0-9]{5}){3}", page.locator("#secret").inner_text())
    picture = page.get_by_role("img", name="QR code")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    expect(page.get_by_text("mail.facteur.test, port 993").first).to_be_visible()
    app = AppPassword.objects.get()
    assert (app.account_id, app.protocols, app.networks) == (account.pk, ["smtp", "imap"], ["192.0.2.0/24"])
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Revoke the phone").click()
    expect(page.get_by_text("cannot sign in any more")).to_be_visible()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_role("status")).to_have_text("the phone is revoked.")
    assert not AppPassword.objects.exists()
    assert set(Entry.objects.filter(username=account.address).values_list("verb", flat=True)) >= {
        "create app password",
        "revoke app password",
    }


def test_mail_is_forwarded(alices: Page, account: Account) -> None:
    page = alices
    page.get_by_role("link", name="Change forwarding").click()
    page.get_by_label("Send my mail on to").fill("bob@elsewhere.test\nAlice@Example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("keep a copy instead")
    expect(page.get_by_label("Send my mail on to")).to_have_value("bob@elsewhere.test\nAlice@Example.org")
    page.get_by_label("Send my mail on to").fill("Bob@elsewhere.test")
    page.get_by_label("Keep a copy here").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your mail goes on to Bob@elsewhere.test.")
    row = Forwarding.objects.get()
    assert (row.account_id, row.targets, row.keep) == (account.pk, ["Bob@elsewhere.test"], False)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("nothing stays here")).to_be_visible()
    page.get_by_role("link", name="Forwarding", exact=True).click()
    page.get_by_label("Send my mail on to").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your mail stays here.")
    assert not Forwarding.objects.exists()
    assert Entry.objects.filter(verb="forward mail", username=account.address).count() == 2


def test_whoever_writes_is_answered(alices: Page) -> None:
    page = alices
    page.get_by_role("link", name="Change the answer").click()
    page.get_by_label("Answer whoever writes to me").check()
    page.get_by_label("From", exact=True).fill("2030-07-14")
    page.get_by_label("To and with").fill("2030-07-01")
    page.get_by_label("Text").fill("I am away.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("It ends before it begins.")
    expect(page.get_by_label("Text")).to_have_value("I am away.")
    page.get_by_label("To and with").fill("2030-07-14")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Whoever writes to you is answered.")
    expect(page.get_by_label("To and with")).to_have_value("2030-07-14")
    row = Vacation.objects.get()
    assert row.begins_at
    assert row.ends_at
    assert (row.ends_at - row.begins_at).days == 1
    assert (row.active, row.text, row.days) == (True, "I am away.", 7)
    page.get_by_label("Answer whoever writes to me").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Nobody is answered.")


def test_addresses_are_made_to_be_given_away(alices: Page, account: Account) -> None:
    page = alices
    fixed = aliases.create_alias(OPERATOR, "newsletter@example.org", [account.address])
    page.get_by_role("link", name="Addresses", exact=True).click()
    page.get_by_label("What it is for").fill("the bookshop")
    page.get_by_role("button", name="Make one").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("leads to you now.")
    alias = Address.objects.get(note="the bookshop")
    # What an administrator made is not hers to delete, whatever its name looks like.
    expect(page.get_by_role("button", name=f"Delete {fixed}")).to_have_count(0)
    page.get_by_role("button", name=f"Delete {alias}").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("status")).to_have_text(f"{alias} is deleted.")
    assert list(Address.objects.filter(account=None)) == [fixed]


def test_deleted_messages_are_put_back(alices: Page, account: Account) -> None:
    page = alices
    page.get_by_role("link", name="Deleted messages").click()
    expect(page.get_by_text("Nothing was deleted.")).to_be_visible()
    inbox = account.mailboxes.get(name="INBOX")
    for uid, subject in enumerate(("lunch", "=?utf-8?q?d=C3=AEner?="), 1):
        content = Content.objects.create(
            account_id=account.pk, content_id=uuid4(), blob_id=uuid4(), body_size=3, prefix=b"",
            header=f"From: bob@x.test\r\nSubject: {subject}\r\n\r\n".encode(), envelope=b"", bodystructure=b"",
        )  # fmt: skip
        Expunged.objects.create(
            account_id=account.pk, mailbox_id=inbox.mailbox_id, uid=uid, modseq=1, content_id=content.content_id
        )
    page.reload()
    expect(page.get_by_role("row", name="lunch")).to_contain_text("INBOX")
    page.get_by_label("Put the ticked into").select_option("Archive")
    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick some")
    expect(page.get_by_label("Put the ticked into")).to_have_value("Archive")
    page.get_by_role("checkbox", name="dîner").press("Space")
    page.get_by_role("button", name="Put back").press("Enter")
    expect(page.get_by_role("status")).to_have_text("1 message came back into Archive.")
    expect(page.get_by_role("row", name="lunch")).to_be_visible()
    expect(page.get_by_role("row", name="dîner")).to_have_count(0)
    assert account.mailboxes.get(name="Archive").messages == 1


def test_sign_ins_are_told_and_programs_signed_out(alices: Page, account: Account) -> None:
    page = alices
    SignIn.objects.create(
        account_id=account.pk, name=account.address, protocol="imap", remote_host="192.0.2.7",
        outcome=SignInOutcome.ACCEPTED,
    )  # fmt: skip
    SignIn.objects.create(
        name="Alice@example.org", protocol="pop3", remote_host="192.0.2.8", outcome=SignInOutcome.REFUSED, times=3
    )
    SignIn.objects.create(name="bob@example.org", protocol="pop3", outcome=SignInOutcome.REFUSED)
    page.get_by_role("link", name="All sign-ins").click()
    expect(page.get_by_role("row", name="192.0.2.7")).to_contain_text("signed in")
    expect(page.get_by_role("row", name="192.0.2.8")).to_contain_text("3 times")
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("button", name="Sign all mail programs out").click()
    expect(page.get_by_role("status")).to_contain_text("signed out within seconds")
    assert SignOut.objects.filter(account_id=account.pk).exists()


@pytest.mark.parametrize(
    "page", [{"viewport": {"width": 375, "height": 700}, "color_scheme": "dark"}], indirect=True
)
def test_her_pages_fit_a_phone_in_the_dark(page: Page, db: None) -> None:
    domain = actions.create_domain(OPERATOR, "a-rather-long-domain-name-for-a-phone.example.org")
    address = f"somebody.with.a.long.name@{domain.name}"
    account = actions.create_account(OPERATOR, address, PASSWORD, 10**9)
    aliases.create_disposable(OPERATOR, account, "a-shop-with-a-rather-long-name-for-a-phone")
    sign_in(page, address, PASSWORD)
    expect(page.get_by_role("heading", name=address)).to_be_visible()
    for path in PATHS:
        page.goto(f"/me/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path
        assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
