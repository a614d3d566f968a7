"""Folders that an account shares, and what others share with it (IMAP ACL, RFC 4314)."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext

from mailservices.mail import rights
from mailservices.mail.errors import ProtocolError
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account
from webadmin.mailstore.models import Acl, Mailbox
from webadmin.scope import Right, own_or, verb

#: Stands for every account of the domain.
ANYONE = 0

#: What pages offer, by name: letters of RFC 4314 §2.1. Whoever has all may make folders below it and remove it.
LEVELS = {"read": "lrs", "write": "lrswite", "all": "lrswikxte"}
#: Rights of one account that are shown.
ROWS = 100


@dataclass(frozen=True, slots=True)
class Shared:
    """One folder, and what somebody may do with it."""

    #: Whose page leads further; None: everybody of the domain.
    account: Account | None
    folder: str
    #: Letters of RFC 4314 §2.1.
    rights: str


def rights_on(account: Account) -> list[Shared]:
    """Who may do what with its folders."""
    return _shared(Acl.objects.filter(account_id=account.pk), "grantee_id")


def rights_of(account: Account) -> list[Shared]:
    """What it may do with the folders of others."""
    return _shared(Acl.objects.filter(grantee_id=account.pk), "account_id")


def _shared(found: QuerySet[Acl], other: str) -> list[Shared]:
    rows = list(found.order_by("account_id", "mailbox_id", "grantee_id")[:ROWS])
    if not rows:
        return []
    accounts = Account.objects.in_bulk({getattr(row, other) for row in rows})
    names = Mailbox.objects.filter(
        account_id__in={row.account_id for row in rows}, mailbox_id__in={row.mailbox_id for row in rows}
    )
    folders = {(one.account_id, one.mailbox_id): one.name for one in names}
    return [
        Shared(accounts.get(getattr(row, other)), folders[row.account_id, row.mailbox_id], row.rights)
        for row in rows
        if (row.account_id, row.mailbox_id) in folders
    ]


@verb(Right.OWN)
def share(actor: Actor, account: Account, folder: str, grantee: str, letters: str) -> None:
    """Let somebody of the domain (empty: everybody) do this with a folder of the account; no letters: nothing."""
    own_or(actor, account, Right.MANAGE)
    box = Mailbox.objects.select_for_update().filter(account=account, name=folder).first()
    if box is None:
        raise ValidationError({"folder": gettext("There is no folder {folder}.").format(folder=folder)})
    wanted, grantee_id = _rights(letters), _grantee(account, grantee)
    found = Acl.objects.filter(account_id=account.pk, mailbox_id=box.mailbox_id, grantee_id=grantee_id)
    before = "".join(found.values_list("rights", flat=True))
    if wanted == before:
        return
    if not wanted:
        found.delete()
    elif before:
        found.update(rights=wanted)
    else:
        Acl.objects.create(account_id=account.pk, mailbox_id=box.mailbox_id, grantee_id=grantee_id, rights=wanted)
    whom = grantee or "everybody"
    record(actor, "share folder", account.address, {folder: {whom: before}}, {folder: {whom: wanted}})


def _rights(letters: str) -> str:
    """In order. That mail is sent to a folder is not given."""
    words = gettext("Rights are letters of {letters}.").format(letters=rights.OWNER)
    try:
        wanted = rights.parse(letters)
    except ProtocolError as error:
        raise ValidationError({"rights": words}) from error
    if set(wanted) - set(rights.OWNER):
        raise ValidationError({"rights": words})
    return wanted


def _grantee(account: Account, address: str) -> int:
    """As the mail servers have it: an account of the owner's domain, or ANYONE."""
    if not address:
        return ANYONE
    others = Account.objects.filter(domain=account.domain_id, deleted_at__isnull=True).exclude(pk=account.pk)
    found = others.filter(address=address.strip().lower()).values_list("pk", flat=True).first()
    if found is None:
        raise ValidationError(
            {"grantee": gettext("Folders are shared with other accounts of the same domain, or with all of them.")}
        )
    return found
