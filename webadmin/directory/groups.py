"""Groups: aliases that lead to several, or that not everybody may write to. Members come and go one by one."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext

from mailservices.mail.vocabulary import WILDCARD, Posting
from webadmin.audit.record import Actor, record
from webadmin.directory.aliases import TARGETS, target_addresses
from webadmin.directory.models import Address, Target
from webadmin.scope import Right, verb


def groups_among(aliases: QuerySet[Address]) -> QuerySet[Address]:
    """Those of them that are groups, each with how many `members` it has."""
    several = Q(members__gt=1) | ~Q(posting=Posting.EVERYONE)
    found = aliases.filter(account__isnull=True).exclude(local_part="").exclude(local_part__endswith=WILDCARD)
    return found.annotate(members=Count("targets")).filter(several)


@verb(Right.MANAGE)
def add_members(actor: Actor, group: Address, addresses: Iterable[str]) -> list[str]:
    """Whom it leads to from then on, too; those that were new."""
    wanted = target_addresses(addresses)
    had = _members(group)
    new = [address for address in wanted if address not in had]
    if len(had) + len(new) > TARGETS:
        raise ValidationError(
            {"targets": gettext("An alias leads to at most {targets} addresses.").format(targets=TARGETS)}
        )
    Target.objects.bulk_create(Target(alias=group, address=address) for address in new)
    if new:
        record(actor, "add members", str(group), after={"members": new})
    return new


@verb(Right.MANAGE)
def remove_members(actor: Actor, group: Address, addresses: Iterable[str]) -> list[str]:
    """Whom it leads to no more; those that were there."""
    asked = {address.strip().lower() for address in addresses}
    had = _members(group)
    gone = [address for address in had if address.lower() in asked]
    if gone and len(gone) == len(had):
        raise ValidationError({"targets": gettext("Somebody has to be left: delete the group instead.")})
    Target.objects.filter(alias=group, address__in=gone).delete()
    if gone:
        record(actor, "remove members", str(group), before={"members": gone})
    return gone


def _members(group: Address) -> list[str]:
    """In their order. Two changes side by side wait for each other here."""
    Address.objects.select_for_update().get(pk=group.pk)
    return list(Target.objects.filter(alias=group).order_by("address").values_list("address", flat=True))
