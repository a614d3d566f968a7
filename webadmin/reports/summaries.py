"""What others report of our domains, in short: by day, by source, by host. For pages and API alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, F, Max, Q, QuerySet, Sum, Value, When
from django.db.models.functions import TruncDay
from django.utils import timezone

from webadmin.audit.record import Actor
from webadmin.directory.models import Domain
from webadmin.reports.models import DmarcReport, DmarcRow, TlsReport, TlsRow
from webadmin.scope import visible

#: Days of which a page tells, and the usual number.
SPANS = (7, 30, 90)
USUAL = 30
#: Rows of one table.
ROWS = 100

PASSED, FAILED = "Passed", "Failed"


@dataclass(frozen=True, slots=True)
class Choice:
    """Of which domain, and of how many days until now; an empty domain: of all."""

    domain: str = ""
    days: int = USUAL

    @property
    def since(self) -> datetime:
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.days)


def of_query(domain: str, days: str) -> Choice:
    """What somebody asks for; what makes no sense is as usual."""
    known = Domain.objects.filter(name=domain.lower()).exists()
    return Choice(domain.lower() if known else "", int(days) if days in map(str, SPANS) else USUAL)


def dmarc_reports(choice: Choice, who: Actor) -> QuerySet[DmarcReport]:
    """The newest first, each with its messages and how many of them failed."""
    passed = Q(rows__dkim=True) | Q(rows__spf=True)
    return (
        visible(who, DmarcReport)
        .filter(_of(choice, "domain"), ends__gte=choice.since)
        .annotate(messages=Sum("rows__count"), failed=Sum("rows__count", filter=~passed))
        .order_by("-ends", "-pk")
    )


def sources(choice: Choice, who: Actor) -> QuerySet[Any, Any]:
    """Who sent in the name of the domain: each source, what of it passed, and what became of the rest."""
    passed = Q(dkim=True) | Q(spf=True)
    return (
        visible(who, DmarcRow)
        .filter(_of(choice, "report__domain"), report__ends__gte=choice.since)
        .values("source", "header_from")
        .annotate(
            messages=Sum("count"),
            passed=Sum("count", filter=passed, default=0),
            dkim_passed=Sum("count", filter=Q(dkim=True), default=0),
            spf_passed=Sum("count", filter=Q(spf=True), default=0),
            quarantined=Sum("count", filter=Q(disposition="quarantine"), default=0),
            rejected=Sum("count", filter=Q(disposition="reject"), default=0),
            reporters=Count("report__organisation", distinct=True),
            last=Max("report__ends"),
        )
        .order_by("-messages", "source")
    )


def tls_reports(choice: Choice, who: Actor) -> QuerySet[TlsReport]:
    """The newest first, each with its sessions and how many of them failed."""
    return (
        visible(who, TlsReport)
        .filter(_of(choice, "domain"), ends__gte=choice.since)
        .annotate(sessions=Sum("rows__count"), failed=Sum("rows__count", filter=~Q(rows__failure="")))
        .order_by("-ends", "-pk")
    )


def failures(choice: Choice, who: Actor) -> QuerySet[Any, Any]:
    """What went wrong, at which host of ours, and who says so."""
    return (
        visible(who, TlsRow)
        .filter(~Q(failure=""), _of(choice, "report__domain"), report__ends__gte=choice.since)
        .values("failure", "host", "policy_type", "report__organisation")
        .annotate(sessions=Sum("count"), last=Max("report__ends"), words=Max("reason"))
        .order_by("-sessions", "failure")
    )


def by_day(choice: Choice, who: Actor, *, tls: bool = False) -> dict[str, object]:
    """Counts by day, for the chart: times in seconds since the epoch, then one list for each line."""
    if tls:
        outcome = Case(When(failure="", then=Value(PASSED)), default=Value(FAILED), output_field=CharField())
    else:
        outcome = Case(
            When(Q(dkim=True) | Q(spf=True), then=Value(PASSED)), default=Value(FAILED), output_field=CharField()
        )
    found: QuerySet[Any] = visible(who, TlsRow) if tls else visible(who, DmarcRow)
    rows = (
        found.filter(_of(choice, "report__domain"), report__ends__gte=choice.since)
        .annotate(day=TruncDay("report__begins"), outcome=outcome)
        .values_list("day", "outcome")
        .annotate(total=Sum(F("count")))
        .order_by()
    )
    counts = {(day, found): total for day, found, total in rows}
    days = [choice.since + timedelta(days=number) for number in range(choice.days + 1)]
    return {
        "times": [int(day.timestamp()) for day in days],
        "series": {line: [counts.get((day, line), 0) for day in days] for line in (PASSED, FAILED)},
    }


def _of(choice: Choice, field: str) -> Q:
    """The domain and those below it."""
    if not choice.domain:
        return Q()
    return Q(**{field: choice.domain}) | Q(**{f"{field}__endswith": f".{choice.domain}"})
