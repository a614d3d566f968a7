"""The verbs of an account's life: another address, back from the dead, signed out everywhere; as in actions.py."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.vocabulary import CATCH_ALL, WILDCARD
from webadmin.audit.changes import create
from webadmin.audit.record import Actor, record
from webadmin.directory import actions
from webadmin.directory.models import Account, Address, Poster, SendAs, Target
from webadmin.directory.tenants import hold_to_limits
from webadmin.own.models import Forwarding
from webadmin.scope import Right, own_or, verb, visible
from webadmin.security.sessions import end_sessions

#: For so long a deleted account can be had back: its mail is kept (mailservices/store/maintenance.py).
UNDELETE = timedelta(days=30)


@verb(Right.MANAGE)
def rename_account(actor: Actor, account: Account, address: str, *, keep: bool = True) -> Account:
    """Give the account another address, which is its name to sign in with from then on.

    Aliases, lists, lent addresses and forwardings that named the old one name the new one. Mail programs have
    to be told.

    Args:
        keep: mail to the old address still comes, by an alias; else it is refused.
    """
    domain, local = actions.local_address(actor, address, "address")
    if local == CATCH_ALL or WILDCARD in local:
        raise ValidationError({"address": gettext("An account needs a name before the @, and no asterisk.")})
    old, new = account.address, f"{local}@{domain.name}"
    if new == old:
        return account
    taken = Address.objects.filter(domain=domain, local_part=local).first()
    if taken is not None:
        if not _leads_only_to(taken, old):
            raise ValidationError({"address": gettext("{new} is taken.").format(new=new)})
        # Back to a name that it had before.
        taken.delete()
    former = account.addresses.get(domain=account.domain, local_part=old.rpartition("@")[0])
    for model, owner in ((Target, "alias_id"), (Poster, "alias_id"), (SendAs, "account_id")):
        _follow(model, owner, old, new)
    for row in Forwarding.objects.filter(targets__contains=[old]):
        row.targets = sorted({new if one == old else one for one in row.targets})
        row.save(update_fields=["targets"])
    if keep:
        former.account = None
        former.note = f"{new} had it before"[:200]
        former.save(update_fields=["account", "note"])
        Target.objects.create(alias=former, address=new)
    else:
        former.delete()
    create(Address, domain=domain, local_part=local, account=account)
    account.domain, account.address = domain, new
    # Its keys are bound to the address: they are made anew when it first signs in by its password.
    account.scram = None
    account.save(update_fields=["domain", "address", "scram"])
    hold_to_limits(domain)
    record(actor, "rename account", new, before={"address": old}, after={"address": new, "kept": keep})
    return account


def _leads_only_to(alias: Address, address: str) -> bool:
    return alias.account_id is None and list(alias.targets.values_list("address", flat=True)) == [address]


def _follow(model: type[Target | Poster | SendAs], owner: str, old: str, new: str) -> None:
    """Rows that name the old address name the new one; where both stood, one is left."""
    there = model.objects.filter(address=new).values(owner)
    model.objects.filter(address=old, **{f"{owner}__in": there}).delete()
    model.objects.filter(address=old).update(address=new)


@verb(Right.MANAGE)
def undelete_account(actor: Actor, account: Account) -> Account:
    """Let a deleted account be used again, with all its mail. Aliases that led to it are not made again."""
    if account.deleted_at is None:
        return account
    if timezone.now() - account.deleted_at > UNDELETE:
        raise ValidationError(gettext("It was deleted too long ago: its mail may be gone."))
    local = account.address.rpartition("@")[0]
    if Address.objects.filter(domain=account.domain, local_part=local).exists():
        raise ValidationError(gettext("Somebody else has {address} now.").format(address=account.address))
    create(Address, domain=account.domain, local_part=local, account=account)
    account.deleted_at, account.active = None, True
    account.save(update_fields=["deleted_at", "active"])
    hold_to_limits(account.domain)
    record(actor, "undelete account", account.address)
    return account


def deleted(who: Actor) -> QuerySet[Account]:
    """Those that can be had back, the last first."""
    found = visible(who, Account).filter(deleted_at__gt=timezone.now() - UNDELETE)
    return found.select_related("usage", "domain").order_by("-deleted_at")


@verb(Right.OWN)
def sign_out(actor: Actor, account: Account) -> None:
    """End all its sessions by IMAP, POP3 and SMTP within seconds; whoever knows a password may sign in again."""
    own_or(actor, account, Right.RESET)
    end_sessions(account)
    record(actor, "sign out everywhere", account.address)
