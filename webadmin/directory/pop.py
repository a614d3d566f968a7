"""The verbs of how POP serves an account; as in actions.py. What is changed holds from the next sign-in."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail.vocabulary import INBOX
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor
from webadmin.directory.models import POP_DAYS, POP_DELAY, Account, PopChoices
from webadmin.mailstore.models import Mailbox
from webadmin.scope import Right, verb

#: What `change_pop` may be told.
FIELDS = ("active", "folder", "newest_days", "delete_retrieved", "to_trash", "login_delay", "expire_days")


def pop_of(account: Account) -> PopChoices:
    """How the account is served now; it need not be a row."""
    return PopChoices.objects.filter(account=account).first() or PopChoices(account=account)


@verb(Right.MANAGE)
def change_pop(actor: Actor, account: Account, **changes: Any) -> PopChoices:
    """Serve the account like this. What is not named stays as it is.

    Changes: those of FIELDS.
    """
    unknown = changes.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    for name in ("newest_days", "expire_days"):
        if changes.get(name) is not None and not 1 <= changes[name] <= POP_DAYS:
            raise ValidationError(
                {name: gettext("From 1 to {pop_days} days, or nothing for no limit.").format(pop_days=POP_DAYS)}
            )
    if not 0 <= changes.get("login_delay", 0) <= POP_DELAY:
        raise ValidationError(
            {"login_delay": gettext("From 0 to {pop_delay} seconds.").format(pop_delay=POP_DELAY)}
        )
    if "folder" in changes:
        changes["folder"] = _folder(account, changes["folder"])
    row = PopChoices.objects.select_for_update().filter(account=account).first()
    if row is None:
        row = create(PopChoices, account=account)
    return change(actor, "change POP", row, changes)


def _folder(account: Account, name: str) -> str:
    name = INBOX if name.strip().upper() == INBOX else name.strip()
    if not Mailbox.objects.filter(account=account, name=name).exists():
        raise ValidationError(
            {
                "folder": gettext("{address} has no folder {what}.").format(
                    address=account.address, what=name or "without a name"
                )
            }
        )
    return name
