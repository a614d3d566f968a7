"""The pages of keys in headless Chromium: an owner's, an account's, a domain's; on a phone and in the dark."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from mailservices.mail.openpgp import keys as openpgp
from tests.mail_certificates import MailAuthority
from tests.webadmin.test_browser import browser, page
from tests.webadmin.test_easy import grave
from tests.webadmin.test_people_browser import sign_in
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory import aliases
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Domain
from webadmin.identity import AccountAdapter, owner_of
from webadmin.privacy import actions, policy, requests
from webadmin.privacy import directory as directories
from webadmin.privacy.models import Key, Request

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["browser", "page"]
PASSWORD = "alice's passphrase"
AUTHORITY = MailAuthority()
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def example(db: None) -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def alice(example: Domain) -> Account:
    return directory.create_account(OPERATOR, "alice@example.org", PASSWORD, display_name="Alice")


def test_an_owner_makes_a_key_and_has_her_mail_encrypted(page: Page, alice: Account) -> None:
    sign_in(page, alice.address, PASSWORD)
    page.get_by_role("link", name="Private mail").click()
    page.get_by_label("Mail that arrives").select_option("It is encrypted by OpenPGP")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("add one first")
    page.get_by_role("link", name="Make an OpenPGP key").click()
    page.get_by_label("Good for years").fill("2")
    page.get_by_role("button", name="Make it").press("Enter")
    expect(page.get_by_role("status")).to_have_text("The key for alice@example.org is made.")
    expect(page.get_by_label("Sign what leaves")).to_be_checked()
    expect(page.get_by_label("Show it to others")).not_to_be_checked()
    expect(page.get_by_text("It was made here")).to_be_visible()
    page.get_by_label("Encrypt what arrives to it").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Encrypt what arrives to it")).to_be_checked()
    page.get_by_label("Years from now").fill("5")
    page.get_by_role("button", name="Renew it").click()
    expect(page.get_by_role("status")).to_contain_text("It is good until")
    page.get_by_role("link", name="Back").click()
    page.get_by_label("Mail that arrives").select_option("It is encrypted by OpenPGP")
    page.get_by_label("Mail that leaves", exact=True).select_option("It is signed by OpenPGP")
    page.get_by_role("button", name="Save").click()
    alice.refresh_from_db()
    assert (alice.encrypts, policy.wished(alice).sign) == ("openpgp", "openpgp")
    page.get_by_role("main").get_by_role("link", name="alice@example.org", exact=True).click()
    for word in ("Revoke", "Delete"):
        page.get_by_role("button", name=word).click()
        page.get_by_role("button", name=f"{word} it").click()
        expect(page.get_by_text("there is no other key")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("What arrives is encrypted to your key")).to_be_visible()


def test_a_key_is_brought_as_a_file_or_as_text(page: Page, alice: Account, tmp_path: Path) -> None:
    issued = AUTHORITY.issue("alice@example.org")
    octets = pkcs12.serialize_key_and_certificates(
        b"alice", issued.key, issued.certificate, [AUTHORITY.issuing],
        serialization.BestAvailableEncryption(b"secret"),
    )  # fmt: skip
    (tmp_path / "alice.p12").write_bytes(octets)
    sign_in(page, alice.address, PASSWORD)
    page.goto("/me/private/bring/")
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("alert")).to_have_text("Bring a key or a certificate.")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "alice.p12")
    page.get_by_label("Password of the file").fill("wrong")
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("alert")).to_contain_text("password")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "alice.p12")
    page.get_by_label("Password of the file").fill("secret")
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("status")).to_have_text("The key for alice@example.org is here.")
    page.goto("/me/private/others/")
    page.get_by_label("Or its text").fill(openpgp.armoured(openpgp.generate("", "carol@far.test").public))
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("status")).to_contain_text("carol@far.test")
    page.get_by_label("Is it really hers?").select_option("No: it is not used")
    page.get_by_role("button", name="Save").click()
    assert Key.objects.get(address="carol@far.test").trust == "refused"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("status")).to_have_text("The key of carol@far.test is deleted.")


def test_a_certificate_is_asked_for(page: Page, alice: Account) -> None:
    sign_in(page, alice.address, PASSWORD)
    page.goto("/me/private/request/")
    page.get_by_label("Key", exact=True).select_option("EC P-256")
    page.get_by_role("button", name="Make the request").click()
    assert page.locator("#csr").inner_text().startswith("-----BEGIN CERTIFICATE REQUEST-----")
    key: Any = serialization.load_der_private_key(requests.opened(Request.objects.get()), None)
    page.get_by_label("Or its text").fill("nonsense")
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    issued = AUTHORITY.issue("alice@example.org", key=key)
    page.get_by_label("Or its text").fill(issued.certificate.public_bytes(Encoding.PEM).decode())
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("status")).to_contain_text("The certificate for alice@example.org is here")
    row = requests.request_certificate(OPERATOR, alice, "alice@example.org", "EC P-256")
    page.goto(f"/keys/requests/{row.pk}/")
    page.get_by_role("button", name="Give it up").click()
    page.get_by_role("button", name="Give it up").click()
    expect(page.get_by_role("status")).to_contain_text("is given up")


def test_a_domains_keys_and_directory(client: Client, example: Domain, alice: Account) -> None:
    client.force_login(create_administrator("root", "a long passphrase"))
    base = f"/domains/{example.pk}/private/"
    assert client.post(f"{base}make/", {"address": "x@far.test", "years": "2"}).status_code == 200
    made = client.post(f"{base}make/", {"address": "info@example.org", "years": "2"})
    key = Key.objects.get()
    assert made["Location"] == f"/keys/{key.pk}/"
    answer = client.post(f"{base}directory/", {"active": "on", "submission": "nobody@example.org"})
    assert b"does not lead to one account" in answer.content
    client.post(f"{base}directory/", {"active": "on", "submission": "alice@example.org"})
    assert directories.directory_of(example).submission == "alice@example.org"
    assert b"Programs send keys to" in client.get(base).content
    client.post(base, {"sign": "either", "on_append": "Drafts,Sent", "hide_subject": "True", "learn": "False"})
    found = policy.of_domain(example)
    assert (found.sign, found.on_append) == ("either", ("Drafts", "Sent"))
    assert (found.hide_subject, found.learn) == (True, False)
    client.post(base, {"on_append": "-"})
    assert policy.policy_of(example).on_append == []
    assert policy.policy_of(example).sign is None
    assert client.get(f"{base}nonsense/").status_code == 404
    assert client.post(f"/keys/{key.pk}/act/", {"verb": "nonsense"}).status_code == 404
    assert client.post(f"/keys/{key.pk}/act/", {"verb": "renew", "years": "99"}).status_code == 302
    shown = client.get(f"/keys/{key.pk}/public/")
    assert shown["Content-Disposition"] == 'attachment; filename="info@example.org.asc"'
    assert shown.content.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert client.get(base, {"q": key.fingerprint[:8].upper()}).content.count(b'data-label="Fingerprint"') == 1


def test_the_private_half_is_its_owners_alone(client: Client, alice: Account, monkeypatch: Any) -> None:
    key = actions.generate(OPERATOR, alice, "alice@example.org")
    [certificate] = actions.upload(OPERATOR, alice, AUTHORITY.issue("alice@example.org").pem.encode())
    url = f"/keys/{key.pk}/private/"
    client.force_login(owner_of(alice))
    assert client.get(url)["Location"].startswith("/sign-in/again/")
    monkeypatch.setattr(AccountAdapter, "is_reauthentication_required", lambda *_, **__: False)
    taken = client.post(url)
    assert taken["Cache-Control"] == "no-store"
    assert openpgp.read(taken.content).secret
    locked = f"/keys/{certificate.pk}/private/"
    assert b"At least 8" in client.post(locked, {"password": "short"}).content
    octets = client.post(locked, {"password": "long enough"}).content
    assert pkcs12.load_pkcs12(octets, b"long enough").key
    assert Entry.objects.filter(verb="take private half").count() == 2
    client.force_login(create_administrator("root", "a long passphrase"))
    assert client.post(url).status_code == 403
    assert b"Private half" not in client.get(f"/keys/{key.pk}/").content


def _rows(example: Domain, alice: Account) -> dict[str, int]:
    """Something to see on every page."""
    key = actions.generate(OPERATOR, alice, "alice@example.org")
    aliases.create_alias(OPERATOR, "a-rather-long-name-for-an-alias@example.org", ["alice@example.org"])
    actions.generate(OPERATOR, alice, "a-rather-long-name-for-an-alias@example.org", 1)
    actions.upload(OPERATOR, alice, AUTHORITY.issue("alice@example.org").pem.encode())
    [theirs] = actions.upload(
        OPERATOR, alice, openpgp.generate("Carol", "carol.with.a.long.name@far-away.test").public, ours=False
    )
    actions.upload(OPERATOR, example, AUTHORITY.issue("info@example.org").pem.encode())
    soon = timezone.now() + timedelta(days=9)
    Key.objects.filter(address__startswith="a-rather").update(expires_at=soon)
    row = requests.request_certificate(OPERATOR, alice, "alice@example.org")
    return {"key": key.pk, "theirs": theirs.pk, "request": row.pk, "account": alice.pk, "domain": example.pk}


OWN = (
    "/me/private/", "/me/private/make/", "/me/private/bring/", "/me/private/others/", "/me/private/request/",
    "/keys/{key}/", "/keys/{theirs}/", "/keys/requests/{request}/",
)  # fmt: skip
ADMINISTRATORS = (
    "/accounts/{account}/private/", "/domains/{domain}/private/", "/domains/{domain}/private/directory/",
    "/domains/{domain}/private/make/", "/keys/{key}/",
)  # fmt: skip


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [("desk", "light", "en"), ("desk", "dark", "fr"), ("phone", "light", "fr"), ("phone", "dark", "en")],
)
def test_everybody_can_use_them(
    browser: Browser, live_server: object, example: Domain, alice: Account, size: str, scheme: Any, language: str
) -> None:
    rows, folder = _rows(example, alice), os.environ.get("FACTEUR_SCREENSHOTS")
    people = ((owner_of(alice), OWN), (create_administrator("root", "a long passphrase"), ADMINISTRATORS))
    for who, paths in people:
        client = Client()
        client.force_login(who)
        session = client.cookies["sessionid"].value
        context = browser.new_context(
            base_url=str(live_server), viewport=SIZES[size], color_scheme=scheme, locale=language
        )
        context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server)}])
        shown = context.new_page()
        for path in paths:
            shown.goto(path.format(**rows))
            # Colours are the same in every language.
            found = grave(shown, colours=language == "en")
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path
            wide = shown.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, path
            if folder:
                name = path.strip("/").replace("/", "-").translate({ord("{"): None, ord("}"): None})
                shown.screenshot(path=f"{folder}/{size}-{scheme}-{language}-{name}.png", full_page=True)
        context.close()
