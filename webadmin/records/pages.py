"""The records of a domain looked up, its zone file, the TLS policy that it offers; our addresses in blocklists."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from webadmin.dashboard.forms import actor
from webadmin.directory.models import Domain
from webadmin.records import actions, advice, jobs, live
from webadmin.scope import visible


@require_safe
def checked(request: HttpRequest, pk: int) -> HttpResponse:
    """The records with what the DNS says of each: as a page, or as the rows of the domain's page."""
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    context = {
        "domain": domain,
        "records": live.look_up(domain),
        "title": gettext("DNS of {name}").format(name=domain.name),
    }
    template = "_records.html" if request.headers.get("X-Part") else "records.html"
    return render(request, template, context)


@require_safe
def zone(request: HttpRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    answer = HttpResponse(advice.zone_file(domain), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{domain.name}.zone"'
    return answer


@require_POST
def sts(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer a policy, change it, or withdraw it."""
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    mode, days = request.POST.get("mode", ""), request.POST.get("max_age_days", "")
    if not mode:
        actions.withdraw_sts(actor(request), domain)
        messages.success(request, gettext("{name} offers no policy any more.").format(name=domain.name))
        return redirect("domain", pk)
    try:
        actions.offer_sts(actor(request), domain, mode, int(days) if days.isdigit() else 0)
        messages.success(request, gettext("The policy is served. Now set the records of it below."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("domain", pk)


@require_POST
def check_all(request: HttpRequest) -> HttpResponse:
    """Every domain, step by step."""
    return redirect("job", jobs.begin(actor(request), reverse("domains")).pk)


@require_safe
def blocklists(request: HttpRequest) -> HttpResponse:
    """Are we listed anywhere?"""
    found = live.listings() if request.GET.get("look") else None
    context = {
        "title": gettext("Our addresses in blocklists"),
        "found": found,
        "hostname": settings.CONFIG.hostname,
    }
    return render(request, "blocklists.html", context)
