"""The first page: how mail flows, what waits, what is full, and what asks for somebody.

Its figures are asked for again whenever live.py says that there are new ones, while it is looked at.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from mailservices.mail.vocabulary import Event, QueueState
from webadmin.dashboard import figures
from webadmin.dashboard.alerts import alerts
from webadmin.dashboard.forms import actor
from webadmin.directory.models import Domain
from webadmin.scope import Right, may, visible

#: ?hours= of the chart.
SPANS = (24, 168, 720)
#: What the page asks for again, one by one; all else are the figures.
PARTS = {"alerts": "_alerts.html"}


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    who = actor(request)
    if not may(who, Right.LOOK):
        return redirect("home")
    found = figures.all_figures(who)
    day, queued = found["day"], found["queue"]
    domains = visible(who, Domain).count()
    context = {
        **found,
        "domains": domains,
        "alerts": alerts(who),
        "cards": (
            (gettext("Domains"), domains, "domains"),
            (gettext("Accounts"), found["accounts"], "accounts"),
            (gettext("Delivered, 24 h"), day[Event.DELIVERED], "trace"),
            (gettext("Sent on, 24 h"), day[Event.RELAYED], "trace"),
            (gettext("Refused, 24 h"), day[Event.REFUSED], "trace"),
            (gettext("Waiting"), queued.get(QueueState.WAITING, 0), "queue"),
        ),
        "states": [(state.value, queued.get(state, 0)) for state in QueueState],
        "queue_total": max(1, sum(queued.values())),
        "ages_total": max(1, sum(count for _, count in found["ages"])),
    }
    if request.headers.get("X-Part"):
        return render(request, PARTS.get(request.GET.get("part", ""), "_figures.html"), context)
    return render(request, "dashboard.html", context)


@require_safe
def traffic(request: HttpRequest) -> JsonResponse:
    """Counts by hour, for the chart."""
    asked = request.GET.get("hours", "")
    hours = int(asked) if asked.isdigit() and int(asked) in SPANS else SPANS[0]
    return JsonResponse(figures.chart(actor(request), hours))
