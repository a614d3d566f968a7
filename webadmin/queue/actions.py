"""The verbs of the queue: each is one UPDATE that the next sweep of the workers sees, with its entry.

What may happen in which state is mailservices/mail/life.py's. What a worker has just now is left alone: its try is
under way, and says for itself what becomes of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from mailservices.mail.life import Happening, State, open_to
from mailservices.mail.vocabulary import HeldBy, QueueState
from mailservices.mail.webhooks import Kind
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account, Domain
from webadmin.policy.models import Notice
from webadmin.queue.models import Lane, Recipient, Route, Sending
from webadmin.scope import Right, verb
from webadmin.webhooks.actions import tell as tell_hooks

#: What a choice of recipients may name -> where it looks.
CHOICES = {
    "id": "pk",
    "ids": "pk__in",
    "message": "message_id",
    "address": "address",
    "destination": "destination",
    "state": "state",
}
#: And, each in its own way: a sender or its domain; hours since it came in; a part of a recipient or a sender.
MORE_CHOICES = frozenset({"sender", "older", "q"})
CANCELLED_WORDS = "Cancelled by the administrator"


def choose(**chosen: Any) -> QuerySet[Recipient]:
    """Recipients by any of CHOICES and MORE_CHOICES.

    Raises:
        ValidationError: nothing is named, which is hardly all that there is.
    """
    named = {name: value for name, value in chosen.items() if value not in ("", None)}
    if not {name: value for name, value in named.items() if not isinstance(value, str) or value.strip()}:
        raise ValidationError(gettext("Say which: by id, message, address, destination, sender, state, age or q."))
    return filtered(Recipient.objects.all(), **named)


def filtered(found: QuerySet[Recipient], **named: Any) -> QuerySet[Recipient]:
    """Those of them that the choice names; it may name nothing."""
    unknown = named.keys() - CHOICES.keys() - MORE_CHOICES
    if unknown:
        raise TypeError(f"not a choice: {', '.join(sorted(unknown))}")
    found = found.filter(**{CHOICES[name]: value for name, value in named.items() if name in CHOICES})
    # All text is found by one index, over the addresses of a message; then it is asked whose it is.
    for name in ("address", "destination"):
        if name in named:
            found = found.filter(message__words__contains=str(named[name]).lower())
    if sender := str(named.get("sender", "")).strip().lower():
        ends = sender if "@" in sender.strip("@") else f"@{sender.strip('@')}"
        found = found.filter(message__words__contains=ends)
        fits = Q(message__sender__iexact=ends) | Q(message__sender__iendswith=ends)
        # Of a CASE PostgreSQL expects that half fit: of the texts themselves hardly any, and plans for one row.
        found = found.filter(Case(When(fits, then=True), default=False, output_field=BooleanField()))
    if words := str(named.get("q", "")).strip().lower():
        found = found.filter(message__words__contains=words)
        found = found.filter(Q(address__icontains=words) | Q(message__sender__icontains=words))
    if "older" in named:
        came = timezone.now() - timedelta(hours=int(named["older"]))
        # Ids begin with the time at which they were made.
        found = found.filter(message_id__lt=oldest_id(came))
    return found


def oldest_id(moment: datetime) -> UUID:
    """The least id of a message that came at this moment (RFC 9562 §5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


@verb(Right.MANAGE)
def hold(actor: Actor, chosen: QuerySet[Recipient]) -> int:
    """Try them no more until they are let go, by this room's verb and no other; how many that were."""
    return carry_out(actor, "hold", chosen)


@verb(Right.MANAGE)
def release(actor: Actor, chosen: QuerySet[Recipient]) -> int:
    """Let go what an administrator held; it is tried now. What its sender's limit holds waits for release_held."""
    return carry_out(actor, "release", chosen)


@verb(Right.MANAGE)
def retry_now(actor: Actor, chosen: QuerySet[Recipient]) -> int:
    """Try them now, also where their destination is down."""
    return carry_out(actor, "retry", chosen)


@verb(Right.MANAGE)
def cancel(actor: Actor, chosen: QuerySet[Recipient], *, tell: bool = False) -> int:
    """Never send them.

    Args:
        tell: let senders have a report of failure, unless they wished none.
    """
    return carry_out(actor, "cancel", chosen, tell=tell)


@verb(Right.MANAGE)
def reroute(actor: Actor, chosen: QuerySet[Recipient], route: Route | None) -> int:
    """Let them leave by this route, whichever fits; without one, as ever. They are tried now."""
    return carry_out(actor, "reroute", chosen, route=route)


@verb(Right.MANAGE)
def change_expiry(actor: Actor, chosen: QuerySet[Recipient], expires_at: datetime) -> int:
    """Give them up at this moment, neither before nor after."""
    return carry_out(actor, "expire", chosen, expires_at=expires_at)


@verb(Right.MANAGE)
def carry_out(actor: Actor, name: str, chosen: QuerySet[Recipient], **options: Any) -> int:
    """One of VERBS, with its entry; how many recipients there were to whom it could happen."""
    subject = _subject(chosen)
    count = VERBS[name].act(chosen, **options)
    if count:
        record(actor, VERBS[name].entry, subject, after={"recipients": count, **told(options)})
    return count


def told(options: dict[str, Any]) -> dict[str, Any]:
    """As an entry holds them."""
    return {name: value if isinstance(value, bool | None) else str(value) for name, value in options.items()}


def _hold(chosen: QuerySet[Recipient]) -> int:
    beyond_limits = chosen.filter(state=QueueState.HELD).exclude(held_by=HeldBy.ADMINISTRATOR)
    count = beyond_limits.update(held_by=HeldBy.ADMINISTRATOR)
    rows = _open(chosen, Happening.HOLD)
    tell_hooks(Kind.HELD, rows)
    return count + rows.update(state=QueueState.HELD, held_by=HeldBy.ADMINISTRATOR)


def _release(chosen: QuerySet[Recipient]) -> int:
    held = _open(chosen, Happening.RELEASE).filter(held_by=HeldBy.ADMINISTRATOR)
    tell_hooks(Kind.RELEASED, held)
    return held.update(state=QueueState.WAITING, held_by="", next_attempt_at=Now())


def _retry(chosen: QuerySet[Recipient]) -> int:
    rows = _open(chosen, Happening.RETRY)
    # The hosts of routes have lanes of their own, with a port: whichever of them these go by, it is probed.
    lanes = Q(lane__in=rows.order_by().values("destination").distinct()) | Q(lane__contains=":")
    Lane.objects.filter(lanes).update(down_until=None)
    return rows.update(next_attempt_at=Now())


def _cancel(chosen: QuerySet[Recipient], *, tell: bool = False) -> int:
    rows = _open(chosen, Happening.CANCEL)
    wanted = Q(notify__isnull=True) | Q(notify__contains=["FAILURE"])
    due = "failed" if tell else ""
    tell_hooks(Kind.CANCELLED, rows)
    to_tell = list(rows.filter(wanted).exclude(message__sender="").values_list("pk", flat=True)) if tell else []
    return rows.update(
        state=QueueState.CANCELLED,
        held_by="",
        settled_at=Now(),
        last_reply=CANCELLED_WORDS,
        report_due=Case(When(pk__in=to_tell, then=Value(due)), default=F("report_due")),
    )


def _reroute(chosen: QuerySet[Recipient], *, route: Route | None) -> int:
    rows = _open(chosen, Happening.CHANGE)
    rows.filter(state=QueueState.WAITING).update(next_attempt_at=Now())
    return rows.update(route=route)


def _expire(chosen: QuerySet[Recipient], *, expires_at: datetime) -> int:
    if expires_at <= timezone.now():
        raise ValidationError({"expires_at": gettext("That is past.")})
    rows = _open(chosen, Happening.CHANGE)
    # The next try is no later than the end.
    rows.filter(next_attempt_at__gt=expires_at).update(next_attempt_at=expires_at)
    return rows.update(expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Verb:
    """What may be done to recipients that are chosen."""

    act: Callable[..., int]
    entry: str
    #: What is said of so many recipients after.
    said: str


VERBS = {
    "hold": Verb(_hold, "hold queued mail", gettext_noop("held")),
    "release": Verb(_release, "release queued mail", gettext_noop("let go")),
    "retry": Verb(_retry, "retry queued mail", gettext_noop("tried now")),
    "cancel": Verb(_cancel, "cancel queued mail", gettext_noop("cancelled")),
    "reroute": Verb(_reroute, "re-route queued mail", gettext_noop("sent another way")),
    "expire": Verb(_expire, "change expiry of queued mail", gettext_noop("given up at that time")),
}


def _open(chosen: QuerySet[Recipient], happening: Happening) -> QuerySet[Recipient]:
    """Those of them to whom it may happen, and whom no worker has just now."""
    states = [state.value for state in open_to(happening) if state is not State.LEASED]
    free = Q(lease__isnull=True) | Q(lease_until__lte=Now())
    pks = list(
        chosen.filter(free, state__in=states)
        .order_by()
        .select_for_update(of=("self",))
        .values_list("pk", flat=True)
    )
    return Recipient.objects.filter(pk__in=pks)


def _subject(chosen: QuerySet[Recipient]) -> str:
    """Whom it was about: one address, or the choice in short."""
    addresses = list(chosen.order_by("pk").values_list("address", flat=True)[:4])
    return ", ".join(addresses[:3]) + (gettext(" and others") if len(addresses) > 3 else "")


def held_of(account: Account) -> QuerySet[Recipient]:
    """What the account has sent beyond its limits and nobody let go yet."""
    return _beyond_limits().filter(message__account_id=account.pk)


def _beyond_limits() -> QuerySet[Recipient]:
    return Recipient.objects.filter(state=QueueState.HELD).exclude(held_by=HeldBy.ADMINISTRATOR)


def holding(domain: Domain) -> QuerySet[Account]:
    """Accounts of the domain of which something beyond the limits is held."""
    accounts = _beyond_limits().values("message__account_id")
    return Account.objects.filter(domain=domain, pk__in=accounts)


@verb(Right.MANAGE)
def release_held(actor: Actor, account: Account) -> int:
    """Send what was held, and let the account begin its day anew; how many recipients that were."""
    tell_hooks(Kind.RELEASED, held_of(account))
    count = held_of(account).update(state=QueueState.WAITING, held_by="", next_attempt_at=Now())
    _settle(actor, "release held mail", account, count)
    return count


@verb(Right.MANAGE)
def discard_held(actor: Actor, account: Account) -> int:
    """Never send what was held; how many recipients that were. Nobody is told: it was hardly the sender's."""
    tell_hooks(Kind.CANCELLED, held_of(account))
    count = held_of(account).update(state=QueueState.CANCELLED, held_by="", settled_at=Now())
    _settle(actor, "discard held mail", account, count)
    return count


def _settle(actor: Actor, verb: str, account: Account, count: int) -> None:
    Sending.objects.filter(account_id=account.pk).delete()
    Notice.objects.filter(name=f"sending {account.pk}").delete()
    if not holding(account.domain).exists():
        Notice.objects.filter(name=f"domain sending {account.domain_id}").delete()
    record(actor, verb, account.address, after={"recipients": count})
