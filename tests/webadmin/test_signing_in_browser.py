"""Signing in by hand: codes of an app, passkeys, recovery codes, an identity provider; ending sessions."""

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from tests.webadmin.test_browser import PASSWORD, browser, page, signed_in
from tests.webadmin.test_people_browser import sign_in
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, administrators
from webadmin.directory.models import Account, Administrator, Role

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["browser", "page", "signed_in"]


def code_of(secret: str) -> str:
    """What an app shows now (RFC 6238)."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def tell_password_again(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    # Whoever goes elsewhere before the answer is there may still be signed in.
    expect(page.get_by_label("Password", exact=True)).to_be_visible()


def test_a_code_of_an_app_and_recovery_codes(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="admin", exact=True).click()
    page.get_by_role("link", name="Switch it on").click()
    tell_password_again(page)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Switch it on").click()
    codes = page.locator("#secret").inner_text().split()
    assert len(codes) == 10
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    sign_out(page)
    sign_in(page, "admin")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    # Neither page nor API is open before the second factor.
    page.goto("/domains/")
    expect(page).to_have_url(re.compile("/sign-in/second/"))
    page.get_by_label("Code of your app").fill("123123")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.get_by_label("Code of your app").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto("/me/")
    expect(page.get_by_text("left, for when")).to_contain_text("9")
    page.get_by_role("link", name="Switch it off").click()
    tell_password_again(page)
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("link", name="Switch it on")).to_be_visible()
    verbs = set(Entry.objects.values_list("verb", flat=True))
    assert {
        "switch authenticator app on",
        "switch authenticator app off",
        "sign in",
    } <= verbs


def test_a_passkey_signs_in_by_itself_and_as_second_factor(signed_in: Page) -> None:
    page = signed_in
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/me/")
    page.get_by_role("link", name="Add one").click()
    tell_password_again(page)
    page.get_by_label("Name").fill("the laptop")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/me/passkeys/")
    expect(page.get_by_role("row", name="the laptop")).to_contain_text("by itself")
    sign_out(page)
    page.goto("/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    sign_out(page)
    sign_in(page, "admin")
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto("/me/passkeys/")
    page.get_by_role("link", name="Remove the laptop").click()
    tell_password_again(page)
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("None.")).to_be_visible()
    assert Entry.objects.filter(verb="remove passkey", username="admin").exists()


def test_sessions_are_seen_and_ended(signed_in: Page, browser: Browser) -> None:
    page = signed_in
    other = browser.new_context(base_url=page.url, user_agent="Somewhere else")
    elsewhere = other.new_page()
    sign_in(elsewhere, "admin")
    expect(elsewhere.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto("/me/")
    row = page.get_by_role("row").filter(has_text="Somewhere else")
    row.get_by_role("button", name="End the session").click()
    expect(page.get_by_role("status")).to_have_text("That session is ended.")
    elsewhere.goto("/domains/")
    expect(elsewhere).to_have_url(re.compile("/sign-in/"))
    sign_in(elsewhere, "admin")
    expect(elsewhere.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere else").click()
    elsewhere.goto("/domains/")
    expect(elsewhere).to_have_url(re.compile("/sign-in/"))
    other.close()
    expect(page.get_by_role("heading", name="Your sign-in")).to_be_visible()


def test_the_owner_of_an_account_signs_in_with_its_password(page: Page) -> None:
    actions.create_domain(OPERATOR, "example.org")
    account = actions.create_account(OPERATOR, "alice@example.org", "alice's passphrase")
    sign_in(page, "Alice@Example.org", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("do not fit")
    sign_in(page, "Alice@Example.org", "alice's passphrase")
    expect(page.get_by_role("heading", name="alice@example.org")).to_be_visible()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Password now").fill("alice's passphrase")
    page.get_by_label("New password").fill("another passphrase")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    owner = Administrator.objects.get(role=Role.USER)
    assert (str(owner), Entry.objects.get(verb="change password").username) == ("alice@example.org",) * 2
    # Somebody gives her a new one: her sessions end, as with anybody's.
    actions.change_account(OPERATOR, Account.objects.get(pk=account.pk), password="a third passphrase")
    page.goto("/me/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    actions.change_account(OPERATOR, account, active=False)
    sign_in(page, "alice@example.org", "a third passphrase")
    expect(page.get_by_role("alert")).to_contain_text("do not fit")


class Provider(BaseHTTPRequestHandler):
    """An identity provider that signs in whoever `claims` says, without asking."""

    claims: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        here = f"http://localhost:{self.server.server_port}"  # type: ignore[attr-defined]
        if url.path == "/.well-known/openid-configuration":
            self._say({
                "issuer": here, "authorization_endpoint": f"{here}/authorize", "token_endpoint": f"{here}/token",
                "userinfo_endpoint": f"{here}/userinfo", "jwks_uri": f"{here}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            })  # fmt: skip
        elif url.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            assert asked["client_id"] == "facteur"
            assert asked["code_challenge_method"] == "S256"
            self.send_response(302)
            back = urlencode({"code": "the code", "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            assert self.headers["Authorization"] == "Bearer the token"
            self._say(self.claims)

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert (asked["code"], asked["client_secret"]) == (["the code"], ["hush"])
        self._say({"access_token": "the token", "token_type": "Bearer"})

    def _say(self, body: Any) -> None:
        octets = orjson.dumps(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def provider() -> Iterator[type[Provider]]:
    server = ThreadingHTTPServer(("localhost", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://localhost:{server.server_port}"
    app = {
        "provider_id": "provider", "name": "Login", "client_id": "facteur", "secret": "hush",
        "settings": {"server_url": here},
    }  # fmt: skip
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    policy = {"DIRECTIVES": {**directives, "form-action": [*directives["form-action"], here]}}
    providers = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    with override_settings(SOCIALACCOUNT_PROVIDERS=providers, CONTENT_SECURITY_POLICY=policy):
        yield Provider
    server.shutdown()
    server.server_close()


def test_an_identity_provider_signs_in_whom_it_vouches_for(page: Page, provider: type[Provider]) -> None:
    administrators.create_administrator("root", PASSWORD, email="Root@Example.org")
    refused: list[dict[str, Any]] = [
        {"sub": "1", "email": "root@example.org"},
        {"sub": "1", "email": "root@example.org", "email_verified": False},
        {"sub": "1", "email": "else@example.org", "email_verified": True},
    ]
    for claims in refused:
        provider.claims = claims
        page.goto("/sign-in/")
        page.get_by_role("button", name="Go on with Login").click()
        expect(page.get_by_role("alert").first).to_contain_text("No administrator here has the verified address")
    provider.claims = {"sub": "1", "email": "root@example.org", "email_verified": True}
    page.get_by_role("button", name="Go on with Login").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    sign_out(page)
    # Linked once, she stays so, whatever her address there.
    provider.claims = {"sub": "1", "email": "new@example.org"}
    page.goto("/sign-in/")
    page.get_by_role("button", name="Go on with Login").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    get_user_model().objects.update(is_active=False)
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    assert Entry.objects.filter(verb="link identity provider", username="root").count() == 1
