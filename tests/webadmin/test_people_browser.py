"""Administrators, tenants and tokens by hand; the menu of each role, and of a phone."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.webadmin.test_browser import PASSWORD, browser, page, signed_in
from webadmin.audit.models import Entry
from webadmin.directory import actions, tenants
from webadmin.directory.models import Administrator, ApiToken, Domain, Role, Tenant

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["browser", "page", "signed_in"]


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_tenant_gets_domains_limits_and_an_administrator(signed_in: Page, browser: Browser) -> None:
    page = signed_in
    page.get_by_role("link", name="Tenants").click()
    page.get_by_role("link", name="New tenant").click()
    page.get_by_label("Name").fill("The Bakery")
    page.get_by_label("Domains at most").fill("1")
    page.get_by_label("Storage in GiB").fill("1.5")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("row", name="The Bakery")).to_contain_text("0 of 1")
    assert Tenant.objects.get().most_bytes == 1610612736
    page.get_by_role("link", name="Administrators").click()
    page.get_by_role("link", name="New administrator").click()
    page.get_by_label("Name to sign in with").fill("a@b")
    page.get_by_label("Role").select_option("Tenant administrator")
    page.get_by_label("Tenant", exact=True).select_option("The Bakery")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("alert")).to_contain_text("names with an @ are accounts'")
    page.get_by_label("Name to sign in with").fill("baker")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("status")).to_have_text("baker may sign in now.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in(page, "baker")
    expect(page.get_by_role("link", name="Certificates")).to_have_count(0)
    page.get_by_role("link", name="Domains", exact=True).first.click()
    page.get_by_label("New domain").fill("bread.example.org")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("heading", name="bread.example.org")).to_be_visible()
    page.goto("/domains/")
    page.get_by_label("New domain").fill("cake.example.org")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("alert")).to_contain_text("may have 1 domains, and has them")
    assert Domain.objects.get().tenant == Tenant.objects.get()
    page.goto("/accounts/new/?domain=bread.example.org")
    page.get_by_label("Address").fill("a@bread.example.org")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("alert")).to_contain_text("needs a quota")


def test_a_domains_administrator_is_changed_and_deleted(signed_in: Page) -> None:
    page = signed_in
    domain = actions.create_domain(actions.OPERATOR, "example.org")
    actions.create_administrator("dora", PASSWORD, role=Role.DOMAIN, domains=[domain])
    page.get_by_role("link", name="Administrators").click()
    page.get_by_role("link", name="dora").click()
    page.get_by_label("Domains", exact=True).fill("example.org, nowhere.test")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no domain nowhere.test")
    page.get_by_label("Domains", exact=True).fill("Example.org")
    page.get_by_label("Role").select_option("Helpdesk")
    page.get_by_label("May sign in").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="dora")).to_contain_text("off")
    entry = Entry.objects.get(verb="change administrator")
    assert (entry.before, entry.after) == (
        {"role": "domain", "is_active": True},
        {"role": "helpdesk", "is_active": False},
    )
    page.get_by_role("link", name="dora").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    assert list(Administrator.objects.values_list("username", flat=True)) == ["admin"]
    page.get_by_role("link", name="admin").first.click()


def test_a_token_is_made_and_revoked(signed_in: Page) -> None:
    page = signed_in
    actions.create_domain(actions.OPERATOR, "example.org")
    page.get_by_role("link", name="Tokens").click()
    page.get_by_role("link", name="New token").click()
    page.get_by_label("For", exact=True).fill("the shop")
    page.get_by_label("Look", exact=True).check()
    page.get_by_label("Only in these domains").fill("example.org")
    page.get_by_label("Only from these networks").fill("192.0.2.0/24")
    page.get_by_role("button", name="Make it").click()
    assert page.locator("#secret").inner_text().startswith("fct_")
    token = ApiToken.objects.get()
    assert (token.rights, token.narrowed, token.networks) == (["look"], True, ["192.0.2.0/24"])
    page.get_by_role("link", name="To the tokens").click()
    expect(page.get_by_role("row", name="the shop")).to_contain_text("never")
    page.get_by_role("link", name="Revoke the shop").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("the shop is revoked.")).to_be_visible()
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("page", [{"viewport": {"width": 375, "height": 700}}], indirect=True)
def test_the_menu_of_a_phone_opens_and_closes(signed_in: Page) -> None:
    page = signed_in
    link = page.get_by_role("link", name="Aliases")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(page.get_by_role("button", name="Menu")).to_be_focused()
    page.keyboard.press("Enter")
    link.click()
    expect(page.get_by_role("heading", name="Aliases")).to_be_visible()


def test_the_menu_shows_what_is_ones_own(page: Page) -> None:
    tenant = tenants.create_tenant(actions.OPERATOR, name="Ours")
    domain = actions.create_domain(actions.OPERATOR, "example.org", tenant)
    actions.create_administrator("hal", PASSWORD, role=Role.HELPDESK, tenant=tenant)
    account = actions.create_account(actions.OPERATOR, "alice@example.org", "pw1", 10**9)
    sign_in(page, "hal")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    shown = page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()
    assert shown == [
        "Overview", "Domains", "Accounts", "Aliases", "Groups", "Queue", "Trace", "What if?", "Reports",
        "Sign-ins", "Tokens", "API",
    ]  # fmt: skip
    page.goto(f"/accounts/{account.pk}/")
    expect(page.get_by_label("Name", exact=True)).to_have_count(0)
    page.get_by_label("New password").fill("another one")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("alice@example.org is changed.")
    page.goto(f"/domains/{domain.pk}/")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
