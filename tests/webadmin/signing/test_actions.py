"""DKIM keys: their verbs, the API and the page that show them, and that the private half stays inside."""

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient

from mailservices.mail.dkim import custody, keys
from mailservices.mail.vocabulary import KeyState
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Administrator, Domain
from webadmin.signing import actions
from webadmin.signing.models import DkimKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def administrator() -> Administrator:
    return directory.create_administrator("root", "a long passphrase")


@pytest.fixture
def client(administrator: Administrator) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {directory.create_token(administrator, 'test')[1]}")
    return client


def states(domain: Domain) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in domain.dkim_keys.order_by("pk"):
        found.setdefault(key.state, []).append(key.algorithm)
    return found


BOTH = ["rsa-sha256", "ed25519-sha256"]


def test_a_new_domain_signs_with_both_kinds_of_key(example: Domain) -> None:
    assert states(example) == {"active": BOTH}
    for key in example.dkim_keys.all():
        opened = custody.opened("example.org", key.selector, bytes(key.sealed), settings.CONFIG.sealing_key)
        assert opened.private.public_key() == keys.parse(key.record.encode()).key
        assert key.name == f"{key.selector}._domainkey.example.org"
        assert all(len(one) <= 255 for one in key.strings)
        assert "".join(key.strings) == key.record


def test_next_keys_are_made_once(example: Domain) -> None:
    first = actions.prepare_keys(OPERATOR, example)
    assert [key.pk for key in actions.prepare_keys(OPERATOR, example)] == [key.pk for key in first]
    assert states(example) == {"active": BOTH, "next": BOTH}
    assert Entry.objects.filter(verb="prepare DKIM keys").count() == 1


def test_next_keys_take_the_place_of_the_others(example: Domain) -> None:
    following = {key.pk for key in actions.prepare_keys(OPERATOR, example)}
    assert {key.pk for key in actions.rotate_keys(OPERATOR, example)} == following
    assert states(example) == {"retired": BOTH, "active": BOTH}
    assert all(key.retired_at for key in example.dkim_keys.filter(state=KeyState.RETIRED))
    entry = Entry.objects.get(verb="rotate DKIM keys")
    assert set(entry.after["selectors"]) == {key.selector for key in DkimKey.objects.filter(pk__in=following)}


def test_there_must_be_next_keys(example: Domain) -> None:
    with pytest.raises(ValidationError, match="no next keys"):
        actions.rotate_keys(OPERATOR, example)


def test_two_keys_of_a_kind_cannot_sign(example: Domain) -> None:
    key = example.dkim_keys.first()
    assert key is not None
    key.pk, key.selector = None, "other"
    with pytest.raises(IntegrityError), transaction.atomic():
        key.save(force_insert=True)


def test_keys_go_with_their_domain(example: Domain) -> None:
    directory.delete_domain(OPERATOR, example)
    assert not DkimKey.objects.exists()


def test_the_api_shows_prepares_and_rotates(client: APIClient, example: Domain) -> None:
    directory.create_domain(OPERATOR, "other.org")
    found = client.get("/api/v1/dkim-keys/?domain=example.org&state=active").json()["results"]
    assert [one["algorithm"] for one in found] == BOTH
    assert {one["domain"] for one in found} == {"example.org"}
    assert not any("sealed" in one for one in found)
    assert client.post("/api/v1/dkim-keys/rotate/", {"domain": "example.org"}).status_code == 400
    made = client.post("/api/v1/dkim-keys/prepare/", {"domain": "example.org"})
    assert (made.status_code, [one["state"] for one in made.json()]) == (201, ["next", "next"])
    rotated = client.post("/api/v1/dkim-keys/rotate/", {"domain": "example.org"})
    assert (rotated.status_code, len(rotated.json())) == (200, 2)
    assert {one["id"] for one in rotated.json()} == {one["id"] for one in made.json()}
    assert client.post("/api/v1/dkim-keys/prepare/", {"domain": "nowhere.test"}).status_code == 400
    assert client.get(f"/api/v1/dkim-keys/{made.json()[0]['id']}/").json()["state"] == "active"


def test_the_page_shows_records_and_rotates(administrator: Administrator, example: Domain) -> None:
    browser = Client()
    browser.force_login(administrator)
    page = browser.get(f"/domains/{example.pk}/").content.decode()
    for key in example.dkim_keys.all():
        assert f"{key.name}." in page
        assert all(f"&quot;{one}&quot;" in page for one in key.strings)
    assert "not looked yet" in page
    page = browser.post(f"/domains/{example.pk}/dkim/", {"verb": "rotate"}, follow=True).content.decode()
    assert "There are no next keys" in page
    browser.post(f"/domains/{example.pk}/dkim/", {"verb": "prepare"})
    assert states(example) == {"active": BOTH, "next": BOTH}
    page = browser.post(f"/domains/{example.pk}/dkim/", {"verb": "rotate"}, follow=True).content.decode()
    assert "is signed with the next keys from now on" in page
    assert states(example) == {"retired": BOTH, "active": BOTH}
    assert browser.get(f"/domains/{example.pk}/dkim/").status_code == 405
