"""The administrator's pages for everybody: on desk and phone, in light and dark, without what axe calls serious,
and never wider than the screen. FACTEUR_SCREENSHOTS names a folder to look at them.
"""

import os
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from mailservices.store.ids import new_id
from tests.webadmin.test_browser import browser
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions, aliases, importing, tenants
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Domain, Role
from webadmin.identity import owner_of
from webadmin.jobs.models import Job
from webadmin.mailstore.models import Usage
from webadmin.queue.models import Attempt, Lane, Message, Recipient
from webadmin.records import actions as records
from webadmin.records.models import LastLook
from webadmin.security import actions as security
from webadmin.security.models import SignIn
from webadmin.trace.models import TraceEvent

__all__ = ["browser"]
pytestmark = pytest.mark.django_db(transaction=True)
SIZES: dict[str, ViewportSize] = {
    "desk": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
PAGES = (
    "/", "/trace/", "/trace/?q=ab", "/trace/{trace}/", "/queue/", "/queue/?q=far.test", "/queue/{recipient}/",
    "/queue/suppressed/", "/domains/", "/domains/{domain}/", "/domains/{domain}/records/", "/blocklists/",
    "/accounts/", "/accounts/?q=a", "/accounts/{account}/", "/accounts/{account}/rename/", "/accounts/import/",
    "/accounts/import/{job}/", "/accounts/deleted/", "/jobs/{done}/", "/rehearsal/", "/security/", "/settings/",
    "/health/", "/routes/", "/certificates/", "/groups/", "/groups/{group}/",
    "/accounts/{account}/sharing/", "/reports/", "/reports/delivery/", "/certificates/mail/",
)  # fmt: skip
#: Of whoever owns an account.
OWN_PAGES = (
    "/me/", "/me/log/", "/me/app-passwords/", "/me/app-passwords/new/", "/me/programs/", "/me/deleted/",
    "/me/recovery/", "/me/export/", "/me/forwarding/", "/me/vacation/", "/me/addresses/", "/me/sign-in/",
    "/me/sharing/", "/me/private/",
)  # fmt: skip
#: Those of administrators in other languages, too.
ABROAD = (
    "/",
    "/trace/{trace}/",
    "/queue/{recipient}/",
    "/domains/{domain}/",
    "/accounts/{account}/",
    "/settings/",
)
QUEUE_IN_FRENCH = "File d\u2019attente sortante"
#: Impacts of a violation that is not borne.
GRAVE = ("serious", "critical")


@pytest.fixture
def rows(client: Client) -> dict[str, Any]:
    """Something to see on every page; the client has signed in."""
    cache.clear()
    root = create_administrator("root", "a long passphrase")
    client.force_login(root)
    domain = actions.create_domain(OPERATOR, "example.org")
    records.offer_sts(OPERATOR, domain, "testing")
    LastLook.objects.create(domain=domain, problems=["MX missing", "SPF wrong"])
    account = actions.create_account(OPERATOR, "anna@example.org", "a passphrase", 10_000, "Anna")
    aliases.create_alias(OPERATOR, "info@example.org", ["anna@example.org"])
    group = aliases.create_alias(
        OPERATOR, "team@example.org", ["anna@example.org", "berta@far.test"], note="All of us"
    )
    actions.delete_account(OPERATOR, actions.create_account(OPERATOR, "gone@example.org", "a passphrase"))
    Usage.objects.filter(account=account).update(bytes=9_000, messages=12)
    for outcome in ("accepted", "refused"):
        SignIn.objects.create(
            name=account.address,
            account_id=account.pk,
            protocol="imap",
            outcome=outcome,
            remote_host="198.51.100.9",
        )
    security.set_access(OPERATOR, "198.51.100.0/24", "deny", "guesses")
    trace_id = new_id()
    message = Message.objects.create(
        message_id=trace_id, expires_at=timezone.now() + timedelta(days=5), sender=account.address, size=5000,
        prefix=b"", header=b"Subject: A long subject that goes on and on\r\n\r\n", blob_id=uuid.uuid4(),
        words="anna@example.org someone@far.test", account_id=account.pk,
    )  # fmt: skip
    recipient = Recipient.objects.create(
        message=message, address="someone-with-a-rather-long-name@far.test", destination="far.test", attempts=1,
        last_reply="451 4.7.1 Come back later, we do not know you yet",
    )  # fmt: skip
    Attempt.objects.create(
        recipient=recipient, seconds=1, outcome="deferred", host="mx.far.test", address="192.0.2.1", stage="rcpt",
        tls="TLSv1.3", verdict="mta-sts: verified", code=451, enhanced="4.7.1", text="Come back later",
    )  # fmt: skip
    Lane.objects.create(
        lane="far.test", failures=2, reason="nobody there", down_since=timezone.now() - timedelta(hours=2),
        down_until=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    told = {
        "sender": account.address,
        "service": "smtp",
        "trace_id": trace_id,
        "message_id_field": "<1@example.org>",
    }
    checks = [["spf", "pass", "", "smtp.mailfrom=example.org"], ["dmarc", "fail", "no alignment", ""]]
    facts = {"port": "submission", "helo": "laptop", "tls": "TLSv1.3", "checks": checks}
    for kind in ("accepted", "queued", "deferred", "refused"):
        TraceEvent.objects.create(
            kind=kind, recipient=recipient.address, subject="A long subject that goes on and on", words="anna",
            facts=facts if kind == "accepted" else None, detail="451 Come back later", **told,
        )  # fmt: skip
    job = importing.prepare_import(Actor(root), "address,password\nnew@example.org,x\nanna@example.org,y\n")
    done = Job.objects.create(
        kind="queue",
        title="Much",
        administrator=root,
        told={},
        total=9,
        done=9,
        state="done",
        outcome="All of it.",
    )
    return {
        "domain": domain.pk, "account": account.pk, "recipient": recipient.pk, "trace": trace_id, "job": job.pk,
        "done": done.pk, "group": group.pk,
    }  # fmt: skip


#: A size and a colour.
Look = tuple[str, Any]


def opened(
    browser: Browser, live_server: object, client: Client, look: Look, language: str = "en-GB"
) -> BrowserContext:
    """A window of this look, in which the client has signed in already."""
    size, scheme = look
    context = browser.new_context(
        base_url=str(live_server),
        viewport=SIZES[size],
        color_scheme=scheme,
        locale=language,
    )
    (name, cookie) = next((name, cookie) for name, cookie in client.cookies.items() if "session" in name)
    context.add_cookies([{"name": name, "value": cookie.value, "url": str(live_server)}])
    return context


def grave(page: Page, *, colours: bool = True) -> list[dict[str, Any]]:
    """What axe has against this page. Most of its work is to compare colours."""
    options = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": colours}}}
    return [one for one in Axe().run(page, options=options).response["violations"] if one["impact"] in GRAVE]


def troubles(
    context: BrowserContext,
    addresses: Iterable[str],
    whose: str,
    looks: Sequence[Look],
    *,
    asked: bool,
    colours: bool = True,
) -> list[str]:
    """What is hard to use on these pages; asked is axe, too. Pictures are named by whose they are.

    A page is loaded in the first look, and asked about in that; then it changes to the others.
    """
    page, found = context.new_page(), []
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    folder = os.environ.get("FACTEUR_SCREENSHOTS")
    for number, address in enumerate(addresses):
        for size, scheme in looks:
            page.set_viewport_size(SIZES[size])
            page.emulate_media(color_scheme=scheme)
            if (size, scheme) == looks[0]:
                page.goto(address)
                for violation in grave(page, colours=colours) if asked else ():
                    where = [node["target"][0] for node in violation["nodes"]][:3]
                    found.append(f"{address}: {violation['id']} at {where}")
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                found.append(f"{address}: wider than the screen ({size}, {scheme})")
            if folder:
                name = f"{whose}-{size}-{scheme}-{number:02}.png"
                page.screenshot(path=Path(folder) / name, full_page=True)
    return found


@pytest.mark.parametrize(
    "looks",
    [(("desk", "light"), ("desk", "dark")), (("phone", "dark"), ("phone", "light"))],
    ids=("desk", "phone"),
)
def test_nothing_is_hard_to_use(
    browser: Browser, live_server: object, client: Client, rows: dict[str, Any], looks: Sequence[Look]
) -> None:
    context = opened(browser, live_server, client, looks[0])
    # Each size and each colour is asked about once.
    found = troubles(context, [one.format(**rows) for one in PAGES], "root", looks, asked=True)
    context.close()
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
@pytest.mark.parametrize("language", ["en-GB", "fr-FR"])
def test_owners_find_nothing_hard_to_use(
    browser: Browser,
    live_server: object,
    client: Client,
    rows: dict[str, Any],
    size: str,
    scheme: str,
    language: str,
) -> None:
    client.force_login(owner_of(Account.objects.get(pk=rows["account"])))
    context = opened(browser, live_server, client, (size, scheme), language)
    # Colours are the same in every language.
    colours = language == "en-GB"
    found = troubles(context, OWN_PAGES, f"own-{language}", [(size, scheme)], asked=True, colours=colours)
    context.close()
    assert not found, "\n".join(found)


#: A window that grows shows at once whatever does not fit; in one that shrinks, charts follow a moment later.
GROWING = (("phone", "light"), ("desk", "dark"))


def test_pages_speak_the_language_of_the_browser(
    browser: Browser, live_server: object, client: Client, rows: dict[str, Any]
) -> None:
    context = opened(browser, live_server, client, GROWING[0], "fr-FR")
    found = troubles(context, [one.format(**rows) for one in ABROAD], "fr", GROWING, asked=False)
    assert not found, "\n".join(found)
    page = context.pages[0]
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("heading", name=QUEUE_IN_FRENCH).wait_for()
    assert "Outgoing queue" not in page.content()
    page.set_viewport_size(SIZES["desk"])
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Outgoing queue").wait_for()
    page.get_by_role("button", name="Français").click()
    page.get_by_role("heading", name=QUEUE_IN_FRENCH).wait_for()
    context.close()


@pytest.mark.parametrize("role", [Role.TENANT, Role.DOMAIN, Role.HELPDESK])
def test_each_role_walks_its_pages(
    browser: Browser, live_server: object, client: Client, rows: dict[str, Any], role: Role
) -> None:
    domain = Domain.objects.get(pk=rows["domain"])
    tenant = tenants.create_tenant(OPERATOR, name="Ours")
    Domain.objects.update(tenant=tenant)
    whose: dict[str, Any] = {"tenant": tenant} if role == Role.TENANT else {"domains": [domain]}
    client.force_login(create_administrator("somebody", "a long passphrase", role=role, **whose))
    context = opened(browser, live_server, client, GROWING[0])
    found = troubles(context, [one.format(**rows) for one in PAGES], role, GROWING, asked=False)
    context.close()
    assert not found, "\n".join(found)


def test_progress_is_seen_and_survives_a_reload(
    browser: Browser, live_server: object, client: Client, rows: dict[str, Any]
) -> None:
    context = opened(browser, live_server, client, ("desk", "light"))
    page = context.new_page()
    page.goto("/accounts/import/")
    table = "\n".join(f"p{number}@example.org,passphrase {number}" for number in range(90))
    page.get_by_label("Table").fill(f"address,password\n{table}\n")
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Make 90 accounts").click()
    page.locator("progress").wait_for()
    page.reload()
    page.get_by_text("90 accounts are made.").wait_for(timeout=60_000)
    assert Account.objects.filter(address__startswith="p").count() == 90
    context.close()


#: A page asks the database at most so often, however much there is.
QUERIES = 12


def test_no_page_asks_much(client: Client, rows: dict[str, Any], django_assert_max_num_queries: Any) -> None:
    for address in PAGES:
        if "records" in address:
            continue
        client.get(address.format(**rows))
        with django_assert_max_num_queries(QUERIES, info=address):
            client.get(address.format(**rows))
