"""The second wall: every page and every operation of the API, as nobody and as each role, hers and not hers.

A view that is added is refused here until access.py says what it asks for, and until `World` has a row for it.
"""

import importlib
import inspect
import pkgutil
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

import webadmin
from tests.certificates import Authority
from webadmin import urls
from webadmin.access import API, OPERATE, PAGES, SAFE, Rule
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.certificates import actions as certificates
from webadmin.certificates.models import Certificate
from webadmin.directory import actions, aliases, signin, tenants
from webadmin.directory.administrators import create_administrator, create_token
from webadmin.directory.models import (
    Account,
    Address,
    Administrator,
    ApiToken,
    AppPassword,
    Domain,
    Issuer,
    Role,
    Tenant,
)
from webadmin.identity import AccountAdapter
from webadmin.jobs.models import DONE, Job
from webadmin.own import actions as own
from webadmin.own.models import Forwarding, Vacation
from webadmin.policy import actions as policy
from webadmin.policy.models import DnsList, InboundPolicy, TrustedNetwork, TrustedSealer, Withheld
from webadmin.privacy import actions as privacy
from webadmin.privacy.directory import set_directory
from webadmin.privacy.models import Directory, Key, Request, Root
from webadmin.privacy.models import Policy as PrivacyPolicy
from webadmin.privacy.policy import change_policy
from webadmin.privacy.requests import request_certificate
from webadmin.privacy.roots import add_root
from webadmin.queue import routes, sources, suppressions
from webadmin.queue.models import Message, Recipient, Route, Source, Suppression
from webadmin.records.actions import offer_sts
from webadmin.records.models import StsOffer
from webadmin.reports import actions as reports
from webadmin.reports.models import DmarcReport, Mailbox, TlsReport
from webadmin.scope import RIGHTS, Right, visible
from webadmin.security import actions as security
from webadmin.security.models import AccessRule
from webadmin.signing.models import DkimKey
from webadmin.trace.models import TraceEvent
from webadmin.webhooks import actions as webhooks
from webadmin.webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.django_db

PASSWORD = "a long passphrase"
#: A page's URL -> of which model its key is.
ABOUT: dict[str, type[Model]] = {
    "session-end": UserSession, "mfa_edit_webauthn": Authenticator, "mfa_remove_webauthn": Authenticator,
    "domain": Domain, "domain-delete": Domain, "domain-dkim": Domain, "domain-policy": Domain,
    "report-mailbox": Domain, "group": Address, "account-sharing": Account,
    "account": Account, "account-pop": Account, "account-held": Account,
    "disposable-new": Account, "account-delete": Account, "app-password-new": Account,
    "app-password-revoke": Account, "alias": Address, "alias-delete": Address, "issuer": Issuer,
    "issuer-delete": Issuer, "recipient": Recipient, "route": Route, "route-delete": Route,
    "route-pooled": Source, "route-unpool": Source, "report-dmarc": DmarcReport, "report-tls": TlsReport,
    "administrator": Administrator, "administrator-delete": Administrator, "tenant": Tenant,
    "tenant-delete": Tenant, "token-revoke": ApiToken, "policy-remove": DnsList,
    "certificate-remove": Certificate, "mail-root-remove": Root,
    "webhook": Webhook, "webhook-act": Webhook, "domain-records": Domain,
    "domain-zone": Domain, "domain-sts": Domain, "recipient-content": Recipient, "trace-one": TraceEvent,
    "trace-text": TraceEvent, "trace-share": TraceEvent, "job": Job, "job-state": Job, "account-rename": Account,
    "access-remove": AccessRule, "account-sign-out": Account, "accounts-import-one": Job,
    "account-undelete": Account, "own-app-revoke": AppPassword, "own-address-delete": Address,
    "key": Key, "key-act": Key, "key-public": Key, "key-private": Key, "key-request": Request,
    "key-request-discard": Request, "domain-private": Domain, "domain-private-step": Domain,
    "account-private": Account, "account-private-step": Account,
}  # fmt: skip
#: What else stands in pages' addresses.
KINDS = {"what": "list", "step": "make"}
#: What a row is named by where it is not its key: in pages, and in the API by basename.
NAMED = {TraceEvent: "trace_id", StsOffer: "domain_id"}
NAMED_IN_API: dict[str, tuple[type[Model], str]] = {
    "domain-record": (Domain, "name"),
    "mta-sts-policy": (StsOffer, "domain.name"),
    "message": (TraceEvent, "trace_id"),
    "forwarding": (Account, "pk"),
    "vacation": (Account, "pk"),
    "removed-message": (Account, "pk"),
    "shared-folder": (Account, "pk"),
    "export": (Account, "pk"),
    "recovery-address": (Account, "pk"),
    "private-mail": (Account, "pk"),
    "domain-private-mail": (Domain, "pk"),
    "key-directory": (Domain, "pk"),
}
#: Owners have these of their own account; of those of others the verb asks for more.
ASKS_MORE = {
    ("vacation", "PATCH"): Right.MANAGE, ("removed-message", "GET"): Right.MANAGE,
    ("shared-folder", "GET"): Right.MANAGE, ("shared-folder", "PUT"): Right.MANAGE,
    ("removed-message", "POST"): Right.MANAGE, ("export", "POST"): Right.OPERATE,
    ("recovery-address", "GET"): Right.MANAGE, ("recovery-address", "PUT"): Right.MANAGE,
    ("private-mail", "PATCH"): Right.MANAGE, ("privacy-key", "PATCH"): Right.MANAGE,
    ("privacy-key", "POST"): Right.MANAGE, ("privacy-key", "DELETE"): Right.MANAGE,
    ("certificate-request", "POST"): Right.MANAGE, ("certificate-request", "DELETE"): Right.MANAGE,
}  # fmt: skip
#: Modules without verbs: they start something, decide who may, look by scope.visible, or begin what verbs ask for.
NO_VERBS = ("__main__", "manage", "wsgi", "scope", "finding", "timeline", "running")
#: What a user has a row of.
OWNED = (Account, AppPassword, Withheld, Forwarding, Vacation, Key, Request, PrivacyPolicy)
Rows = dict[type[Model], Model]


def rows_of(name: str, tenant: Tenant | None) -> Rows:
    """One of everything that belongs to a domain."""
    domain = actions.create_domain(OPERATOR, name, tenant)
    account = actions.create_account(OPERATOR, f"alice@{name}", "pw1")
    message = Message.objects.create(
        message_id=uuid.uuid4(), expires_at=timezone.now() + timedelta(days=5), sender=account.address, size=1,
        account_id=account.pk, prefix=b"", header=b"", blob_id=uuid.uuid4(),
    )  # fmt: skip
    now = timezone.now()
    report = {"organisation": "them", "report_id": name, "domain": name, "begins": now, "ends": now}
    mailbox = reports.set_mailbox(OPERATOR, domain, f"reports@{name}")
    assert mailbox is not None
    person = create_administrator(f"of-{domain.pk}", PASSWORD, role=Role.DOMAIN, domains=[domain])
    return {
        Administrator: person,
        ApiToken: create_token(person, "test")[0],
        Domain: domain,
        Account: account,
        Address: aliases.create_alias(OPERATOR, f"info@{name}", [account.address, "b@far.test"]),
        AppPassword: signin.create_app_password(OPERATOR, account, "phone")[0],
        Forwarding: own.forward(OPERATOR, account, [f"elsewhere@{name}"]),
        Vacation: own.change_vacation(OPERATOR, account, text="Away."),
        DkimKey: domain.dkim_keys.all()[0],
        Key: privacy.generate(OPERATOR, account, account.address),
        Request: request_certificate(OPERATOR, account, account.address, "EC P-256"),
        PrivacyPolicy: change_policy(OPERATOR, account, sign="off"),
        Directory: set_directory(OPERATOR, domain, active=True),
        InboundPolicy: policy.change_inbound(OPERATOR, domain, spf="refuse"),
        Withheld: policy.withhold(OPERATOR, ["QRESYNC"], account),
        Mailbox: mailbox,
        StsOffer: offer_sts(OPERATOR, domain, "testing"),
        Job: job_of(person),
        Recipient: Recipient.objects.create(message=message, address="x@far.test", destination="far.test"),
        DmarcReport: DmarcReport.objects.create(**report, policy="none", proven=True, trace_id=uuid.uuid4()),
        TlsReport: TlsReport.objects.create(**report, proven=True, trace_id=uuid.uuid4()),
        TraceEvent: TraceEvent.objects.create(
            at=now,
            trace_id=uuid.uuid4(),
            kind="delivered",
            service="smtp",
            recipient=account.address,
            domains=[domain.name],
        ),
    }


def job_of(person: Administrator) -> Job:
    return Job.objects.create(kind="queue", title="much", administrator=person, told={}, total=0, state=DONE)


class World:
    """A tenant with a domain, somebody else's domain, and one of each thing that is the appliance's alone."""

    def __init__(self, authority: Authority) -> None:
        self.tenant = tenants.create_tenant(OPERATOR, name="Ours")
        self.own = rows_of("own.test", self.tenant)
        self.foreign = rows_of("foreign.test", tenants.create_tenant(OPERATOR, name="Theirs"))
        domain: Any = self.own[Domain]
        self.people = {
            Role.APPLIANCE: create_administrator("root", PASSWORD),
            Role.TENANT: create_administrator("tess", PASSWORD, role=Role.TENANT, tenant=self.tenant),
            Role.DOMAIN: create_administrator("dora", PASSWORD, role=Role.DOMAIN, domains=[domain]),
            Role.HELPDESK: create_administrator("hal", PASSWORD, role=Role.HELPDESK, domains=[domain]),
            Role.USER: Administrator.objects.create(username="1@", role=Role.USER, account=self.own[Account]),
        }
        self.jobs = {role: job_of(person) for role, person in self.people.items()}
        self.tokens = {role: create_token(person, "own")[0] for role, person in self.people.items()}
        hook, _ = webhooks.create_webhook(OPERATOR, url="https://hooks.example.org/")
        stranger: Any = self.foreign[Administrator]
        alone: Rows = {
            Certificate: certificates.add_certificate(OPERATOR, *authority.for_hosts("mail.own.test")),
            Root: add_root(OPERATOR, authority.path.read_text()),
            Issuer: signin.create_issuer(OPERATOR, "https://a.test", "mail", jwks_url="https://a.test/keys"),
            Route: routes.create_route(OPERATOR, recipient="far.test", host="relay.test"),
            Source: sources.add_source(OPERATOR, pool="main", address="192.0.2.1"),
            Webhook: hook,
            Delivery: webhooks.send_test(OPERATOR, hook),
            DnsList: policy.create_dnslist(OPERATOR, "bl.example.org", "refuse"),
            TrustedNetwork: policy.trust_network(OPERATOR, "192.0.2.0/24"),
            AccessRule: security.set_access(OPERATOR, "198.51.100.0/24", "deny"),
            TrustedSealer: policy.trust_sealer(OPERATOR, "lists.example.org"),
            Suppression: suppressions.suppress(OPERATOR, "gone@far.test"),
            Tenant: Tenant.objects.get(name="Theirs"),
            UserSession: UserSession.objects.create(user=stranger, ip="192.0.2.1", session_key="x"),
            Authenticator: Authenticator.objects.create(user=stranger, type="webauthn", data={}),
        }
        self.foreign |= alone

    def row(self, role: str, model: type[Model], *, own: bool) -> Any:
        """Hers, or somebody else's. The appliance's administrator owns all, and there is nothing else."""
        if model is Job:
            return self.jobs[Role(role)] if own else self.foreign[Job]
        if own and model is Administrator and role != Role.TENANT:
            return self.people[Role(role)]
        if own and model is ApiToken and role != Role.TENANT:
            return self.tokens[Role(role)]
        if own and role != Role.APPLIANCE:
            return self.own.get(model)
        return self.foreign[model]


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One for all tests here: each undoes what it changes."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World(Authority(tmp_path_factory.mktemp("tls") / "authority.pem"))
        transaction.set_rollback(True)


def pages() -> Iterator[URLPattern]:
    for one in urls.pages:
        assert isinstance(one, URLPattern)
        if getattr(one.callback, "login_required", True):
            yield one


def attempt(client: Client, method: str, path: str) -> int:
    """The answer's status; what it changed is undone."""
    with transaction.atomic():
        status = client.generic(method, path, "{}" if path.startswith("/api/") else "", _kind(path)).status_code
        transaction.set_rollback(True)
    return status


def _kind(path: str) -> str:
    return "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"


def path_of(page: URLPattern, world: World, role: str, *, own: bool) -> str | None:
    """The page's address with keys of rows; None where there is no such row."""
    path = f"/{page.pattern}"
    rows: dict[str, Any] = {}
    for name in re.findall(r"<\w+:(\w+)>", path):
        if page.name == "block-lift":
            rows[name] = "none"
        elif name in KINDS:
            rows[name] = KINDS[name]
        else:
            model: Any = AppPassword if name == "app" else ABOUT[page.name or ""]
            row = world.row(role, model, own=own)
            if row is None:
                return None
            rows[name] = getattr(row, NAMED.get(model, "pk"))
    return re.sub(r"<\w+:(\w+)>", lambda match: str(rows[match[1]]), path)


def test_every_page_says_what_it_asks_for() -> None:
    assert [page.name for page in pages() if page.name not in PAGES] == []
    assert sorted(PAGES) == sorted({page.name for page in pages()})


def test_every_viewset_says_what_it_asks_for() -> None:
    names = [basename for _, _, basename in urls.router.registry] + ["state"]
    assert sorted({name.partition(".")[0] for name in API}) == sorted(names)
    known = {(basename, method) for _, viewset, basename in urls.router.registry for method in dir(viewset)}
    assert [name for name in API if "." in name and tuple(name.split(".")) not in known] == []


def test_every_verb_says_what_it_asks_for() -> None:
    """Whatever takes an actor first and is public is a verb, in modules that have verbs."""
    found = 0
    for info in pkgutil.walk_packages(webadmin.__path__, "webadmin."):
        if "migrations" in info.name or info.name.rpartition(".")[2] in NO_VERBS:
            continue
        module = importlib.import_module(info.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != info.name or name.startswith("_") or info.name.startswith("webadmin.audit"):
                continue
            if next(iter(inspect.signature(function).parameters), "") == "actor":
                assert hasattr(function, "right"), f"{info.name}.{name}"
                found += 1
    assert found > 50


def test_nobody_gets_to_any_page(world: World) -> None:
    for page in pages():
        path = path_of(page, world, Role.APPLIANCE, own=True)
        assert path
        for method in ("GET", "POST"):
            answer = Client().generic(method, path)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in/"), path


@pytest.mark.parametrize("role", list(Role))
def test_every_page_as_each_role(world: World, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    # Second factors are changed only by who has just told her password again.
    monkeypatch.setattr(AccountAdapter, "is_reauthentication_required", lambda *_, **__: False)
    client = Client(raise_request_exception=False)
    client.force_login(world.people[role])
    for page in pages():
        if page.name == "sessions-end":
            continue
        for method in ("GET", "POST"):
            allowed = PAGES[page.name or ""].asks(method) in RIGHTS[role]
            if path := path_of(page, world, role, own=True):
                status = attempt(client, method, path)
                missing = page.name == "block-lift" and method == "POST"
                # Of a second factor that she does not have there is nothing to show.
                empty = method == "POST" or (page.name or "").startswith("mfa_")
                expected = {404} if missing else {200, 204, 302, 405} | ({404} if empty else set())
                # To look at keys is helpdesk's, too; to change them asks for more.
                expected |= {403} if role == Role.HELPDESK and (page.name or "").startswith("key") else set()
                # The private half of an account's key is its owner's alone.
                owners = page.name == "key-private" and method == "POST" and role != Role.USER
                assert status in (expected if allowed and not owners else {403}), (method, path, status)
            if role != Role.APPLIANCE and page.name in ABOUT:
                path = path_of(page, world, role, own=False)
                assert path
                status = attempt(client, method, path)
                assert status in ({404, 405} if allowed else {403}), (method, path, status)


def operations(world: World, role: Role, *, own: bool) -> Iterator[tuple[str, str, str, Rule, bool]]:
    """Of the API: method, path, the model's name, what it asks for, whether it is about one row."""
    for method in ("GET", "PUT"):
        yield method, "/api/v1/state/", "state", API["state"], False
    for prefix, viewset, basename in urls.router.registry:
        for route in urls.router.get_routes(viewset):
            for method, action in urls.router.get_method_map(viewset, route.mapping).items():
                if method not in viewset.http_method_names:
                    continue
                path = route.url.format(prefix=prefix, lookup="{lookup}", trailing_slash="/").strip("^$")
                detail = "{lookup}" in path
                if detail and basename == "block":
                    path = path.replace("{lookup}", "0" * 16)
                elif detail:
                    model, name = NAMED_IN_API.get(basename) or (viewset.queryset.model, "pk")
                    row = world.row(role, model, own=own)
                    if row is None:
                        continue
                    path = path.replace("{lookup}", str(attrgetter(name)(row)))
                rule = API.get(f"{basename}.{action}") or API.get(basename, OPERATE)
                yield method.upper(), f"/api/v1/{path}", basename, rule, detail


def test_nobody_gets_anything_of_the_api(world: World) -> None:
    for method, path, *_ in operations(world, Role.APPLIANCE, own=True):
        assert attempt(APIClient(), method, path) == 401, path


@pytest.mark.parametrize("way", ["session", "token"])
@pytest.mark.parametrize("role", list(Role))
def test_every_operation_of_the_api_as_each_role(world: World, role: Role, way: str) -> None:
    client = APIClient(raise_request_exception=False)
    if way == "session":
        client.force_login(world.people[role])
    else:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token(world.people[role], 'test')[1]}")
    for method, path, basename, rule, detail in operations(world, role, own=True):
        status = attempt(client, method, path)
        if rule.asks(method) not in RIGHTS[role]:
            assert status == 403, (method, path, status)
        elif basename == "block" and detail:
            assert status == 404
        elif path == "/api/v1/inbound-policies/" and status == 403:
            # Without a domain it would be for all.
            assert role != Role.APPLIANCE
        elif role != Role.USER and ASKS_MORE.get((basename, method), Right.OWN) not in RIGHTS[role]:
            assert status in (400, 403)
        else:
            assert status in ({200} if method in SAFE else {200, 201, 204, 400}), (method, path, status)
    if role == Role.APPLIANCE:
        return
    for method, path, _, rule, detail in operations(world, role, own=False):
        if detail:
            expected = 404 if rule.asks(method) in RIGHTS[role] else 403
            assert attempt(client, method, path) == expected, (method, path)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.APPLIANCE])
def test_lists_have_nothing_of_others(world: World, role: Role) -> None:
    client, who = APIClient(), world.people[role]
    client.force_login(who)
    for method, path, _, rule, detail in operations(world, role, own=True):
        if method == "GET" and not detail and rule.look in RIGHTS[role]:
            assert b"foreign.test" not in client.get(path).content, path
    for page in pages():
        if page.name == "live":
            # It says only that there is something new.
            continue
        if PAGES[page.name or ""].look in RIGHTS[role] and (path := path_of(page, world, role, own=True)):
            assert b"foreign.test" not in client.get(path).content, path
    for model, row in world.own.items():
        if model is Job:
            continue
        mine = role != Role.USER or model in OWNED
        if model in (Administrator, ApiToken):
            mine = role == Role.TENANT
        assert visible(Actor(who), model).filter(pk=row.pk).exists() is mine, model
        assert not visible(Actor(who), model).filter(pk=world.foreign[model].pk).exists(), model


def test_a_token_may_be_less_than_its_administrator(world: World) -> None:
    domain: Any = world.own[Domain]
    ends = datetime.now(UTC) + timedelta(days=1)
    narrow, text = create_token(
        world.people[Role.APPLIANCE], "n", ends, rights=["look", "manage", "operate"], domains=[domain],
        networks=["127.0.0.1"],
    )  # fmt: skip
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert [one["name"] for one in client.get("/api/v1/domains/").json()["results"]] == ["own.test"]
    assert client.get("/api/v1/routes/").status_code == 403
    assert client.post("/api/v1/aliases/", {"address": "a@own.test", "targets": ["b@b.test"]}).status_code == 201
    elsewhere = {"address": "a@foreign.test", "targets": ["b@b.test"]}
    assert client.post("/api/v1/aliases/", elsewhere).status_code == 400
    assert client.post("/api/v1/domains/", {"name": "new.test"}).status_code == 403
    assert client.get("/api/v1/domains/", REMOTE_ADDR="192.0.2.9").status_code == 401
    # The only domain that it was for goes: nothing is left to it, rather than everything.
    narrow.domains.clear()
    assert client.get("/api/v1/domains/").json()["results"] == []
    ApiToken.objects.filter(pk=narrow.pk).update(expires_at=datetime.now(UTC))
    assert client.get("/api/v1/domains/").status_code == 401


def test_rows_of_others_cannot_be_named(world: World) -> None:
    client = APIClient()
    client.force_login(world.people[Role.DOMAIN])
    foreign: Any = world.foreign[Account]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("app-passwords", {"account": foreign.pk, "label": "x"}),
        ("accounts", {"address": "x@foreign.test", "password": "pw1"}),
        ("aliases", {"address": "x@own.test", "targets": ["a@b.test"], "posters": ["alice@foreign.test"]}),
        ("dkim-keys/prepare", {"domain": "foreign.test"}),
        ("report-mailboxes", {"domain": "own.test", "address": "x@foreign.test"}),
        ("withheld-capabilities", {"account": "alice@foreign.test", "capabilities": ["QRESYNC"]}),
    ]
    for path, body in asked:
        assert client.post(f"/api/v1/{path}/", body, format="json").status_code == 400, path
    own: Any = world.own[Domain]
    changes: dict[str, Any] = {"alias_of": "foreign.test", "tenant": "Theirs", "sending_messages": 5000}
    for name, value in changes.items():
        assert client.patch(f"/api/v1/domains/{own.pk}/", {name: value}, format="json").status_code == 400, name
    # What is for all is not hers either.
    assert client.post("/api/v1/inbound-policies/", {"spf": "refuse"}, format="json").status_code == 403
    verb = client.post("/api/v1/queue/act/", {"verb": "cancel", "sender": "alice@foreign.test"}, format="json")
    assert verb.json() == {"recipients": 0}
    assert Entry.objects.filter(administrator=world.people[Role.DOMAIN]).count() == 0
