"""The page of the audit: who changed what, from where, what was before and after; the newest first."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext

from webadmin.audit.models import Entry
from webadmin.audit.record import of_request
from webadmin.dashboard.forms import page
from webadmin.scope import visible

#: What may be asked for -> where it is looked for.
FILTERS = {
    "who": "username__icontains",
    "what": "verb__icontains",
    "subject": "subject__icontains",
    "from": "remote_host__startswith",
}


def chosen(rows: QuerySet[Entry], asked: Any) -> QuerySet[Entry]:
    """Those that fit all that is asked: FILTERS, and days in UTC: `since`, and `until`, that day included."""
    found = rows.filter(**{FILTERS[name]: asked[name].strip() for name in FILTERS if asked.get(name, "").strip()})
    if since := _day(asked.get("since", "")):
        found = found.filter(at__date__gte=since)
    if until := _day(asked.get("until", "")):
        found = found.filter(at__date__lt=until + timedelta(days=1))
    return found


def _day(text: str) -> Any:
    """None where it is no day."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def index(request: HttpRequest) -> HttpResponse:
    shown = page(request, chosen(visible(of_request(request), Entry), request.GET))
    for entry in shown:
        entry.changes = _changes(entry)  # type: ignore[attr-defined]
    asked = {name: request.GET.get(name, "") for name in (*FILTERS, "since", "until")}
    context = {"title": gettext("Audit"), "page": shown, "asked": asked, "narrowed": any(asked.values())}
    return render(request, "audit.html", context)


def _changes(entry: Entry) -> list[tuple[str, Any, Any]]:
    """Each thing that changed: its name, the old and the new value."""
    before, after = entry.before or {}, entry.after or {}
    return [(name, before.get(name), after.get(name)) for name in {**before, **after}]
