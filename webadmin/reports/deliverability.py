"""How well other hosts take our mail: of each destination, what became of its recipients of late, and why not."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone

from mailservices.mail.vocabulary import QueueState
from webadmin.audit.record import Actor
from webadmin.dashboard.figures import kept
from webadmin.queue.models import Attempt, Recipient
from webadmin.scope import visible

#: Days of which it tells, and the usual number. What is done is forgotten after a month.
SPANS = (1, 7, 30)
USUAL = 7
#: Destinations: those to which most goes.
ROWS = 50
#: Reasons of one of them.
REASONS = 3

_TAKEN = Q(state__in=[QueueState.RELAYED, QueueState.DELIVERED, QueueState.EXPANDED])
_FAILED = Q(state__in=[QueueState.FAILED, QueueState.EXPIRED])
_WAITING = Q(state=QueueState.WAITING)


@dataclass(frozen=True, slots=True)
class Row:
    """One destination."""

    destination: str
    recipients: int
    taken: int
    failed: int
    waiting: int
    #: Tries that it took, of all.
    tries: int
    #: Why it was not taken, most often first: a class of bounce (mailservices/mail/bounces.py), and how often.
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def percent(self) -> int:
        """Of what is over, how much was taken."""
        return 100 * self.taken // max(1, self.taken + self.failed)


def by_destination(who: Actor, days: int) -> list[Row]:
    """Most first; found anew every some seconds only."""
    return [Row(**row) for row in kept(who, f"deliverability-{days}", lambda: _found(who, days))]


def _found(who: Actor, days: int) -> list[dict[str, Any]]:
    since = timezone.now() - timedelta(days=days)
    rows = visible(who, Recipient).filter(Q(settled_at__gte=since) | _WAITING).values("destination")
    counted = rows.annotate(
        recipients=Count("pk"),
        taken=Count("pk", filter=_TAKEN),
        failed=Count("pk", filter=_FAILED),
        waiting=Count("pk", filter=_WAITING),
        tries=Sum("attempts"),
    )
    found = list(counted.order_by("-recipients", "destination")[:ROWS])
    why = _reasons(who, [row["destination"] for row in found if row["failed"]], since)
    return [asdict(Row(**row, reasons=tuple(why.get(row["destination"], [])))) for row in found]


def _reasons(who: Actor, destinations: list[str], since: Any) -> dict[str, list[tuple[str, int]]]:
    failed = visible(who, Recipient).filter(_FAILED, destination__in=destinations, settled_at__gte=since)
    rows = Attempt.objects.filter(recipient__in=failed, outcome="failed").exclude(about="")
    found: dict[str, list[tuple[str, int]]] = {}
    counted = rows.values_list("recipient__destination", "about").annotate(many=Count("pk"))
    for destination, about, many in counted.order_by("recipient__destination", "-many", "about"):
        reasons = found.setdefault(destination, [])
        if len(reasons) < REASONS:
            reasons.append((about, many))
    return found
