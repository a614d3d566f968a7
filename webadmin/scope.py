"""Who may do what, and with what: every queryset and every verb goes through here, and nothing else decides.

A role has rights. An administrator reaches all of the appliance, the domains of her tenant, or some domains; a
user reaches her own account. A token may have fewer rights and domains than whoever made it. `visible` is what
somebody reaches of a model; `verb` marks what changes something: one transaction, for those who have the right,
with nothing that they do not reach. Which right a page or an API operation asks for is said in access.py.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Func, Model, Q, QuerySet
from django.utils.translation import gettext

from webadmin.audit.models import Entry
from webadmin.audit.record import Actor
from webadmin.directory.models import Account, Address, Administrator, ApiToken, AppPassword, Domain, Role, Tenant
from webadmin.expressions import domain_of
from webadmin.jobs.models import Job
from webadmin.own.models import Forwarding, Vacation
from webadmin.policy.models import InboundPolicy, Withheld
from webadmin.privacy.models import Directory, Key, Request
from webadmin.privacy.models import Policy as PrivacyPolicy
from webadmin.queue.models import Recipient
from webadmin.records.models import LastLook, StsOffer
from webadmin.reports.models import DmarcReport, DmarcRow, Mailbox, TlsReport, TlsRow
from webadmin.security.models import SignIn
from webadmin.signing.models import DkimKey
from webadmin.trace.models import TraceEvent

Row = TypeVar("Row", bound=Model)
Verb = TypeVar("Verb", bound=Callable[..., Any])


class Right(StrEnum):
    """What one may do with what one reaches."""

    #: One's own sign-in.
    OWN = "own"
    #: Look at everything.
    LOOK = "look"
    #: Help people: new passwords, sign-outs, blocks.
    RESET = "reset"
    #: Make and change accounts, aliases and what domains wish.
    MANAGE = "manage"
    #: Make domains and further administrators.
    DELEGATE = "delegate"
    #: Everything that concerns the whole appliance.
    OPERATE = "operate"


RIGHTS: dict[str, frozenset[Right]] = {
    Role.USER: frozenset({Right.OWN}),
    Role.HELPDESK: frozenset({Right.OWN, Right.LOOK, Right.RESET}),
    Role.DOMAIN: frozenset({Right.OWN, Right.LOOK, Right.RESET, Right.MANAGE}),
    Role.TENANT: frozenset({Right.OWN, Right.LOOK, Right.RESET, Right.MANAGE, Right.DELEGATE}),
    Role.APPLIANCE: frozenset(Right),
}
#: What a token without an end of its reach is needed for.
BOUNDLESS = frozenset({Right.DELEGATE, Right.OPERATE})


def rights(actor: Actor) -> frozenset[Right]:
    """All that somebody may; the operator at the command line may everything."""
    if actor.administrator is None:
        return frozenset(Right)
    held = RIGHTS[actor.administrator.role]
    if actor.token is None:
        return held
    if actor.token.rights:
        held &= {Right(word) for word in actor.token.rights}
    return held - BOUNDLESS if actor.token.narrowed else held


def may(actor: Actor, right: Right) -> bool:
    return right in rights(actor)


def reaches_all(actor: Actor) -> bool:
    """Whether nothing of the appliance is hidden from somebody."""
    if actor.administrator is None:
        return True
    return actor.administrator.role == Role.APPLIANCE and not (actor.token and actor.token.narrowed)


def _domains(actor: Actor) -> QuerySet[Domain]:
    """Those that somebody reaches who does not reach all."""
    found = Domain.objects.order_by()
    if actor.token is not None and actor.token.narrowed:
        found = found.filter(pk__in=actor.token.domains.values("pk"))
    who = actor.administrator
    assert who is not None  # noqa: S101 - the operator reaches all
    match who.role:
        case Role.APPLIANCE:
            return found
        case Role.TENANT:
            return found.filter(tenant=who.tenant_id)
        case Role.DOMAIN:
            return found.filter(pk__in=who.domains.values("pk"))
        case Role.HELPDESK if who.tenant_id is not None:
            return found.filter(tenant=who.tenant_id)
        case Role.HELPDESK:
            return found.filter(pk__in=who.domains.values("pk"))
    return found.none()


def domain_names(actor: Actor) -> frozenset[str] | None:
    """Those of the domains that somebody reaches; None who reaches all."""
    return None if reaches_all(actor) else frozenset(_domains(actor).values_list("name", flat=True))


def _named(field: str) -> Callable[[Actor], Q]:
    """Rows that tell the name of a domain."""
    return lambda actor: Q(**{f"{field}__in": _domains(actor).values("name")})


def _of_domain(field: str) -> Callable[[Actor], Q]:
    """Rows that lead to a domain by this field."""
    return lambda actor: Q(**{f"{field}__in": _domains(actor)})


def _of_account(path: str = "") -> Callable[[Actor], Q]:
    """Rows that lead to an account: of the domains, or a user's own."""

    def chosen(actor: Actor) -> Q:
        who = actor.administrator
        if who is not None and who.role == Role.USER:
            return Q(**{f"{path}pk": who.account_id})
        return Q(**{f"{path}domain__in": _domains(actor)})

    return chosen


def _private(actor: Actor) -> Q:
    """Keys of accounts and of domains: of the domains, or a user's own account."""
    who = actor.administrator
    if who is not None and who.role == Role.USER:
        return Q(account=who.account_id)
    return Q(account__domain__in=_domains(actor)) | Q(domain__in=_domains(actor))


def _queued(actor: Actor) -> Q:
    """What accounts sent, and what came to a domain's addresses and is forwarded: each has an index of its own."""
    accounts = Account.objects.filter(domain__in=_domains(actor)).values("pk")
    sent = Recipient.objects.filter(message__account_id__in=accounts)
    forwarded = Recipient.objects.exclude(received_as="").alias(came_to=domain_of("received_as"))
    forwarded = forwarded.filter(came_to__in=_domains(actor).values("name"))
    return Q(pk__in=sent.values("pk").union(forwarded.values("pk")))


def _traced(actor: Actor) -> Q:
    return Q(domains__overlap=_domains(actor).values("name"))


def _signed_in(actor: Actor) -> Q:
    """Of accounts, and whoever tried a name of the domains."""
    return Q(name_of__in=_domains(actor).values("name"))


def _administrators(actor: Actor) -> Q:
    """Oneself; a tenant's administrator: those of the tenant and of its domains, and no more."""
    who = actor.administrator
    assert who is not None  # noqa: S101 - the operator reaches all
    own = Q(pk=who.pk)
    if who.role != Role.TENANT or (actor.token is not None and actor.token.narrowed):
        return own
    beyond = Domain.objects.exclude(tenant=who.tenant_id) | Domain.objects.filter(tenant=None)
    lower = Q(role__in=(Role.DOMAIN, Role.HELPDESK), tenant=None, domains__tenant=who.tenant_id)
    of_tenant = Administrator.objects.filter(lower).exclude(domains__in=beyond).values("pk")
    return own | Q(tenant=who.tenant_id) | Q(pk__in=of_tenant)


def _tokens(actor: Actor) -> Q:
    return Q(administrator__in=Administrator.objects.filter(_administrators(actor)).values("pk"))


def _entries(actor: Actor) -> Q:
    """What was done to the domains and their addresses, and by oneself and whom one appoints."""
    people = Administrator.objects.filter(_administrators(actor)).values("pk")
    return Q(administrator__in=people) | Q(about__in=_domains(actor).values("name"))


def _tenant(actor: Actor) -> Q:
    who = actor.administrator
    return Q(pk=who.tenant_id if who is not None and not actor.token else None)


def _own_jobs(actor: Actor) -> Q:
    return Q(administrator=actor.administrator)


#: What somebody reaches of each model who does not reach all. What is not here, only the appliance's have.
REACH: dict[type[Model], Callable[[Actor], Q]] = {
    Tenant: _tenant,
    Administrator: _administrators,
    ApiToken: _tokens,
    Domain: _of_domain("pk"),
    Account: _of_account(),
    Address: _of_domain("domain"),
    AppPassword: _of_account("account__"),
    Forwarding: _of_account("account__"),
    Vacation: _of_account("account__"),
    DkimKey: _of_domain("domain"),
    Key: _private,
    Request: _private,
    PrivacyPolicy: _private,
    Directory: _of_domain("domain"),
    InboundPolicy: _of_domain("domain"),
    Withheld: _of_account("account__"),
    Mailbox: _of_domain("domain"),
    StsOffer: _of_domain("domain"),
    LastLook: _of_domain("domain"),
    SignIn: _signed_in,
    DmarcReport: _named("domain"),
    DmarcRow: _named("report__domain"),
    TlsReport: _named("domain"),
    TlsRow: _named("report__domain"),
    Recipient: _queued,
    TraceEvent: _traced,
    Entry: _entries,
    Job: _own_jobs,
}
#: What those go by that look into addresses.
LOOKS_INTO: dict[type[Model], dict[str, Func]] = {
    SignIn: {"name_of": domain_of("name")},
    Entry: {"about": domain_of("subject")},
}


def visible(actor: Actor, model: type[Row]) -> QuerySet[Row]:
    """The rows that somebody reaches."""
    return within(actor, model._default_manager.all())  # noqa: SLF001 - Django's public name for it


def within(actor: Actor, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of them that somebody reaches."""
    if reaches_all(actor):
        return rows
    if rows.model not in REACH:
        return rows.none()
    found: QuerySet[Row] = rows.alias(**LOOKS_INTO.get(rows.model, {})).filter(REACH[rows.model](actor))
    return found


def must(actor: Actor, right: Right, *things: Any) -> None:
    """Raises PermissionDenied: the right is missing, or one of the rows among these things is beyond reach."""
    if not may(actor, right):
        raise PermissionDenied(gettext("You may not do that."))
    if reaches_all(actor):
        return
    for thing in things:
        if isinstance(thing, Model) and not visible(actor, type(thing)).filter(pk=thing.pk).exists():
            raise PermissionDenied(gettext("That is not yours."))


def own_or(actor: Actor, account: Account, right: Right) -> None:
    """Raises PermissionDenied: it is not her own account, and the right over those of others is missing."""
    who = actor.administrator
    if who is None or who.account_id != account.pk:
        must(actor, right, account)


def verb(right: Right) -> Callable[[Verb], Verb]:
    """What changes something: in one transaction, by whom has the right, with no row beyond reach.

    Its first argument is the actor. Querysets that it is told are narrowed to what is within reach.
    """

    def declare(function: Verb) -> Verb:
        @wraps(function)
        @transaction.atomic
        def carry_out(actor: Actor, *told: Any, **named: Any) -> Any:
            must(actor, right, *told, *named.values())
            narrowed = [within(actor, one) if isinstance(one, QuerySet) else one for one in told]
            return function(actor, *narrowed, **named)

        carry_out.right = right  # type: ignore[attr-defined]
        return cast("Verb", carry_out)

    return declare
