"""The verbs of aliases, disposable addresses among them: addresses that lead to others, here or elsewhere."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext

from mailservices.mail import passwords
from mailservices.mail.vocabulary import WILDCARD, Posting
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.actions import address_of, local_address, refuse_taken
from webadmin.directory.models import Account, Address, Domain, Poster, Target
from webadmin.scope import Right, own_or, verb, visible

#: Where one alias may lead at most.
TARGETS = 1000
#: The name of a disposable address: 50 random bits.
DISPOSABLE_LETTERS = 10
#: And how many of them one account has.
DISPOSABLES = 200


@verb(Right.MANAGE)
def create_alias(actor: Actor, address: str, targets: Iterable[str], **more: Any) -> Address:
    """An address that leads to others, here or elsewhere.

    @example.org takes what no other address takes, shop-*@example.org whatever begins with shop-.

    More: see `change_alias`.
    """
    domain, local = local_address(actor, address, "address")
    if WILDCARD in local.removesuffix(WILDCARD):
        raise ValidationError({"address": gettext("An asterisk stands at the end of the name only.")})
    alias = _new_alias(actor, domain, local, target_addresses(targets))
    return change_alias(actor, alias, **more) if more else alias


def _new_alias(actor: Actor, domain: Domain, local: str, leads_to: list[str], **more: Any) -> Address:
    refuse_taken(domain, local)
    alias = create(Address, domain=domain, local_part=local, **more)
    Target.objects.bulk_create(Target(alias=alias, address=target) for target in leads_to)
    record(actor, "create alias", str(alias), after={"targets": leads_to})
    return alias


#: What `change_alias` may be told, beside the targets and the posters.
ALIAS_CHANGES = frozenset({"note", "expires_at", "posting"})


@verb(Right.MANAGE)
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
        raise ValidationError(
            {"posting": gettext("Posting is one of {listed}.").format(listed=", ".join(Posting))}
        )
    if targets is not None:
        _replace(actor, alias, Target, "targets", target_addresses(targets))
    if posters is not None:
        _replace(actor, alias, Poster, "posters", sorted({_poster(actor, text) for text in posters}))
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


def _poster(actor: Actor, text: str) -> str:
    """The account of an address, in normal form."""
    address = address_of(text, "posters")
    own = visible(actor, Account).filter(deleted_at__isnull=True)
    account = own.filter(address=f"{address.key}@{address.domain}").first()
    if account is None:
        raise ValidationError(
            {"posters": gettext("{strip} is no account of this appliance.").format(strip=text.strip())}
        )
    return account.address


@verb(Right.OWN)
def create_disposable(actor: Actor, account: Account, note: str, expires_at: datetime | None = None) -> Address:
    """An alias of the account with a name that nobody guesses: to give away, and to delete when it is misused."""
    own_or(actor, account, Right.MANAGE)
    # Two requests side by side wait for each other here.
    Account.objects.select_for_update().get(pk=account.pk)
    if disposable_of(account).count() >= DISPOSABLES:
        raise ValidationError(
            gettext("An account has at most {disposables} disposable addresses: delete some.").format(
                disposables=DISPOSABLES
            )
        )
    name = "".join(secrets.choice(passwords.LETTERS) for _ in range(DISPOSABLE_LETTERS))
    return _new_alias(
        actor,
        account.domain,
        name,
        [account.address],
        note=note.strip()[:200],
        expires_at=expires_at,
        disposable=True,
    )


@verb(Right.OWN)
def delete_disposable(actor: Actor, account: Account, alias: int) -> None:
    """Mail to this disposable address of the account is refused from then on. Raises Address.DoesNotExist."""
    own_or(actor, account, Right.MANAGE)
    _remove_alias(actor, disposable_of(account).get(pk=alias, disposable=True))


def disposable_of(account: Account) -> QuerySet[Address]:
    """The account's disposable addresses: its aliases that have such a name."""
    found = Address.objects.filter(account__isnull=True, targets__address=account.address)
    return found.filter(local_part__regex=rf"^[{passwords.LETTERS}]{{{DISPOSABLE_LETTERS}}}$").select_related(
        "domain"
    )


def aliases_of(account: Account) -> QuerySet[Address]:
    """What leads to the account, beside its own address and the disposable ones."""
    found = Address.objects.filter(account__isnull=True, targets__address=account.address)
    return found.exclude(pk__in=disposable_of(account).values("pk")).select_related("domain")


@verb(Right.MANAGE)
def delete_alias(actor: Actor, alias: Address) -> None:
    _remove_alias(actor, alias)


def _remove_alias(actor: Actor, alias: Address) -> None:
    before = sorted(alias.targets.values_list("address", flat=True))
    record(actor, "delete alias", str(alias), before={"targets": before})
    alias.delete()


def target_addresses(texts: Iterable[str]) -> list[str]:
    """Where something may lead: in normal form, sorted, each once."""
    found = set()
    for text in texts:
        target = address_of(text, "targets")
        found.add(
            f"{target.key if Domain.objects.filter(name=target.domain).exists() else target.local}@{target.domain}"
        )
    if not found:
        raise ValidationError({"targets": gettext("An alias leads to at least one address.")})
    if len(found) > TARGETS:
        raise ValidationError(
            {"targets": gettext("An alias leads to at most {targets} addresses.").format(targets=TARGETS)}
        )
    return sorted(found)
