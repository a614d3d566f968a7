"""Whom the appliance believes whose a certificate is."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.exceptions import ValidationError
from django.test import Client

from tests.mail_certificates import NOW, MailAuthority, alone
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory.administrators import create_administrator, create_token
from webadmin.privacy import roots
from webadmin.privacy.models import Root

pytestmark = pytest.mark.django_db

AUTHORITY = MailAuthority()


def pem(certificate: Any) -> str:
    return str(certificate.public_bytes(Encoding.PEM).decode())


def test_a_root_is_added_and_removed_with_an_entry() -> None:
    root = roots.add_root(OPERATOR, pem(AUTHORITY.root))
    assert root.subject == "CN=Mail Root"
    assert root.expires_at == NOW + timedelta(days=400)
    roots.remove_root(OPERATOR, root)
    assert not Root.objects.exists()
    assert [one.verb for one in Entry.objects.order_by("pk")][-2:] == ["add root", "remove root"]


def test_what_is_no_root_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    issued = AUTHORITY.issue("a@example.org")
    told = {
        pem(issued.certificate): "It may not issue others",
        pem(alone("a@example.org").certificate): "It may not issue others",
        issued.pem: "private key",
        "nothing": "no certificate",
    }
    for text, words in told.items():
        with pytest.raises(ValidationError, match=words):
            roots.add_root(OPERATOR, text)
    roots.add_root(OPERATOR, pem(AUTHORITY.root))
    with pytest.raises(ValidationError, match="trusted already"):
        roots.add_root(OPERATOR, pem(AUTHORITY.root))
    monkeypatch.setattr(roots, "ROOTS", 1)
    with pytest.raises(ValidationError, match="remove one first"):
        roots.add_root(OPERATOR, pem(MailAuthority("Another").root))


def test_one_that_has_expired_is_refused() -> None:
    old = MailAuthority("Old")
    made = old._builder(old.root.subject, old._key, ca=True, until=NOW - timedelta(days=1))
    expired = old._sign(made, old.root.subject, old._key)
    with pytest.raises(ValidationError, match="It has expired"):
        roots.add_root(OPERATOR, pem(expired))


def test_it_is_done_over_rest_too() -> None:
    _, secret = create_token(create_administrator("root", "a long passphrase"), "test")
    client = Client(headers={"authorization": f"Bearer {secret}"})
    made = client.post("/api/v1/mail-roots/", {"certificate": pem(AUTHORITY.root)}, "application/json")
    assert made.status_code == 201
    told = made.json()
    assert "certificate" not in told
    assert client.get("/api/v1/mail-roots/").json()["results"] == [told]
    assert client.delete(f"/api/v1/mail-roots/{told['id']}/").status_code == 204
    assert not Root.objects.exists()


def test_it_is_done_on_its_page_too() -> None:
    client = Client()
    client.force_login(create_administrator("root", "a long passphrase"))
    assert b"CN=Mail Root" not in client.get("/certificates/mail/").content
    assert b"It may not issue others" in client.post(
        "/certificates/mail/", {"certificate": pem(AUTHORITY.issue("a@example.org").certificate)}
    ).content  # fmt: skip
    assert client.post("/certificates/mail/", {"certificate": pem(AUTHORITY.root)}).status_code == 302
    [root] = Root.objects.all()
    assert b"CN=Mail Root" in client.get("/certificates/mail/").content
    assert b"no more?" in client.get(f"/certificates/mail/{root.pk}/remove/").content
    assert client.post(f"/certificates/mail/{root.pk}/remove/").status_code == 302
    assert not Root.objects.exists()
