"""Nobody gives away more than she has; tenants hold to what is handed down to them."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions, administrators, tenants
from webadmin.directory.models import Administrator, Domain, Role, Tenant

pytestmark = pytest.mark.django_db
PASSWORD = "a long passphrase"


@pytest.fixture
def tenant() -> Tenant:
    return tenants.create_tenant(OPERATOR, name="Ours", most_domains=1, most_accounts=2, most_bytes=1000)


@pytest.fixture
def domain(tenant: Tenant) -> Domain:
    return actions.create_domain(OPERATOR, "own.test", tenant)


@pytest.fixture
def tess(tenant: Tenant) -> Actor:
    made = administrators.create_administrator("tess", PASSWORD, role=Role.TENANT, tenant=tenant)
    return Actor(made, "192.0.2.1")


def test_a_tenants_administrator_makes_others_of_it_only(tess: Actor, tenant: Tenant, domain: Domain) -> None:
    foreign = actions.create_domain(OPERATOR, "foreign.test")
    other = tenants.create_tenant(OPERATOR, name="Theirs")
    wrong: list[dict[str, Any]] = [
        {"role": Role.APPLIANCE},
        {"role": Role.TENANT, "tenant": other},
        {"role": Role.TENANT},
        {"role": Role.DOMAIN},
        {"role": Role.DOMAIN, "domains": [foreign]},
        {"role": Role.DOMAIN, "tenant": tenant},
        {"role": Role.TENANT, "tenant": tenant, "domains": [domain]},
        {"role": Role.USER},
    ]
    for values in wrong:
        with pytest.raises(ValidationError):
            administrators.create_administrator("new", PASSWORD, tess, **values)
    made = administrators.create_administrator("new", PASSWORD, tess, role=Role.DOMAIN, domains=[domain])
    with pytest.raises(ValidationError):
        administrators.change_administrator(tess, made, domains=[domain, foreign])
    with pytest.raises(PermissionDenied):
        administrators.create_administrator("more", PASSWORD, Actor(made), role=Role.HELPDESK, domains=[domain])
    entry = Entry.objects.get(verb="create administrator", username="tess")
    assert (entry.remote_host, entry.after["domains"]) == ("192.0.2.1", ["own.test"])
    # Who has domains elsewhere too is not hers to change.
    wide = administrators.create_administrator("wide", PASSWORD, role=Role.DOMAIN, domains=[domain, foreign])
    root = administrators.create_administrator("root", PASSWORD)
    for person in (wide, root):
        with pytest.raises(PermissionDenied):
            administrators.change_administrator(tess, person, password="another passphrase")
    administrators.delete_administrator(tess, made)
    assert not Administrator.objects.filter(username="new").exists()


def test_nobody_changes_or_deletes_herself(tess: Actor) -> None:
    assert tess.administrator is not None
    with pytest.raises(ValidationError, match="That is you"):
        administrators.change_administrator(tess, tess.administrator, is_active=False)
    with pytest.raises(ValidationError, match="That is you"):
        administrators.delete_administrator(tess, tess.administrator)


def test_a_tenant_holds_to_its_limits(tess: Actor, domain: Domain, tenant: Tenant) -> None:
    with pytest.raises(ValidationError, match="may have 1 domains"):
        actions.create_domain(tess, "more.test")
    with pytest.raises(ValidationError, match="needs a quota"):
        actions.create_account(tess, "a@own.test", "pw1")
    account = actions.create_account(tess, "a@own.test", "pw1", 600)
    with pytest.raises(ValidationError, match="200 octets more"):
        actions.create_account(tess, "b@own.test", "pw1", 600)
    actions.create_account(tess, "b@own.test", "pw1", 400)
    with pytest.raises(ValidationError, match="1 octets more"):
        actions.change_account(tess, account, quota_bytes=601)
    tenants.change_tenant(OPERATOR, tenant, most_bytes=None)
    with pytest.raises(ValidationError, match="may have 2 accounts"):
        actions.create_account(tess, "c@own.test", "pw1")
    actions.delete_account(tess, account)
    actions.create_account(tess, "c@own.test", "pw1")
    assert tenants.used(tenant) == {"domains": 1, "accounts": 2, "bytes": 400}
    with pytest.raises(ValidationError, match="still has domains"):
        tenants.delete_tenant(OPERATOR, tenant)


def test_limits_of_sending_are_raised_by_the_appliance_only(tess: Actor, domain: Domain) -> None:
    with pytest.raises(ValidationError, match="At most 1000"):
        actions.change_domain(tess, domain, sending_messages=1001)
    actions.change_domain(tess, domain, sending_messages=10, total_messages=100)
    with pytest.raises(ValidationError, match="At most 100"):
        actions.change_domain(tess, domain, total_messages=None)
    account = actions.create_account(tess, "a@own.test", "pw1", 100)
    with pytest.raises(ValidationError, match="At most 10"):
        actions.change_account(tess, account, sending_messages=11)
    actions.change_account(tess, account, sending_messages=5)
    actions.change_domain(OPERATOR, domain, sending_messages=2000)


def test_helpdesk_gives_new_passwords_and_no_more(domain: Domain) -> None:
    account = actions.create_account(OPERATOR, "a@own.test", "pw1", 100)
    hal = Actor(administrators.create_administrator("hal", PASSWORD, role=Role.HELPDESK, domains=[domain]))
    before = account.password
    assert actions.change_account(hal, account, password="pw2").password != before
    with pytest.raises(PermissionDenied):
        actions.change_account(hal, account, active=False)


def test_administrators_and_tenants_over_rest(domain: Domain) -> None:
    client = APIClient()
    client.force_login(administrators.create_administrator("root", PASSWORD))
    made = client.post("/api/v1/tenants/", {"name": "More", "most_accounts": 3}).json()
    assert (made["used"], made["most_domains"]) == ({"domains": 0, "accounts": 0, "bytes": 0}, None)
    assert client.patch(f"/api/v1/tenants/{made['id']}/", {"most_accounts": -1}).status_code == 400
    body = {"username": "dora", "password": PASSWORD, "role": "domain", "domains": ["own.test"]}
    dora = client.post("/api/v1/administrators/", body).json()
    assert (dora["domains"], "password" in dora) == (["own.test"], False)
    wrong = client.post("/api/v1/administrators/", {**body, "username": "x", "password": "short"})
    assert "password" in wrong.json()["errors"]
    url = f"/api/v1/administrators/{dora['id']}/"
    assert client.patch(url, {"is_active": False}).json()["is_active"] is False
    assert client.delete(url).status_code == 204
    token = client.post("/api/v1/tokens/", {"label": "shop", "rights": ["look"], "domains": ["own.test"]}).json()
    assert token["token"].startswith("fct_")
    assert client.get(f"/api/v1/tokens/{token['id']}/").json()["token"] is None
    other = APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {token['token']}")
    assert [one["name"] for one in other.get("/api/v1/domains/").json()["results"]] == ["own.test"]
    assert other.post("/api/v1/tokens/", {"label": "child"}).status_code == 403
    assert client.delete(f"/api/v1/tokens/{token['id']}/").status_code == 204
    assert other.get("/api/v1/domains/").status_code == 401
    assert token["token"] not in str(list(Entry.objects.values()))
