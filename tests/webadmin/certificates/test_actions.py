"""Certificates are brought, renewed and removed: by verb and over REST. A key is never seen again."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from mailservices.mail import certificate
from tests.certificates import Authority
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.certificates import actions
from webadmin.certificates.models import Certificate
from webadmin.directory.actions import create_administrator, create_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority.pem")


@pytest.fixture
def client() -> APIClient:
    _, token = create_token(create_administrator("root", "a long passphrase"), "test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_what_is_kept_can_be_presented(authority: Authority) -> None:
    chain, key = authority.for_hosts("mail.example.org", "*.example.net")
    row = actions.add_certificate(OPERATOR, chain, key)
    assert row.names == ["mail.example.org", "*.example.net"]
    assert key.encode() not in bytes(row.sealed)
    opened = certificate.unseal(bytes(row.sealed), settings.CONFIG.sealing_key, row.fingerprint)
    assert opened == key.encode()
    entry = Entry.objects.get(verb="add certificate")
    assert entry.subject == "mail.example.org"
    assert entry.after
    assert entry.after.keys() == {"names", "fingerprint", "issuer", "until"}


def test_a_renewed_one_takes_the_place_of_the_one_before(authority: Authority) -> None:
    names = ("a.example", "b.example")
    for wanted in (("a.example",), names, ("a.example", "c.example")):
        actions.add_certificate(OPERATOR, *authority.for_hosts(*wanted, days=30))
    longer = actions.add_certificate(OPERATOR, *authority.for_hosts("a.example", days=80))
    new = actions.add_certificate(OPERATOR, *authority.for_hosts(*names, days=60))
    left = set(Certificate.objects.values_list("fingerprint", flat=True))
    assert {new.fingerprint, longer.fingerprint} < left
    assert sorted(row.names for row in Certificate.objects.all()) == [
        ["a.example"],
        ["a.example", "b.example"],
        ["a.example", "c.example"],
    ]
    assert Entry.objects.filter(verb="remove certificate").count() == 2


def test_what_cannot_be_presented_is_not_kept(authority: Authority) -> None:
    chain, key = authority.for_hosts("a.example")
    actions.add_certificate(OPERATOR, chain, key)
    for bad in ((chain, key), (chain, "no key"), authority.for_hosts("a.example", days=-1)):
        with pytest.raises(ValidationError) as raised:
            actions.add_certificate(OPERATOR, *bad)
        assert list(raised.value.message_dict) == ["key" if bad[1] == "no key" else "chain"]
    assert Certificate.objects.count() == 1


def test_over_rest(client: APIClient, authority: Authority) -> None:
    chain, key = authority.for_hosts("mail.example.org")
    made = client.post("/api/v1/certificates/", {"chain": chain, "key": key})
    assert made.status_code == 201
    assert (made.json()["names"], made.json()["issuer"]) == (["mail.example.org"], "the authority of a test")
    url = f"/api/v1/certificates/{made.json()['id']}/"
    assert client.get(url).json() == made.json()
    assert "PRIVATE" not in client.get("/api/v1/certificates/").content.decode()
    again = client.post("/api/v1/certificates/", {"chain": chain, "key": key})
    assert again.status_code == 400
    assert again.json()["errors"] == {"chain": ["This certificate is here already."]}
    assert client.patch(url, {"chain": chain}).status_code == 405
    assert client.delete(url).status_code == 204
    assert not Certificate.objects.exists()
