"""The first page: how much there is, how mail flows, what waits, who is nearly full."""

from datetime import datetime, timedelta

from django.db.models import Count, F, FloatField, QuerySet
from django.db.models.functions import Cast, TruncHour
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from mailservices.mail.vocabulary import Event, QueueState
from webadmin.directory.models import Account, Domain
from webadmin.policy.models import Notice
from webadmin.queue.models import Recipient
from webadmin.trace.models import TraceEvent

#: The lines of the chart: what is counted, and how it is called.
LINES = {
    Event.DELIVERED: "Delivered here",
    Event.RELAYED: "Sent on",
    Event.REFUSED: "Refused",
    Event.FAILED: "Failed",
}
#: ?hours= of the chart.
SPANS = (24, 168)
FULLEST = 5
#: Accounts that send much, of which the page tells.
SENDERS = 10
#: How long a notice of the engine holds; while its reason lasts, it is renewed every hour.
NOTICE_HOURS = 2


def dashboard(request: HttpRequest) -> HttpResponse:
    today = timezone.now() - timedelta(hours=24)
    happened = dict(
        TraceEvent.objects.filter(at__gte=today).values_list("kind").annotate(Count("event_id")).order_by()
    )
    queued = dict(Recipient.objects.values_list("state").annotate(Count("pk")).order_by())
    domains = Domain.objects.count()
    context = {
        "domains": domains,
        "cards": (
            ("Domains", domains, "domains"),
            ("Accounts", _accounts().count(), "accounts"),
            ("Delivered, 24 h", happened.get(Event.DELIVERED, 0), "trace"),
            ("Sent on, 24 h", happened.get(Event.RELAYED, 0), "trace"),
            ("Refused, 24 h", happened.get(Event.REFUSED, 0), "trace"),
            ("Waiting", queued.get(QueueState.WAITING, 0), "queue"),
        ),
        "queue": [(state.value, queued.get(state, 0)) for state in QueueState],
        "queue_total": max(1, sum(queued.values())),
        "fullest": _fullest(),
        "sending": [
            (notice.name.removeprefix("sending "), notice.detail)
            for notice in Notice.objects.filter(
                name__startswith="sending ", at__gte=timezone.now() - timedelta(days=1)
            ).order_by("-at")[:SENDERS]
        ],
        "gateway": Notice.objects.filter(
            name="gateway", at__gte=timezone.now() - timedelta(hours=NOTICE_HOURS)
        ).first(),
    }
    return render(request, "dashboard.html", context)


def _accounts() -> QuerySet[Account]:
    return Account.objects.filter(deleted_at__isnull=True)


def _fullest() -> QuerySet[Account]:
    """Those who have used most of their quota; where nobody has one, those who hold most."""
    with_quota = _accounts().filter(quota_bytes__isnull=False).select_related("usage")
    found = with_quota.annotate(full=Cast(F("usage__bytes"), FloatField()) * 100 / F("quota_bytes")).order_by(
        "-full"
    )
    if found:
        return found[:FULLEST]
    return _accounts().select_related("usage").filter(usage__bytes__gt=0).order_by("-usage__bytes")[:FULLEST]


def traffic(request: HttpRequest) -> JsonResponse:
    """Counts by hour, for the chart: times in seconds since the epoch, then one list for each line."""
    asked = request.GET.get("hours", "")
    hours = int(asked) if asked.isdigit() and int(asked) in SPANS else SPANS[0]
    end = timezone.now().replace(minute=0, second=0, microsecond=0)
    times = [end - timedelta(hours=back) for back in range(hours - 1, -1, -1)]
    counts = _counts(times[0])
    series = {label: [counts.get((time, kind), 0) for time in times] for kind, label in LINES.items()}
    return JsonResponse({"times": [int(time.timestamp()) for time in times], "series": series})


def _counts(start: datetime) -> dict[tuple[datetime, str], int]:
    rows = (
        TraceEvent.objects.filter(at__gte=start, kind__in=list(LINES))
        .annotate(hour=TruncHour("at"))
        .values_list("hour", "kind")
        .annotate(Count("event_id"))
        .order_by()
    )
    return {(hour, kind): count for hour, kind, count in rows}
