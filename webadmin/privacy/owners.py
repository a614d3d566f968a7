"""Whose keys are whose: an account's, or a domain's; and which addresses are their own."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from django.db.models import QuerySet

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from webadmin.audit.record import Actor
from webadmin.directory.models import Account, Address, Domain
from webadmin.privacy.models import Key, Request
from webadmin.scope import Right, must, own_or

Owner: TypeAlias = Account | Domain


def must_own(who: Actor, owner: Owner) -> None:
    """Raises PermissionDenied: it is not her own account, and she manages neither it nor the domain."""
    if isinstance(owner, Account):
        own_or(who, owner, Right.MANAGE)
    else:
        must(who, Right.MANAGE, owner)


def owner_of(row: Key | Request) -> Owner:
    owner = row.account or row.domain
    assert owner is not None  # noqa: S101 - the database sees to it
    return owner


def field(owner: Owner) -> dict[str, Any]:
    """By which rows lead to it."""
    return {"account": owner} if isinstance(owner, Account) else {"domain": owner}


def name(owner: Owner) -> str:
    """As entries of the audit call it."""
    return owner.address if isinstance(owner, Account) else owner.name


def keys_of(owner: Owner) -> QuerySet[Key]:
    return Key.objects.filter(**field(owner))


def own_addresses(account: Account) -> set[str]:
    """Under which its owner gets mail or may write: its own, those that lead to it, those lent to it."""
    found = Address.objects.filter(account=account) | Address.objects.filter(targets__address=account.address)
    named = {str(one) for one in found.select_related("domain").distinct()}
    lent = set(account.send_as.exclude(address__startswith="@").values_list("address", flat=True))
    return {account.address} | named | lent


def is_own(owner: Owner, one: str, among: Iterable[str] = ()) -> bool:
    """Whether an address in normal form is the account's (`among`: own_addresses), or of the domain."""
    if isinstance(owner, Account):
        return one in among
    domain = one.rpartition("@")[2]
    return domain == owner.name or owner.alias_domains.filter(name=domain).exists()


def normal(text: str) -> str:
    """An address as the directory has it.

    Raises:
        ProtocolError
    """
    parsed = address.parse(text.strip())
    if not parsed.domain:
        raise ProtocolError("The address has no domain.")
    return f"{parsed.key}@{parsed.domain}"
