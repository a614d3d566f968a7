"""Folders that an account shares, and what others share with it (IMAP ACL, RFC 4314): to look at."""

from dataclasses import dataclass

from django.db.models import QuerySet

from webadmin.directory.models import Account
from webadmin.mailstore.models import Acl, Mailbox

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
