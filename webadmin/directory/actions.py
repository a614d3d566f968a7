"""The verbs of the directory, called by pages, API and command line alike: one transaction each, with its entry.

A verb takes the actor first, checks everything that it is told, and raises ValidationError with one message per
field (or under "__all__") that says what to do.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.db.models.functions import Now

from mailservices.mail import passwords
from mailservices.mail.address import Address as MailAddress
from mailservices.mail.address import display_domain, normal_domain, parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import CATCH_ALL, FIRST_FOLDERS
from webadmin.audit.record import OPERATOR, Actor, record
from webadmin.directory.models import Account, Address, Administrator, ApiToken, Domain, Target
from webadmin.mailstore.models import Mailbox, Subscription, Usage

Row = TypeVar("Row", bound=Model)

#: Where one alias may lead at most.
TARGETS = 1000
TOKEN_PREFIX = "fct_"  # noqa: S105 - not a secret: lets secret scanners know one when they see it


# Administrators and tokens


@transaction.atomic
def create_administrator(username: str, password: str, actor: Actor = OPERATOR) -> Administrator:
    """An administrator of the whole appliance."""
    administrator = Administrator(username=username, is_superuser=True)
    validate_password(password, administrator)
    administrator.set_password(password)
    administrator.full_clean(exclude=["password"])
    administrator.save()
    record(actor, "create administrator", username)
    return administrator


@transaction.atomic
def create_token(
    administrator: Administrator, label: str, expires_at: datetime | None = None, actor: Actor = OPERATOR
) -> tuple[ApiToken, str]:
    """A bearer token for the API, and its text, which cannot be had again."""
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        administrator=administrator, label=label, prefix=text[:12], digest=digest(text), expires_at=expires_at
    )
    record(actor, "create API token", f"{administrator.username}: {label}")
    return token, text


def digest(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


# Domains


@transaction.atomic
def create_domain(actor: Actor, name: str) -> Domain:
    """Take mail for this domain from now on."""
    normal = _domain_name(name)
    if Domain.objects.filter(name=normal).exists():
        raise ValidationError({"name": f"{normal} is here already."})
    domain = _create(Domain, name=normal)
    record(actor, "create domain", normal)
    return domain


@transaction.atomic
def change_domain(actor: Actor, domain: Domain, *, active: bool) -> Domain:
    """Switch a domain off (its mail is refused, nobody of it can sign in) or on again."""
    return _change(actor, "change domain", domain, {"active": active})


@transaction.atomic
def delete_domain(actor: Actor, domain: Domain) -> None:
    """Remove a domain that has no accounts and no aliases any more."""
    if Account.objects.filter(domain=domain, deleted_at__isnull=True).exists():
        raise ValidationError(f"{domain.name} still has accounts: delete them first.")
    if domain.addresses.exists():
        raise ValidationError(f"{domain.name} still has aliases: delete them first.")
    if Account.objects.filter(domain=domain).exists():
        raise ValidationError(
            f"{domain.name} has deleted accounts whose mail is kept for a while: try again later."
        )
    record(actor, "delete domain", domain.name)
    domain.delete()


def _domain_name(text: str) -> str:
    try:
        name = normal_domain(text.strip())
    except ProtocolError as error:
        raise ValidationError({"name": str(error)}) from error
    if "." not in name or name.startswith("["):
        raise ValidationError({"name": "A domain has at least two parts, such as example.org."})
    return name


# Accounts


@transaction.atomic
def create_account(
    actor: Actor, address: str, password: str, quota_bytes: int | None = None, display_name: str = ""
) -> Account:
    """A mailbox with its first folders. It may be used as soon as this returns."""
    domain, local = _local_address(address, "address")
    if local == CATCH_ALL:
        raise ValidationError({"address": "An account needs a name before the @."})
    _refuse_taken(domain, local)
    account = _create(
        Account,
        domain=domain,
        address=f"{local}@{domain.name}",
        display_name=display_name.strip(),
        password=_hash(password),
        quota_bytes=_quota(quota_bytes),
    )
    _create(Address, domain=domain, local_part=local, account=account)
    _make_folders(account)
    record(actor, "create account", account.address, after={"quota_bytes": quota_bytes})
    return account


def _make_folders(account: Account) -> None:
    Usage.objects.create(account=account)
    for name, role in FIRST_FOLDERS:
        Mailbox.objects.create(account=account, name=name, special_use=role or "")
        Subscription.objects.create(account=account, name=name)


#: What `change_account` may be told, beside the password.
CHANGEABLE = frozenset({"quota_bytes", "display_name", "active"})


@transaction.atomic
def change_account(actor: Actor, account: Account, *, password: str | None = None, **changes: Any) -> Account:
    """Change quota_bytes, display_name or active, and the password where one is given."""
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    if "quota_bytes" in changes:
        changes["quota_bytes"] = _quota(changes["quota_bytes"])
    if password is not None:
        account.password = _hash(password)
        account.save(update_fields=["password"])
        record(actor, "change password", account.address)
    return _change(actor, "change account", account, changes)


@transaction.atomic
def delete_account(actor: Actor, account: Account) -> None:
    """Nobody can sign in or send to it any more; maintenance removes its mail after the undelete window."""
    account.addresses.all().delete()
    account.active = False
    account.deleted_at = Now()
    account.save(update_fields=["active", "deleted_at"])
    record(actor, "delete account", account.address)


def _hash(password: str) -> str:
    if not password:
        raise ValidationError({"password": "A password is needed."})
    if len(password.encode()) > passwords.OCTETS or "\0" in password:
        raise ValidationError({"password": f"A password has at most {passwords.OCTETS} octets, none of them NUL."})
    return passwords.make(password)


def _quota(octets: int | None) -> int | None:
    if octets is not None and not 0 < octets < 2**62:
        raise ValidationError({"quota_bytes": "A quota is a positive number of octets, or nothing for no limit."})
    return octets


# Aliases


@transaction.atomic
def create_alias(actor: Actor, address: str, targets: Iterable[str]) -> Address:
    """An address that leads to others, here or elsewhere; @example.org takes what no other address takes."""
    domain, local = _local_address(address, "address")
    _refuse_taken(domain, local)
    leads_to = _targets(targets)
    alias = _create(Address, domain=domain, local_part=local)
    Target.objects.bulk_create(Target(alias=alias, address=target) for target in leads_to)
    record(actor, "create alias", str(alias), after={"targets": leads_to})
    return alias


@transaction.atomic
def change_alias(actor: Actor, alias: Address, targets: Iterable[str]) -> Address:
    """Let the alias lead to exactly these addresses."""
    wanted = _targets(targets)
    before = sorted(alias.targets.values_list("address", flat=True))
    alias.targets.exclude(address__in=wanted).delete()
    Target.objects.bulk_create(Target(alias=alias, address=target) for target in wanted if target not in before)
    if before != wanted:
        record(actor, "change alias", str(alias), {"targets": before}, {"targets": wanted})
    return alias


@transaction.atomic
def delete_alias(actor: Actor, alias: Address) -> None:
    before = sorted(alias.targets.values_list("address", flat=True))
    record(actor, "delete alias", str(alias), before={"targets": before})
    alias.delete()


def _targets(texts: Iterable[str]) -> list[str]:
    """Normal form, sorted, each once."""
    found = set()
    for text in texts:
        target = _address(text, "targets")
        found.add(
            f"{target.key if Domain.objects.filter(name=target.domain).exists() else target.local}@{target.domain}"
        )
    if not found:
        raise ValidationError({"targets": "An alias leads to at least one address."})
    if len(found) > TARGETS:
        raise ValidationError({"targets": f"An alias leads to at most {TARGETS} addresses."})
    return sorted(found)


# What the verbs share


def _address(text: str, field: str) -> MailAddress:
    try:
        return parse(text.strip())
    except ProtocolError as error:
        raise ValidationError({field: f"{text.strip() or 'Nothing'}: {error}"}) from error


def _local_address(text: str, field: str) -> tuple[Domain, str]:
    """The domain here and the local part; an empty local part is the catch-all."""
    text = text.strip()
    if text.startswith("@"):
        local, name = CATCH_ALL, _domain_name(text[1:])
    else:
        address = _address(text, field)
        local, name = address.key, address.domain
    domain = Domain.objects.filter(name=name).first()
    if domain is None:
        raise ValidationError(
            {field: f"{display_domain(name)} is not a domain of this appliance: create it first."}
        )
    return domain, local


def _refuse_taken(domain: Domain, local: str) -> None:
    if Address.objects.filter(domain=domain, local_part=local).exists():
        raise ValidationError({"address": f"{local}@{domain.name} is taken."})


def _create(model: type[Row], **values: Any) -> Row:
    """Create a row; two requests that passed the checks side by side end in a sentence, not in a 500."""
    try:
        with transaction.atomic():
            row = model(**values)
            row.save(force_insert=True)
            return row
    except IntegrityError as error:
        raise ValidationError({NON_FIELD_ERRORS: "Somebody else has just made that."}) from error


def _change(actor: Actor, verb: str, row: Row, changes: dict[str, Any]) -> Row:
    before = {name: getattr(row, name) for name in changes}
    differing: Sequence[str] = [name for name in changes if before[name] != changes[name]]
    for name in differing:
        setattr(row, name, changes[name])
    if differing:
        row.save(update_fields=differing)
        record(
            actor,
            verb,
            str(row),
            {name: before[name] for name in differing},
            {name: changes[name] for name in differing},
        )
    return row
