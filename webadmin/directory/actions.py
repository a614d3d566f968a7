"""The verbs of the directory, called by pages, API and command line alike: one transaction each, with its entry.

A verb takes the actor first, checks everything that it is told, and raises ValidationError with one message per
field (or under "__all__") that says what to do.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from mailservices.mail import passwords, scram
from mailservices.mail.address import Address as MailAddress
from mailservices.mail.address import display_domain, normal_domain, parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import CATCH_ALL, FIRST_FOLDERS, WILDCARD, Posting
from webadmin.audit.changes import change, create
from webadmin.audit.record import OPERATOR, Actor, record
from webadmin.directory.models import Account, Address, Administrator, ApiToken, Domain, Poster, SendAs, Target
from webadmin.mailstore.models import Mailbox, Subscription, Usage
from webadmin.signing.actions import first_keys

#: Where one alias may lead at most.
TARGETS = 1000
#: The name of a disposable address: 50 random bits.
DISPOSABLE_LETTERS = 10
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
    domain = create(Domain, name=normal)
    first_keys(domain)
    record(actor, "create domain", normal)
    return domain


#: What `change_domain` may be told.
SENDING = ("sending_messages", "sending_recipients", "sending_newcomers")
DOMAIN_CHANGES = frozenset({"active", "alias_of", "detail_folders", *SENDING})


@transaction.atomic
def change_domain(actor: Actor, domain: Domain, **changes: Any) -> Domain:
    """Switch a domain off (its mail is refused, nobody of it can sign in) or on, or let it lead to another.

    Changes: active, alias_of (a domain, or None), detail_folders, and the limits of SENDING.
    """
    unknown = changes.keys() - DOMAIN_CHANGES
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    for name in SENDING:
        if not 0 < changes.get(name, 1) < 2**31:
            raise ValidationError({name: "A limit is a positive number."})
    if other := changes.get("alias_of"):
        _refuse_alias_domain(domain, other)
    return change(actor, "change domain", domain, changes)


def _refuse_alias_domain(domain: Domain, other: Domain) -> None:
    if other.pk == domain.pk or other.alias_of_id is not None:
        raise ValidationError({"alias_of": f"{other.name} leads to a domain itself: name that one."})
    if domain.addresses.exists():
        raise ValidationError({"alias_of": f"{domain.name} has addresses of its own: delete them first."})
    if domain.alias_domains.exists():
        raise ValidationError({"alias_of": f"Other domains lead to {domain.name}: change them first."})


@transaction.atomic
def delete_domain(actor: Actor, domain: Domain) -> None:
    """Remove a domain that has no accounts and no aliases any more."""
    if Account.objects.filter(domain=domain, deleted_at__isnull=True).exists():
        raise ValidationError(f"{domain.name} still has accounts: delete them first.")
    if domain.addresses.exists():
        raise ValidationError(f"{domain.name} still has aliases: delete them first.")
    if domain.alias_domains.exists():
        raise ValidationError(f"Other domains lead to {domain.name}: change them first.")
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
    if local == CATCH_ALL or WILDCARD in local:
        raise ValidationError({"address": "An account needs a name before the @, and no asterisk."})
    _refuse_taken(domain, local)
    whole = f"{local}@{domain.name}"
    account = create(
        Account,
        domain=domain,
        address=whole,
        display_name=display_name.strip(),
        password=_hash(password),
        scram=_scram(whole, password),
        quota_bytes=_quota(quota_bytes),
    )
    create(Address, domain=domain, local_part=local, account=account)
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
        account.password, account.scram = _hash(password), _scram(account.address, password)
        account.save(update_fields=["password", "scram"])
        record(actor, "change password", account.address)
    return change(actor, "change account", account, changes)


@transaction.atomic
def lend_addresses(actor: Actor, account: Account, addresses: Iterable[str]) -> Account:
    """Let the account send as exactly these addresses of ours and its own; @example.org is all of a domain's."""
    wanted = set()
    for text in addresses:
        domain, local = _local_address(text, "send_as")
        wanted.add(f"{local}@{domain.name}")
    before = sorted(account.send_as.values_list("address", flat=True))
    account.send_as.exclude(address__in=wanted).delete()
    for address in wanted.difference(before):
        SendAs.objects.create(account=account, address=address)
    if before != sorted(wanted):
        record(actor, "lend addresses", account.address, {"send_as": before}, {"send_as": sorted(wanted)})
    return account


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


def _scram(address: str, password: str) -> bytes | None:
    """By which SCRAM checks the same password; None for one that it cannot carry."""
    return scram.seal(settings.CONFIG.sealing_key, scram.derive(password), scram.account_context(address))


def _quota(octets: int | None) -> int | None:
    if octets is not None and not 0 < octets < 2**62:
        raise ValidationError({"quota_bytes": "A quota is a positive number of octets, or nothing for no limit."})
    return octets


# Aliases


@transaction.atomic
def create_alias(actor: Actor, address: str, targets: Iterable[str], **more: Any) -> Address:
    """An address that leads to others, here or elsewhere.

    @example.org takes what no other address takes, shop-*@example.org whatever begins with shop-.

    More: see `change_alias`.
    """
    domain, local = _local_address(address, "address")
    if WILDCARD in local.removesuffix(WILDCARD):
        raise ValidationError({"address": "An asterisk stands at the end of the name only."})
    _refuse_taken(domain, local)
    leads_to = _targets(targets)
    alias = create(Address, domain=domain, local_part=local)
    Target.objects.bulk_create(Target(alias=alias, address=target) for target in leads_to)
    record(actor, "create alias", str(alias), after={"targets": leads_to})
    return change_alias(actor, alias, **more) if more else alias


#: What `change_alias` may be told, beside the targets and the posters.
ALIAS_CHANGES = frozenset({"note", "expires_at", "posting"})


@transaction.atomic
def change_alias(
    actor: Actor,
    alias: Address,
    targets: Iterable[str] | None = None,
    posters: Iterable[str] | None = None,
    **changes: Any,
) -> Address:
    """Let the alias lead to exactly these addresses, and exactly these accounts write to it if posting is "named".

    Changes: note, expires_at (or None), posting (everyone, domain, members or named).
    """
    unknown = changes.keys() - ALIAS_CHANGES
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    if changes.get("posting", Posting.EVERYONE) not in list(Posting):
        raise ValidationError({"posting": f"Posting is one of {', '.join(Posting)}."})
    if targets is not None:
        _replace(actor, alias, Target, "targets", _targets(targets))
    if posters is not None:
        _replace(actor, alias, Poster, "posters", sorted({_poster(text) for text in posters}))
    return change(actor, "change alias", alias, changes)


def _replace(
    actor: Actor, alias: Address, model: type[Target] | type[Poster], name: str, wanted: list[str]
) -> None:
    """Let these be the alias's targets or posters, and no others."""
    rows = model.objects.filter(alias=alias)
    before = sorted(rows.values_list("address", flat=True))
    rows.exclude(address__in=wanted).delete()
    for address in wanted:
        if address not in before:
            model.objects.create(alias=alias, address=address)
    if before != wanted:
        record(actor, "change alias", str(alias), {name: before}, {name: wanted})


def _poster(text: str) -> str:
    """The account of an address, in normal form."""
    address = _address(text, "posters")
    account = Account.objects.filter(address=f"{address.key}@{address.domain}", deleted_at__isnull=True).first()
    if account is None:
        raise ValidationError({"posters": f"{text.strip()} is no account of this appliance."})
    return account.address


@transaction.atomic
def create_disposable(actor: Actor, account: Account, note: str, expires_at: datetime | None = None) -> Address:
    """An alias of the account with a name that nobody guesses: to give away, and to delete when it is misused."""
    name = "".join(secrets.choice(passwords.LETTERS) for _ in range(DISPOSABLE_LETTERS))
    address = f"{name}@{account.domain.name}"
    return create_alias(actor, address, [account.address], note=note.strip(), expires_at=expires_at)


def disposable_of(account: Account) -> QuerySet[Address]:
    """The account's disposable addresses: its aliases that have such a name."""
    found = Address.objects.filter(account__isnull=True, targets__address=account.address)
    return found.filter(local_part__regex=rf"^[{passwords.LETTERS}]{{{DISPOSABLE_LETTERS}}}$").select_related(
        "domain"
    )


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
    if domain.alias_of:
        raise ValidationError({field: f"{domain.name} leads to {domain.alias_of.name}: create it there."})
    return domain, local


def _refuse_taken(domain: Domain, local: str) -> None:
    if Address.objects.filter(domain=domain, local_part=local).exists():
        raise ValidationError({"address": f"{local}@{domain.name} is taken."})
