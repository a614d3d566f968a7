"""The verbs of owners, for their own accounts, and of administrators for those of others; as in actions.py."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail.vacation import DAYS_MOST
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.aliases import target_addresses
from webadmin.directory.models import Account
from webadmin.own.models import TARGETS, TEXT, Answered, Forwarding, Vacation
from webadmin.scope import Right, own_or, verb

#: What `change_vacation` may be told.
VACATION = ("active", "begins_at", "ends_at", "subject", "text", "days")


def forwarding_of(account: Account) -> Forwarding:
    """Where its mail goes on to; it need not be a row."""
    return Forwarding.objects.filter(account=account).first() or Forwarding(account=account, targets=[])


def vacation_of(account: Account) -> Vacation:
    """What is answered; it need not be a row."""
    return Vacation.objects.filter(account=account).first() or Vacation(account=account, text="")


@verb(Right.OWN)
def forward(actor: Actor, account: Account, targets: Iterable[str], *, keep: bool = True) -> Forwarding:
    """Send the account's mail on to these addresses; to none: all of it stays here.

    Args:
        keep: a copy stays in the account.
    """
    own_or(actor, account, Right.MANAGE)
    # Two requests side by side wait for each other here.
    Account.objects.select_for_update().get(pk=account.pk)
    now = forwarding_of(account)
    wanted = _targets(account, targets)
    before, after = ({"targets": one, "keep": kept} for one, kept in ((now.targets, now.keep), (wanted, keep)))
    if not wanted:
        after["keep"] = keep = True
    if before == after:
        return now
    Forwarding.objects.filter(account=account).delete()
    row = create(Forwarding, account=account, targets=wanted, keep=keep) if wanted else forwarding_of(account)
    record(actor, "forward mail", account.address, before, after)
    return row


def _targets(account: Account, texts: Iterable[str]) -> list[str]:
    texts = [text for text in texts if text.strip()]
    wanted = target_addresses(texts) if texts else []
    if len(wanted) > TARGETS:
        raise ValidationError(
            {"targets": gettext("Mail is forwarded to at most {targets} addresses.").format(targets=TARGETS)}
        )
    own = {str(one) for one in account.addresses.select_related("domain")} | {account.address}
    if own.intersection(wanted):
        raise ValidationError({"targets": gettext("That is the account itself: keep a copy instead.")})
    return wanted


@verb(Right.OWN)
def change_vacation(actor: Actor, account: Account, **changes: Any) -> Vacation:
    """Answer for whoever is away. What is not named stays as it is.

    Changes: those of VACATION. Switched on anew, it answers everybody again.
    """
    own_or(actor, account, Right.MANAGE)
    unknown = changes.keys() - set(VACATION)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    Account.objects.select_for_update().get(pk=account.pk)
    row = vacation_of(account)
    was_active = row.active
    told = {name: getattr(row, name) for name in VACATION} | changes
    for name in ("subject", "text"):
        told[name] = told[name].strip()
        if name in changes:
            changes[name] = told[name]
    _check(told)
    if row._state.adding:  # noqa: SLF001 - Django's public name for it
        row = create(Vacation, account=account, text=told["text"])
    changed = change(actor, "change vacation", row, changes)
    if changed.active and not was_active:
        Answered.objects.filter(account=account).delete()
    return changed


def _check(told: dict[str, Any]) -> None:
    wrong = {}
    if not told["text"]:
        wrong["text"] = gettext("Say what is answered.")
    elif len(told["text"]) > TEXT:
        wrong["text"] = gettext("That is too long.")
    if "\n" in told["subject"] or "\r" in told["subject"]:
        wrong["subject"] = gettext("A subject is one line.")
    if any("\0" in told[name] for name in ("subject", "text")):
        wrong["text"] = gettext("There is a character in it that no text has.")
    if not 1 <= told["days"] <= DAYS_MOST:
        wrong["days"] = gettext("From 1 to {days_most} days.").format(days_most=DAYS_MOST)
    if told["begins_at"] and told["ends_at"] and told["ends_at"] <= told["begins_at"]:
        wrong["ends_at"] = gettext("It ends before it begins.")
    if wrong:
        raise ValidationError(wrong)
