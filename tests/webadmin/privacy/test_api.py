"""Keys for private mail over REST: by an owner, by administrators; a private half is never in an answer."""

import base64
from typing import Any

import pysequoia
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from rest_framework.test import APIClient

from mailservices.mail.openpgp import keys as openpgp
from tests.mail_certificates import MailAuthority
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Domain
from webadmin.identity import owner_of
from webadmin.privacy import requests
from webadmin.privacy.models import Request

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/privacy-keys/"
AUTHORITY = MailAuthority()


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def alice(example: Domain) -> Account:
    return directory.create_account(OPERATOR, "alice@example.org", "pw1")


@pytest.fixture
def client(alice: Account) -> APIClient:
    client = APIClient()
    client.force_login(owner_of(alice))
    return client


@pytest.fixture
def root() -> APIClient:
    client = APIClient()
    client.force_login(create_administrator("root", "a long passphrase"))
    return client


def test_a_key_from_its_making_to_its_end(client: APIClient, alice: Account) -> None:
    told = {"account": alice.pk, "address": "alice@example.org", "years": 1}
    made = client.post(f"{KEYS}generate/", told)
    assert made.status_code == 201
    key = made.json()
    assert (key["kind"], key["private"], key["signs"], key["trust"]) == ("openpgp", True, True, "own")
    url = f"{KEYS}{key['id']}/"
    assert client.get(url).json() == key
    assert client.post(f"{url}renew/", {"years": 4}).json()["expires_at"] > key["expires_at"]
    assert client.post(f"{url}renew/", {"years": 40}).status_code == 400
    text = client.get(f"{url}public/").json()["text"]
    assert pysequoia.Cert.from_bytes(text.encode()).fingerprint == key["fingerprint"]
    changed = client.patch(url, {"published": False, "decrypts": True}).json()
    assert (changed["published"], changed["decrypts"]) == (False, True)
    assert client.patch(url, {"trust": "seen"}).json()["errors"] == {"trust": ["It is one's own."]}
    assert client.post(f"{url}revoke/").json()["revoked_at"]
    assert client.post(f"{url}revoke/").status_code == 400
    everything = client.get(KEYS).content + client.get(f"{url}public/").content
    assert b"PRIVATE" not in everything
    assert client.delete(url).status_code == 204
    assert client.get(KEYS).json()["results"] == []


def test_keys_are_brought_as_text_or_base64(client: APIClient, alice: Account) -> None:
    pair = openpgp.generate("", "alice@example.org")
    issued = AUTHORITY.issue("alice@example.org")
    theirs = AUTHORITY.issue("carol@far.test")
    brought: list[tuple[dict[str, Any], str]] = [
        ({"key": openpgp.armoured(pair.public)}, "alice@example.org"),
        ({"key": base64.encodebytes(pair.secret or b"").decode()}, "alice@example.org"),
        ({"key": issued.pem, "password": ""}, "alice@example.org"),
        ({"key": base64.b64encode(theirs.der).decode(), "ours": False}, "carol@far.test"),
    ]
    for body, address in brought:
        answer = client.post(KEYS, {"account": alice.pk, **body})
        assert answer.status_code == 201, answer.json()
        assert [one["address"] for one in answer.json()] == [address]
    found = client.get(KEYS, {"kind": "smime", "address": "Carol@far.test"}).json()["results"]
    assert [(one["trust"], one["ours"]) for one in found] == [("verified", False)]
    url = f"{KEYS}{found[0]['id']}/"
    assert client.patch(url, {"trust": "refused"}).json()["trust"] == "refused"
    assert client.get(f"{url}public/").json()["text"].count("BEGIN CERTIFICATE") == 1
    assert len(client.get(KEYS, {"account": alice.pk}).json()["results"]) == 3
    assert client.get(KEYS, {"fingerprint": "00"}).json()["results"] == []
    assert client.get(KEYS, {"account": "x"}).status_code == 400


@pytest.mark.parametrize("body", [{"key": "nonsense !"}, {"key": "AAAA"}, {}, {"key": "AAAA", "domain": 1}])
def test_what_is_no_key(client: APIClient, alice: Account, body: dict[str, Any]) -> None:
    assert client.post(KEYS, {"account": alice.pk, **body}).status_code == 400


def test_a_key_is_somebodys(client: APIClient, example: Domain) -> None:
    assert client.post(KEYS, {"key": "AAAA"}).json()["errors"] == {
        "account": ["Say an account or a domain, one of them."]
    }
    # To an owner, her domain is nothing that could be named.
    answer = client.post(f"{KEYS}generate/", {"domain": example.pk, "address": "info@example.org"})
    assert list(answer.json()["errors"]) == ["domain"]


def test_a_certificate_is_asked_for(client: APIClient, alice: Account, root: APIClient, example: Domain) -> None:
    url = "/api/v1/certificate-requests/"
    told = {"account": alice.pk, "address": "alice@example.org", "algorithm": "EC P-256"}
    made = client.post(url, told)
    assert made.status_code == 201
    assert x509.load_pem_x509_csr(made.json()["csr"].encode()).is_signature_valid
    assert client.post(url, {"address": "alice@example.org"}).status_code == 400
    row = Request.objects.get()
    key: Any = serialization.load_der_private_key(requests.opened(row), None)
    issued = AUTHORITY.issue("alice@example.org", key=key)
    where = f"{url}{row.pk}/certificate/"
    assert list(client.post(where, {"certificate": "x y"}).json()["errors"]) == ["certificate"]
    kept = client.post(where, {"certificate": base64.b64encode(issued.der).decode()})
    assert (kept.status_code, kept.json()["private"], kept.json()["signs"]) == (201, True, True)
    other = root.post(url, {"domain": example.pk, "address": "info@example.org", "algorithm": "EC P-384"}).json()
    assert [one["id"] for one in root.get(url, {"domain": example.pk}).json()["results"]] == [other["id"]]
    assert client.get(url).json()["results"] == []
    assert root.delete(f"{url}{other['id']}/").status_code == 204


def test_what_is_wished(client: APIClient, root: APIClient, alice: Account, example: Domain) -> None:
    mine, ours = f"/api/v1/private-mail/{alice.pk}/", f"/api/v1/domain-private-mail/{example.pk}/"
    answer = client.get(mine).json()
    assert (answer["owner"], answer["sign"], answer["holds"]["sign"]) == ("alice@example.org", None, "off")
    told = {"sign": "either", "encrypt": "possible", "on_append": ["Sent"]}
    assert root.patch(ours, told, format="json").json()["holds"]["encrypt"] == "possible"
    answer = client.patch(mine, {"encrypt": "required"}, format="json").json()
    assert (answer["sign"], answer["encrypt"]) == (None, "required")
    holds = answer["holds"]
    assert (holds["sign"], holds["encrypt"], holds["on_append"]) == ("either", "required", ["Sent"])
    assert list(client.patch(mine, {"on_arrival": "smime"}, format="json").json()["errors"]) == ["on_arrival"]
    assert root.patch(ours, {"on_arrival": "smime"}, format="json").status_code == 400
    assert client.get(ours).status_code == 403


def test_a_directory_of_keys(root: APIClient, client: APIClient, alice: Account, example: Domain) -> None:
    url = f"/api/v1/key-directories/{example.pk}/"
    assert root.get(url).json() == {"domain": "example.org", "active": True, "submission": ""}
    told = {"submission": "alice@example.org"}
    assert root.patch(url, told).json() == {"domain": "example.org", "active": True, **told}
    assert root.patch(url, {"submission": "x@example.org"}).status_code == 400
    assert root.patch(url, {"active": False, "submission": ""}).json()["active"] is False
    assert client.get(url).status_code == 403
