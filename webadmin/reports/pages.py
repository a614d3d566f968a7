"""The pages of what others report of our domains: DMARC (who sends in their name), TLS (how mail reaches them)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from webadmin.dashboard.forms import actor
from webadmin.directory.models import Domain
from webadmin.reports import actions, deliverability, summaries
from webadmin.reports.models import DmarcReport, Mailbox, TlsReport
from webadmin.reports.summaries import ROWS, SPANS, Choice
from webadmin.scope import visible


def _choice(request: HttpRequest) -> Choice:
    return summaries.of_query(request.GET.get("domain", ""), request.GET.get("days", ""))


def _shared(request: HttpRequest, choice: Choice) -> dict[str, object]:
    return {
        "choice": choice,
        "spans": SPANS,
        "domains": visible(actor(request), Domain).order_by("name"),
        "mailboxes": visible(actor(request), Mailbox).select_related("domain").order_by("domain__name"),
    }


def dmarc(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    context = {
        **_shared(request, choice),
        "title": gettext("DMARC reports"),
        "sources": summaries.sources(choice, actor(request))[:ROWS],
        "reports": summaries.dmarc_reports(choice, actor(request))[:ROWS],
    }
    return render(request, "reports_dmarc.html", context)


def tls(request: HttpRequest) -> HttpResponse:
    choice = _choice(request)
    context = {
        **_shared(request, choice),
        "title": gettext("TLS reports"),
        "failures": summaries.failures(choice, actor(request))[:ROWS],
        "reports": summaries.tls_reports(choice, actor(request))[:ROWS],
    }
    return render(request, "reports_tls.html", context)


@require_safe
def delivery(request: HttpRequest) -> HttpResponse:
    """How well each destination takes our mail."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, deliverability.SPANS) else deliverability.USUAL
    rows = deliverability.by_destination(actor(request), days)
    context = {"title": gettext("Deliverability"), "rows": rows, "spans": deliverability.SPANS, "days": days}
    return render(request, "deliverability.html", context)


def one_dmarc(request: HttpRequest, pk: int) -> HttpResponse:
    report = get_object_or_404(visible(actor(request), DmarcReport), pk=pk)
    context = {
        "title": gettext("Report of {organisation}").format(organisation=report.organisation),
        "report": report,
        "rows": report.rows.order_by("-count"),
    }
    return render(request, "report_dmarc.html", context)


def one_tls(request: HttpRequest, pk: int) -> HttpResponse:
    report = get_object_or_404(visible(actor(request), TlsReport), pk=pk)
    context = {
        "title": gettext("Report of {organisation}").format(organisation=report.organisation),
        "report": report,
        "rows": report.rows.order_by("-count"),
    }
    return render(request, "report_tls.html", context)


def chart(request: HttpRequest) -> JsonResponse:
    """Counts by day."""
    return JsonResponse(summaries.by_day(_choice(request), actor(request), tls=request.GET.get("kind") == "tls"))


@require_POST
def mailbox(request: HttpRequest, pk: int) -> HttpResponse:
    """Where reports on a domain come."""
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    try:
        row = actions.set_mailbox(actor(request), domain, request.POST.get("address", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        words = (
            gettext("Reports on {name} are read that come to {address}.")
            if row
            else gettext("Reports on {name} are not read any more.")
        )
        messages.success(request, words.format(name=domain.name, address=row.address if row else ""))
    return redirect("domain", pk)
