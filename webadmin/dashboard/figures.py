"""The figures of the overview. Those that look at very much are kept for some seconds, for all who look.

Hours that are over were counted by the workers (mailservices/store/counting.py); the rest is counted here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, F, FloatField, Min, Q, QuerySet, Sum
from django.db.models.functions import Cast, TruncHour
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from redis.exceptions import RedisError

from mailservices.mail.vocabulary import Event, QueueState, SignInOutcome
from webadmin.audit.record import Actor
from webadmin.directory.models import Account
from webadmin.mailstore.models import Usage
from webadmin.queue.actions import oldest_id
from webadmin.queue.models import Recipient
from webadmin.scope import reaches_all, visible
from webadmin.security.models import SignIn
from webadmin.trace.finding import began
from webadmin.trace.models import TraceCount, TraceEvent

Value = TypeVar("Value")

#: Seconds for which what took long is kept.
KEPT_SECONDS = 15
#: Of who does not reach all: nothing was counted for these beforehand, each event is asked whose it is.
KEPT_OF_FEW = 600
#: The lines of the chart: what is counted, and how it is called.
LINES = {
    Event.DELIVERED: gettext_noop("Delivered here"),
    Event.RELAYED: gettext_noop("Sent on"),
    Event.REFUSED: gettext_noop("Refused"),
    Event.DEFERRED: gettext_noop("Deferred"),
    Event.FAILED: gettext_noop("Failed"),
    Event.BOUNCED: gettext_noop("Came back"),
}
#: Hours since a message came in: the steps of the queue's ages.
AGES = (1, 6, 24, 72)
AGE_NAMES = (
    gettext_noop("less than an hour"),
    gettext_noop("1 to 6 hours"),
    gettext_noop("6 to 24 hours"),
    gettext_noop("1 to 3 days"),
    gettext_noop("more than 3 days"),
)
DESTINATIONS = 8
FULLEST = 5


def kept(who: Actor, name: str, figure: Callable[[], Value]) -> Value:
    """The figure, at most some seconds old, shared by all who reach all; without Redis it is found anew."""
    whose = (
        "all" if reaches_all(who) else f"{who.administrator and who.administrator.pk}-{who.token and who.token.pk}"
    )
    try:
        found: Value | None = cache.get(f"figures:{whose}:{name}")
        if found is None:
            found = figure()
            cache.set(f"figures:{whose}:{name}", found, KEPT_SECONDS if whose == "all" else KEPT_OF_FEW)
    except (RedisError, OSError):
        return figure()
    return found


def all_figures(who: Actor) -> dict[str, Any]:
    """What the overview shows in figures, as one."""
    return kept(who, "all", lambda: _all(who))


def _all(who: Actor) -> dict[str, Any]:
    now = timezone.now()
    counts = hourly(who, now - timedelta(hours=24))
    day = {kind: sum(count for (_, one), count in counts.items() if one == kind) for kind in Event}
    usage = Usage.objects.filter(account__in=visible(who, Account)) if not reaches_all(who) else Usage.objects
    used = usage.aggregate(bytes=Sum("bytes"), messages=Sum("messages"))
    return {
        "day": day,
        "queue": dict(visible(who, Recipient).values_list("state").annotate(Count("pk")).order_by()),
        "ages": _ages(who),
        "destinations": _destinations(who),
        "stored": used["bytes"] or 0,
        "letters": used["messages"] or 0,
        "database": _database_octets() if reaches_all(who) else None,
        "sign_ins": _sign_ins(who, now - timedelta(hours=24)),
        "fullest": _fullest(who),
        "accounts": visible(who, Account).filter(deleted_at__isnull=True).count(),
    }


def _waiting(who: Actor) -> QuerySet[Recipient]:
    return visible(who, Recipient).filter(state=QueueState.WAITING)


def _ages(who: Actor) -> list[tuple[str, int]]:
    """How many wait, by how long ago their message came in."""
    now = timezone.now()
    # All of what waits is looked at once. Ids of messages begin with the time at which they came in.
    older = {
        f"older{hours}": Count("pk", filter=Q(message_id__lt=oldest_id(now - timedelta(hours=hours))))
        for hours in AGES
    }
    found = _waiting(who).aggregate(all=Count("pk"), **older)
    totals = [found["all"], *(found[name] for name in older), 0]
    return [(name, more - less) for name, (more, less) in zip(AGE_NAMES, pairwise(totals), strict=True)]


def _destinations(who: Actor) -> list[dict[str, Any]]:
    """Where most is waiting to go, and since when."""
    found = _waiting(who).values("destination").annotate(waiting=Count("pk"), first=Min("pk"))
    rows = list(found.order_by("-waiting", "destination")[:DESTINATIONS])
    ids = dict(Recipient.objects.filter(pk__in=[row["first"] for row in rows]).values_list("pk", "message_id"))
    return [{**row, "since": began(ids[row["first"]])} for row in rows]


def _database_octets() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _sign_ins(who: Actor, since: datetime) -> dict[str, Any]:
    """By protocol, how many were accepted; and how many were not."""
    rows = (
        visible(who, SignIn)
        .filter(at__gte=since)
        .values_list("protocol", "outcome")
        .annotate(Sum("times"))
        .order_by("protocol")
    )
    accepted = {protocol: count for protocol, outcome, count in rows if outcome == SignInOutcome.ACCEPTED}
    failed = sum(count for _, outcome, count in rows if outcome != SignInOutcome.ACCEPTED)
    return {"accepted": accepted, "failed": failed}


def hourly(who: Actor, start: datetime) -> dict[tuple[datetime, str], int]:
    """How much of each of the chart's kinds happened in each hour from then on."""
    start = start.replace(minute=0, second=0, microsecond=0)
    # What was counted is counted of all.
    until = counted_until() if reaches_all(who) else None
    fresh = max(start, until) if until else start
    counted = TraceCount.objects.filter(hour__gte=start, hour__lt=fresh, kind__in=list(Event))
    found = {(hour, kind): count for hour, kind, count in counted.values_list("hour", "kind", "events")}
    rows = visible(who, TraceEvent).filter(at__gte=fresh, kind__in=list(Event)).annotate(hour=TruncHour("at"))
    for hour, kind, count in rows.values_list("hour", "kind").annotate(Count("event_id")).order_by():
        found[hour, kind] = count
    return found


def chart(who: Actor, hours: int) -> dict[str, Any]:
    """Times in seconds since the epoch, then one list for each line."""
    found = kept(who, f"chart-{hours}", lambda: _chart(who, hours))
    return found | {"series": {gettext(label): line for label, line in found["series"].items()}}


def _chart(who: Actor, hours: int) -> dict[str, Any]:
    end = timezone.now().replace(minute=0, second=0, microsecond=0)
    times = [end - timedelta(hours=back) for back in range(hours - 1, -1, -1)]
    counts = hourly(who, times[0])
    series = {label: [counts.get((time, kind), 0) for time in times] for kind, label in LINES.items()}
    return {"times": [int(time.timestamp()) for time in times], "series": series}


def counted_until() -> datetime | None:
    """When the workers last counted: the end of that hour."""
    last = TraceCount.objects.filter(kind="").order_by("-hour").values_list("hour", flat=True).first()
    return last + timedelta(hours=1) if last else None


def _fullest(who: Actor) -> list[dict[str, Any]]:
    """Those who have used most of their quota; where nobody has one, those who hold most."""
    living = visible(who, Account).filter(deleted_at__isnull=True, usage__bytes__gt=0)
    told = ("pk", "address", "quota_bytes", "usage__bytes")
    share = Cast(F("usage__bytes"), FloatField()) / F("quota_bytes")
    with_quota = living.filter(quota_bytes__isnull=False).annotate(share=share).order_by("-share")
    found = list(with_quota.values(*told)[:FULLEST]) or list(
        living.order_by("-usage__bytes").values(*told)[:FULLEST]
    )
    return [
        {
            "pk": row["pk"],
            "address": row["address"],
            "quota_bytes": row["quota_bytes"],
            "usage": {"bytes": row["usage__bytes"]},
        }
        for row in found
    ]
