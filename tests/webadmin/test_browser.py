"""The pages in headless Chromium: the way of a new administrator, by keyboard, on a phone and in the dark."""

import asyncio
import os
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright

from appliance import programs
from mailservices.auth.throttle import ACCOUNT
from mailservices.net.limiter import Bucket, Limiter
from tests.certificates import Authority
from webadmin.audit.models import Entry
from webadmin.certificates import actions as certificates
from webadmin.directory import actions, aliases, signin
from webadmin.directory.models import Account, AppPassword, Issuer, PopChoices
from webadmin.policy import actions as policy
from webadmin.policy.models import InboundPolicy, Notice
from webadmin.queue.models import Lane, Message, Recipient

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long passphrase"
PAGES = (
    "",
    "domains/",
    "accounts/",
    "accounts/new/",
    "aliases/",
    "certificates/",
    "policy/",
    "sign-ins/",
    "sign-ins/issuers/new/",
    "queue/",
    "queue/suppressed/",
    "routes/",
    "routes/new/",
    "routes/pools/",
    "reports/",
    "reports/tls/",
    "webhooks/",
    "webhooks/new/",
    "trace/",
    "audit/",
    "administrators/",
    "administrators/new/",
    "tenants/",
    "tenants/new/",
    "tokens/",
    "tokens/new/",
    "password/",
    "me/",
    "me/app/",
    "me/passkeys/",
    "me/passkeys/new/",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps a loop of its own in this thread, which Django takes for an asynchronous caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        # There is no graphics card: to play one is work, too.
        opened = playwright.chromium.launch(
            executable_path=programs.chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, live_server: object, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh browser in which nobody has signed in; any complaint of its console fails the test."""
    options = getattr(request, "param", {})
    context = browser.new_context(base_url=str(live_server), **options)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console",
        lambda line: (
            complaints.append(f"{line.text} {line.location}") if line.type in ("error", "warning") else None
        ),
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    # Being locked out is a 429, which Chromium tells its console of.
    assert [one for one in complaints if "429" not in one] == []


@pytest.fixture
def signed_in(page: Page) -> Page:
    actions.create_administrator("admin", PASSWORD)
    page.goto("/")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page


def test_first_steps(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="create a domain").click()
    page.get_by_label("New domain").fill("Example.ORG")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_text("v=spf1 mx")).to_be_visible()
    page.get_by_role("link", name="New account").click()
    page.get_by_label("Address").fill("alice@example.org")
    page.get_by_label("Quota").fill("2.5")
    page.get_by_role("button", name="Create it").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"[a-z0-9]{5}(-[a-z0-9]{5}){3}", secret)
    assert Account.objects.get().quota_bytes == 2684354560
    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("link", name="alice@example.org").click()
    page.get_by_label("Name").fill("Alice")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("alice@example.org is changed.")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("alice@example.org is deleted.")).to_be_visible()


def test_keys_are_made_and_switched_to(signed_in: Page) -> None:
    domain = actions.create_domain(actions.OPERATOR, "signed.example.org")
    signed_in.goto(f"/domains/{domain.pk}/")
    expect(signed_in.get_by_text("v=DKIM1; k=ed25519")).to_be_visible()
    signed_in.get_by_role("button", name="Make the next keys").click()
    expect(signed_in.get_by_role("status")).to_contain_text("Publish their records")
    signed_in.get_by_role("button", name="Switch to the next keys").press("Enter")
    expect(signed_in.get_by_role("status")).to_contain_text("signed with the next keys")
    expect(signed_in.get_by_text("retired", exact=True)).to_have_count(2)
    expect(signed_in.get_by_role("button", name="Make the next keys")).to_be_visible()


def test_a_certificate_is_brought_and_removed(signed_in: Page, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority.pem")
    chain, key = authority.for_hosts("mail.example.org", days=5)
    page = signed_in
    page.get_by_role("link", name="Certificates").click()
    page.get_by_label("Certificate", exact=True).fill(chain)
    page.get_by_label("Its private key").fill("not that one")
    page.get_by_role("button", name="Present it").click()
    expect(page.get_by_role("alert")).to_contain_text("no PEM text of a private key")
    expect(page.get_by_label("Certificate", exact=True)).to_have_value(chain.replace("\r", ""))
    expect(page.get_by_label("Its private key")).to_have_value("")
    page.get_by_label("Its private key").fill(key)
    page.get_by_role("button", name="Present it").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("mail.example.org gets it")
    expect(page.get_by_text("4 days left")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("alert")).to_contain_text("The certificate for mail.example.org ends on")
    page.get_by_role("alert").get_by_role("link").click()
    page.get_by_role("link", name="Remove mail.example.org").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("status")).to_have_text("The certificate for mail.example.org is removed.")
    expect(page.get_by_text("everybody gets that of the files")).to_be_visible()


def test_errors_stand_beside_the_field(signed_in: Page) -> None:
    signed_in.goto("/accounts/new/")
    signed_in.get_by_label("Address").fill("someone@nowhere.test")
    signed_in.get_by_role("button", name="Create it").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("is not a domain of this appliance")
    signed_in.goto("/aliases/new/")
    signed_in.get_by_label("Address").fill("x@nowhere.test")
    signed_in.get_by_label("Leads to").fill("nonsense")
    signed_in.get_by_role("button", name="Create it").click()
    expect(signed_in.get_by_role("alert").first).to_be_visible()


@pytest.mark.parametrize(
    "page", [{"viewport": {"width": 375, "height": 700}, "color_scheme": "dark"}], indirect=True
)
def test_pages_fit_a_phone_in_the_dark(signed_in: Page, tmp_path: Path) -> None:
    domain = actions.create_domain(actions.OPERATOR, "a-rather-long-domain-name-for-a-phone.example.org")
    somebody = f"somebody.with.a.long.name@{domain.name}"
    account = actions.create_account(actions.OPERATOR, somebody, "pw1", 10**9)
    signin.create_app_password(actions.OPERATOR, account, "a-program-with-a-rather-long-name", readable=True)
    signin.create_issuer(
        actions.OPERATOR, "https://a-long-name.example.org/realm", "mail", jwks_url="https://a.test/"
    )
    blocked(somebody)
    chain = Authority(tmp_path / "authority.pem").for_hosts(f"mail.{domain.name}", f"*.{domain.name}", days=5)
    certificates.add_certificate(actions.OPERATOR, *chain)
    aliases.create_alias(actions.OPERATOR, f"@{domain.name}", ["elsewhere@another-long-domain.example.com"])
    policy.create_dnslist(actions.OPERATOR, "a-rather-long-zone-of-a-list-for-a-phone.example.org", "refuse")
    policy.trust_network(actions.OPERATOR, "2001:db8:1234:5678::/64")
    of_account, of_domain = f"accounts/{account.pk}/", f"domains/{domain.pk}/"
    paths = ("aliases/new/", of_account, f"{of_account}app-passwords/new/", of_domain, f"{of_domain}policy/")
    for path in (*PAGES, *paths, f"{of_account}pop/"):
        signed_in.goto(f"/{path}")
        width = signed_in.evaluate("document.documentElement.scrollWidth")
        assert width <= 375, path
        assert signed_in.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_leads_addresses_by_hand(signed_in: Page) -> None:
    page = signed_in
    domain = actions.create_domain(actions.OPERATOR, "example.org")
    other = actions.create_domain(actions.OPERATOR, "example.net")
    account = actions.create_account(actions.OPERATOR, "alice@example.org", "pw1")
    page.goto(f"/domains/{other.pk}/")
    page.get_by_label("Leads to").select_option("example.org")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("example.net is changed.")
    other.refresh_from_db()
    assert other.alias_of == domain
    page.goto("/aliases/new/")
    page.get_by_label("Address").fill("team@example.org")
    page.get_by_label("Leads to").fill("alice@example.org\nbob@elsewhere.test")
    page.get_by_label("Who may write to it").select_option("Accounts that it leads to")
    page.get_by_label("Expires").fill("2030-01-01T12:00")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_text("members only")).to_be_visible()
    expect(page.get_by_text("until 2030-01-01 12:00")).to_be_visible()
    page.goto(f"/accounts/{account.pk}/")
    page.get_by_label("What it is for").fill("the bookshop")
    page.get_by_role("button", name="Make one").click()
    expect(page.get_by_role("cell", name="the bookshop")).to_be_visible()


def test_a_domain_gets_a_policy_of_its_own_and_gives_it_up(signed_in: Page) -> None:
    domain = actions.create_domain(actions.OPERATOR, "example.org")
    page = signed_in
    page.goto(f"/domains/{domain.pk}/")
    page.get_by_role("main").get_by_role("link", name="Policy").click()
    page.get_by_label("SPF fails").select_option("Refuse")
    page.get_by_label("Greylisting").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("has this policy within seconds")
    expect(page.get_by_label("SPF fails")).to_have_value("refuse")
    expect(page.get_by_label("Greylisting")).to_be_checked()
    page.get_by_role("button", name="Follow the appliance again").click()
    expect(page.get_by_label("SPF fails")).to_have_value("note")
    assert not InboundPolicy.objects.exists()


def test_a_route_is_made_changed_and_removed(signed_in: Page) -> None:
    page = signed_in
    page.goto("/routes/")
    page.get_by_role("link", name="New route").click()
    page.get_by_label("For recipients at").fill("example.org")
    page.get_by_label("By this host").fill("relay.example.net")
    page.get_by_label("Our name there").fill("us")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Name the secret")).to_be_visible()
    page.get_by_label("Our password there").fill("hidden")
    page.get_by_label("Hours until it is given up").fill("12")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("holds within seconds")
    page.get_by_role("link", name="mail for example.org").click()
    expect(page.get_by_label("Hours until it is given up")).to_have_value("12")
    page.get_by_label("Port").fill("587")
    page.get_by_role("button", name="Save it").click()
    expect(page.get_by_text("relay.example.net:587")).to_be_visible()
    page.get_by_role("button", name="Remove the route of mail for example.org").click()
    expect(page.get_by_text("None: all mail goes where the DNS says.")).to_be_visible()


def test_queued_mail_is_held_let_go_and_cancelled_by_buttons(signed_in: Page) -> None:
    page = signed_in
    message = Message.objects.create(
        message_id=uuid.uuid4(), expires_at=timezone.now() + timedelta(days=5), sender="a@us.test", size=1,
        prefix=b"", header=b"", blob_id=uuid.uuid4(), words="a@us.test one@far.test two@far.test",
    )  # fmt: skip
    later = timezone.now() + timedelta(hours=1)
    for name in ("one", "two"):
        Recipient.objects.create(
            message=message, address=f"{name}@far.test", destination="far.test", next_attempt_at=later
        )
    Lane.objects.create(
        lane="far.test", failures=1, down_since=timezone.now(), down_until=later, reason="nobody there"
    )
    page.goto("/queue/")
    expect(page.get_by_text("nobody there")).to_be_visible()
    page.get_by_role("link", name="one@far.test").click()
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("status")).to_contain_text("1 recipient is held")
    page.get_by_role("button", name="Let go").click()
    page.get_by_role("button", name="Give up after so many hours").click()
    expect(page.get_by_text("Say in how many hours")).to_be_visible()
    page.get_by_label("Hours").fill("2")
    page.get_by_role("button", name="Give up after so many hours").click()
    expect(page.get_by_role("status")).to_contain_text("given up at that time")
    page.goto("/queue/?q=far.test")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("status")).to_contain_text("Tick some first")
    page.get_by_label("All 2 found").check()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("cannot be brought back. Nobody is told.")).to_be_visible()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_role("status")).to_contain_text("2 recipients are cancelled")
    page.get_by_role("link", name="Suppressed addresses").click()
    page.get_by_role("textbox", name="Address").fill("gone@far.test")
    page.get_by_role("button", name="Suppress it").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is sent to gone@far.test")
    page.get_by_role("button", name="Lift gone@far.test").click()
    expect(page.get_by_text("None.")).to_be_visible()


def test_the_appliances_policy_is_set_on_one_page(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="Policy").click()
    page.get_by_label("No reverse DNS").select_option("To the Junk folder")
    page.get_by_role("button", name="Save the checks").click()
    expect(page.get_by_label("No reverse DNS")).to_have_value("junk")
    page.get_by_label("Zone").fill("bl.example.org")
    page.get_by_label("Return codes").fill("nonsense")
    page.get_by_role("button", name="Add the list").click()
    expect(page.get_by_role("alert")).to_contain_text("A return code looks like")
    page.get_by_label("Return codes").fill("127.0.0.2-3")
    page.get_by_label("Return codes").press("Enter")
    expect(page.get_by_role("rowheader", name="bl.example.org")).to_be_visible()
    page.get_by_role("textbox", name="Network").fill("192.0.2.0/24")
    page.get_by_role("button", name="Trust the network").click()
    page.get_by_label("Domain of the sealer").fill("lists.example.org")
    page.get_by_role("button", name="Trust the sealer").click()
    page.get_by_label("Messages a minute").fill("50")
    page.get_by_role("button", name="Save the limits").click()
    for name in ("bl.example.org", "192.0.2.0/24", "lists.example.org"):
        page.get_by_role("button", name=f"Remove {name}").click()
        expect(page.get_by_role("status")).to_contain_text("Removed")
    expect(page.get_by_label("Messages a minute")).to_have_value("50")


def test_a_gateway_that_hides_the_clients_is_told_loudly(signed_in: Page) -> None:
    Notice.objects.create(name="gateway", detail="172.18.0.1")
    signed_in.goto("/")
    expect(signed_in.get_by_role("alert")).to_contain_text("172.18.0.1")
    Notice.objects.update(at=timezone.now() - timedelta(hours=3))
    signed_in.goto("/")
    expect(signed_in.get_by_role("alert")).to_have_count(0)


def test_works_by_keyboard(signed_in: Page) -> None:
    signed_in.goto("/domains/")
    signed_in.keyboard.press("Tab")
    expect(signed_in.get_by_role("link", name="Skip to the content")).to_be_focused()
    signed_in.get_by_label("New domain").focus()
    signed_in.keyboard.type("keys.example.org")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("heading", name="keys.example.org")).to_be_visible()


def test_chart_and_api_page_show(signed_in: Page) -> None:
    signed_in.goto("/")
    expect(signed_in.locator("[data-chart] canvas")).to_be_visible()
    signed_in.get_by_role("button", name="7 days").click()
    expect(signed_in.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    signed_in.goto("/api/v1/docs/")
    signed_in.get_by_role("link", name="accounts", exact=True).click(timeout=20_000)
    expect(signed_in.get_by_text("/api/v1/accounts/").first).to_be_visible(timeout=20_000)


def blocked(name: str) -> None:
    """Somebody has guessed too often."""

    async def guess() -> None:
        limiter = Limiter(settings.CONFIG.redis_url)
        await limiter.charge([Bucket(ACCOUNT, name)], ACCOUNT.size + 1, f"imap: {name}")
        await limiter.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, guess()).result()


def test_a_block_is_seen_and_lifted(signed_in: Page) -> None:
    page, name = signed_in, "guessed@example.org"
    blocked(name)
    page.get_by_role("link", name="Sign-ins", exact=True).click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("account")
    page.get_by_role("button", name=f"Lift {name}").click()
    expect(page.get_by_role("status")).to_have_text(f"{name} may try again.")
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(0)
    entry = Entry.objects.get(verb="lift block")
    assert (entry.username, entry.subject) == ("admin", f"account {name}")


def test_an_app_password_is_made_and_revoked(signed_in: Page) -> None:
    page = signed_in
    actions.create_domain(actions.OPERATOR, "example.org")
    account = actions.create_account(actions.OPERATOR, "alice@example.org", "pw1")
    page.goto(f"/accounts/{account.pk}/")
    page.get_by_role("link", name="New app password").click()
    page.get_by_label("For", exact=True).fill("Thunderbird")
    page.get_by_label("POP3").uncheck()
    page.get_by_label("Only from these networks").fill("nonsense")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("192.0.2.0/24")
    page.get_by_label("Only from these networks").fill("192.0.2.7/24")
    page.get_by_role("button", name="Make it").click()
    assert re.fullmatch(r"[a-z0-9]{5}(-[a-z0-9]{5}){3}", page.locator("#secret").inner_text())
    app = AppPassword.objects.get()
    assert (app.protocols, app.networks, app.secret) == (["smtp", "imap"], ["192.0.2.0/24"], None)
    page.get_by_role("link", name="To the account").click()
    expect(page.get_by_text("192.0.2.0/24")).to_be_visible()
    page.get_by_role("button", name="Revoke Thunderbird").click()
    expect(page.get_by_role("status")).to_have_text("Thunderbird is revoked.")
    assert not AppPassword.objects.exists()


def test_how_pop_serves_an_account(signed_in: Page) -> None:
    page = signed_in
    actions.create_domain(actions.OPERATOR, "example.org")
    account = actions.create_account(actions.OPERATOR, "alice@example.org", "pw1")
    page.goto(f"/accounts/{account.pk}/")
    page.get_by_role("link", name="POP", exact=True).click()
    expect(page.get_by_label("Served by POP")).to_be_checked()
    page.get_by_label("The folder that is served").fill("Nowhere")
    page.get_by_label("What is removed goes to Trash").check()
    page.get_by_label("Remove mail after days").fill("30")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("has no folder Nowhere")
    page.get_by_label("The folder that is served").fill("Archive")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("from its next sign-in")
    choices = PopChoices.objects.get()
    assert (choices.folder, choices.to_trash, choices.expire_days, choices.newest_days) == (
        "Archive",
        True,
        30,
        None,
    )


def test_an_issuer_is_made_changed_and_deleted(signed_in: Page) -> None:
    page = signed_in
    page.goto("/sign-ins/")
    page.get_by_role("link", name="New token issuer").click()
    page.get_by_label("Issuer").fill("https://login.example.org")
    page.get_by_label("Audience").fill("mail")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("alert")).to_contain_text("Either the address of its keys")
    page.get_by_label("Address of its keys").fill("https://login.example.org/keys")
    page.get_by_role("button", name="Create it").click()
    page.get_by_role("link", name="https://login.example.org").click()
    page.get_by_label("Its tokens are good here").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    assert not Issuer.objects.get().active
    page.get_by_role("link", name="https://login.example.org").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("None: people sign in by passwords.")).to_be_visible()


def test_guessing_is_locked_out(page: Page) -> None:
    actions.create_administrator("guessed", PASSWORD)
    page.goto("/sign-in/")
    for _ in range(int(ACCOUNT.size) + 2):
        page.get_by_label("Name").fill("guessed")
        page.get_by_label("Password").fill("wrong")
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again in 15 minutes")
