"""The pages of routes, of our own addresses and of suppressed ones."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from mailservices.mail import routing
from mailservices.mail.suppressing import HITS
from webadmin.dashboard.forms import actor, attempt, page
from webadmin.queue import routes, sources, suppressions
from webadmin.queue.forms import TLS_WORDS, RouteForm, SourceForm, SuppressionForm
from webadmin.queue.models import Route, Source, Suppression


def index(request: HttpRequest) -> HttpResponse:
    rows = [(row, TLS_WORDS[row.tls]) for row in Route.objects.all()]  # type: ignore[index]
    return render(request, "routes.html", {"title": gettext("Routes"), "routes": rows})


def new(request: HttpRequest) -> HttpResponse:
    form = RouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: routes.create_route(actor(request), **form.values))
        if row is not None:
            messages.success(request, gettext("The route is made. It holds within seconds."))
            return redirect("routes")
    return render(request, "form.html", {"form": form, "title": gettext("New route"), "verb": gettext("Make it")})


def one(request: HttpRequest, pk: int) -> HttpResponse:
    route = get_object_or_404(Route, pk=pk)
    form = RouteForm(request.POST or None, initial=RouteForm.values_of(route))
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: routes.change_route(actor(request), route, **form.values))
        if row is not None:
            messages.success(request, gettext("Saved. It holds within seconds."))
            return redirect("routes")
    return render(
        request,
        "form.html",
        {"form": form, "title": gettext("Route of {route}").format(route=route), "verb": gettext("Save it")},
    )


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    routes.delete_route(actor(request), get_object_or_404(Route, pk=pk))
    messages.success(request, gettext("Removed. It holds within seconds."))
    return redirect("routes")


def pools(request: HttpRequest) -> HttpResponse:
    """Our own addresses, by pool, and a new one."""
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: sources.add_source(actor(request), **form.values))
        if row is not None:
            messages.success(
                request, gettext("{address} is in the pool. It holds within seconds.").format(address=row.address)
            )
            return redirect("route-pools")
    sent = sources.sent_today()
    rows = [(row, sent.get(row.pk, 0), _limit(row)) for row in Source.objects.all()]
    return render(request, "pools.html", {"title": gettext("Address pools"), "form": form, "sources": rows})


def _limit(row: Source) -> int:
    """Messages that may leave from it today; 0: any number."""
    known = routing.Source(row.pk, row.address, "", tuple(row.warmup), row.began, row.daily)
    return known.limit(timezone.now().date())


def pooled(request: HttpRequest, pk: int) -> HttpResponse:
    """One address of a pool."""
    source = get_object_or_404(Source, pk=pk)
    form = SourceForm(request.POST or None, initial=SourceForm.values_of(source))
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: sources.change_source(actor(request), source, **form.values))
        if row is not None:
            messages.success(request, gettext("Saved. It holds within seconds."))
            return redirect("route-pools")
    return render(request, "form.html", {"form": form, "title": str(source), "verb": gettext("Save it")})


@require_POST
def unpool(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        sources.remove_source(actor(request), get_object_or_404(Source, pk=pk))
        messages.success(request, gettext("Removed. It holds within seconds."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("route-pools")


def suppressed(request: HttpRequest) -> HttpResponse:
    """Addresses to which nothing is sent."""
    form = SuppressionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: suppressions.suppress(actor(request), **form.values))
        if row is not None:
            messages.success(request, gettext("Nothing is sent to {address} now.").format(address=row.address))
            return redirect("queue-suppressed")
    rows = page(request, Suppression.objects.order_by("-since"))
    context = {"title": gettext("Suppressed addresses"), "form": form, "page": rows, "needed": HITS}
    return render(request, "suppressed.html", context)


@require_POST
def lift(request: HttpRequest) -> HttpResponse:
    row = get_object_or_404(Suppression, address=request.POST.get("address", ""))
    suppressions.lift(actor(request), row)
    messages.success(request, gettext("Mail to {address} is sent again.").format(address=row.address))
    return redirect("queue-suppressed")
