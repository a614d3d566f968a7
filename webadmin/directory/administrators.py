"""The verbs of administrators and their API tokens; as in actions.py.

Nobody gives away more than she has: a tenant's administrator makes others of her tenant and its domains.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from webadmin.audit.record import OPERATOR, Actor, record
from webadmin.directory.models import Administrator, ApiToken, Domain, Role, Tenant
from webadmin.directory.networks import checked
from webadmin.scope import RIGHTS, Right, must, reaches_all, rights, verb, visible

TOKEN_PREFIX = "fct_"  # noqa: S105 - not a secret: lets secret scanners know one when they see it
#: Tokens of one administrator.
TOKENS = 50
#: Who is what she is by a verb; users are by their accounts.
ROLES = tuple(role for role in Role if role is not Role.USER)
_NAME = re.compile(r"[\w][\w.+-]{0,149}")


@transaction.atomic
def create_administrator(
    username: str,
    password: str,
    actor: Actor = OPERATOR,
    *,
    role: str = Role.APPLIANCE,
    tenant: Tenant | None = None,
    domains: Iterable[Domain] = (),
    email: str = "",
) -> Administrator:
    """Somebody who may sign in: of the whole appliance, of a tenant, or of these domains.

    Args:
        domains: of a domain administrator; of helpdesk, where no tenant is named.
        email: by which an identity provider knows her; empty: she signs in here.
    """
    must(actor, Right.DELEGATE)
    username = username.strip()
    if not _NAME.fullmatch(username):
        raise ValidationError(
            {"username": gettext("Letters, digits and . + - _ only: names with an @ are accounts'.")}
        )
    if Administrator.objects.filter(username=username).exists():
        raise ValidationError({"username": gettext("There is an administrator of that name already.")})
    given = list(domains)
    _check_reach(actor, role, tenant, given)
    administrator = Administrator(username=username, role=role, tenant=tenant, email=_email(email))
    administrator.is_superuser = role == Role.APPLIANCE
    _check_password(password, administrator)
    administrator.set_password(password)
    administrator.save()
    administrator.domains.set(given)
    record(actor, "create administrator", username, after=_told(administrator))
    return administrator


@verb(Right.DELEGATE)
def change_administrator(
    actor: Actor,
    administrator: Administrator,
    *,
    password: str | None = None,
    domains: Iterable[Domain] | None = None,
    **changes: Any,
) -> Administrator:
    """Change role, tenant, domains, email or is_active; the password where one is given, which ends her sessions.

    Nobody changes herself here, nor whom she could not have made.
    """
    unknown = changes.keys() - {"role", "tenant", "email", "is_active"}
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    _refuse_higher(actor, administrator)
    before = _told(administrator)
    given = list(administrator.domains.all() if domains is None else domains)
    wanted = {name: getattr(administrator, name) for name in ("role", "tenant", "email", "is_active")} | changes
    _check_reach(actor, wanted["role"], wanted["tenant"], given)
    for name, value in wanted.items():
        setattr(administrator, name, value)
    administrator.email = _email(wanted["email"], administrator)
    administrator.is_superuser = administrator.role == Role.APPLIANCE
    if password:
        _check_password(password, administrator)
        administrator.set_password(password)
        record(actor, "set administrator's password", administrator.username)
    administrator.save()
    administrator.domains.set(given)
    if before != (after := _told(administrator)):
        differing = [name for name in before if before[name] != after[name]]
        record(
            actor,
            "change administrator",
            administrator.username,
            {name: before[name] for name in differing},
            {name: after[name] for name in differing},
        )
    return administrator


@verb(Right.DELEGATE)
def delete_administrator(actor: Actor, administrator: Administrator) -> None:
    """She can do nothing any more, and neither can her tokens; what she did stays in the audit."""
    _refuse_higher(actor, administrator)
    record(actor, "delete administrator", administrator.username, before=_told(administrator))
    administrator.delete()


def _refuse_higher(actor: Actor, administrator: Administrator) -> None:
    if actor.administrator is not None and administrator.pk == actor.administrator.pk:
        raise ValidationError(gettext("That is you: let another administrator do it."))
    if administrator.role == Role.USER:
        raise ValidationError(gettext("A user is what her account is: change that."))
    if not RIGHTS[administrator.role] <= rights(actor):
        raise PermissionDenied(gettext("She may do more than you."))


def _check_reach(actor: Actor, role: str, tenant: Tenant | None, domains: list[Domain]) -> None:
    """The role has what belongs to it, and nothing that the actor does not have."""
    if role not in ROLES:
        raise ValidationError({"role": gettext("Choose one of {listed}.").format(listed=", ".join(ROLES))})
    if not RIGHTS[role] <= rights(actor):
        raise ValidationError({"role": gettext("That is more than you may do yourself.")})
    if role == Role.TENANT and tenant is None:
        raise ValidationError({"tenant": gettext("Say which tenant's.")})
    if role not in (Role.TENANT, Role.HELPDESK) and tenant is not None:
        raise ValidationError({"tenant": gettext("Only tenant administrators, and helpdesk, are a tenant's.")})
    if domains and (role in (Role.APPLIANCE, Role.TENANT) or tenant is not None):
        raise ValidationError(
            {"domains": gettext("Name no domains: she has all of the tenant, or of the appliance.")}
        )
    if role in (Role.DOMAIN, Role.HELPDESK) and not domains and tenant is None:
        raise ValidationError({"domains": gettext("Name at least one domain.")})
    if reaches_all(actor):
        return
    if tenant is not None and not visible(actor, Tenant).filter(pk=tenant.pk).exists():
        raise ValidationError({"tenant": gettext("There is no such tenant.")})
    if visible(actor, Domain).filter(pk__in=[one.pk for one in domains]).count() != len(domains):
        raise ValidationError({"domains": gettext("There is no such domain.")})


def _check_password(password: str, administrator: Administrator) -> None:
    try:
        validate_password(password, administrator)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error


def _email(text: str, own: Administrator | None = None) -> str:
    email = text.strip().lower()
    taken = Administrator.objects.filter(email=email).exclude(pk=own.pk if own else 0)
    if email and ("@" not in email or taken.exists()):
        raise ValidationError({"email": gettext("An address that no other administrator has.")})
    return email


def _told(administrator: Administrator) -> dict[str, Any]:
    """What the audit tells of one."""
    names = sorted(administrator.domains.values_list("name", flat=True)) if administrator.pk else []
    return {
        "role": str(administrator.role),
        "tenant": str(administrator.tenant) if administrator.tenant else None,
        "domains": names,
        "email": administrator.email,
        "is_active": administrator.is_active,
    }


# Tokens


@transaction.atomic
def create_token(
    administrator: Administrator,
    label: str,
    expires_at: datetime | None = None,
    actor: Actor = OPERATOR,
    *,
    rights: Iterable[str] = (),
    domains: Iterable[Domain] = (),
    networks: Iterable[str] = (),
) -> tuple[ApiToken, str]:
    """A bearer token for the API, and its text, which cannot be had again.

    Args:
        rights: what it may do at most; none: whatever its administrator may.
        domains: where at most; none: wherever its administrator may.
        networks: from which it is good; none: from anywhere.
    """
    must(actor, Right.OWN, administrator)
    if actor.token is not None:
        raise PermissionDenied(gettext("Tokens are made by people who have signed in, not by other tokens."))
    label = label.strip()
    if not label:
        raise ValidationError({"label": gettext("A label tells what it is for.")})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": gettext("That is past.")})
    if Administrator.objects.select_for_update().get(pk=administrator.pk).tokens.count() >= TOKENS:
        raise ValidationError(
            gettext("An administrator has at most {tokens} tokens: revoke some.").format(tokens=TOKENS)
        )
    given, words = list(domains), [str(Right(word)) for word in _known(rights)]
    reached = visible(Actor(administrator), Domain).filter(pk__in=[one.pk for one in given])
    if reached.count() != len(given):
        raise ValidationError({"domains": gettext("There is no such domain.")})
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        administrator=administrator, label=label, prefix=text[:12], digest=digest(text), expires_at=expires_at,
        rights=words, narrowed=bool(given), networks=checked(networks),
    )  # fmt: skip
    token.domains.set(given)
    after = {"rights": words, "domains": [one.name for one in given], "networks": token.networks}
    record(actor, "create API token", f"{administrator}: {label}", after=after)
    return token, text


@verb(Right.OWN)
def revoke_token(actor: Actor, token: ApiToken) -> None:
    """It is good for nothing any more."""
    record(actor, "revoke API token", f"{token.administrator}: {token.label}")
    token.delete()


def _known(words: Iterable[str]) -> list[str]:
    found = sorted(set(words))
    if set(found) - set(Right):
        raise ValidationError({"rights": gettext("Choose from {listed}.").format(listed=", ".join(Right))})
    return found


def digest(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()
