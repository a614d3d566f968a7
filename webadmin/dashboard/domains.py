"""Domains: the list, a new one, one with the DNS records that it needs."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from mailservices.mail.mta_sts import Mode
from mailservices.mail.vocabulary import CATCH_ALL, KeyState
from webadmin.dashboard.forms import DomainForm, DomainSettingsForm, actor, attempt, page
from webadmin.directory import actions
from webadmin.directory.models import Account, Domain
from webadmin.privacy.directory import with_directory
from webadmin.queue import actions as queue
from webadmin.queue.models import Route
from webadmin.records import advice
from webadmin.scope import Right, may, visible, within
from webadmin.signing import actions as signing

# Of the domains of a page only.
_LIVING = Subquery(
    Account.objects.filter(domain=OuterRef("pk"), deleted_at__isnull=True)
    .order_by()
    .values("domain")
    .annotate(count=Count("pk"))
    .values("count")
)


def index(request: HttpRequest) -> HttpResponse:
    form = DomainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        domain = attempt(form, lambda: actions.create_domain(actor(request), form.cleaned_data["name"]))
        if domain is not None:
            messages.success(
                request, gettext("{name} is created. Now set the DNS records below.").format(name=domain.name)
            )
            return redirect("domain", domain.pk)
    words = request.GET.get("q", "").strip()
    found = visible(actor(request), Domain).filter(name__contains=words.lower()).select_related("last_look")
    found = found.annotate(living=_LIVING).order_by("name")
    return render(request, "domains.html", {"form": form, "page": page(request, found), "q": words})


def one(request: HttpRequest, pk: int) -> HttpResponse:
    whole = with_directory(visible(actor(request), Domain)).select_related("report_mailbox", "sts_offer")
    domain = get_object_or_404(whole.prefetch_related("dkim_keys").annotate(living=_LIVING), pk=pk)
    if request.method == "POST" and "active" in request.POST:
        active = request.POST["active"] == "yes"
        actions.change_domain(actor(request), domain, active=active)
        messages.success(
            request,
            (gettext("{name} is switched on.") if active else gettext("{name} is switched off.")).format(
                name=domain.name
            ),
        )
        return redirect("domain", pk)
    shown = ("alias_of", "tenant", "detail_folders", "language", *actions.SENDING, *actions.TOTALS)
    settings_now = {name: getattr(domain, name) for name in shown}
    form = DomainSettingsForm(request.POST or None, initial=settings_now)
    others = visible(actor(request), Domain).filter(alias_of__isnull=True).exclude(pk=pk)
    if not may(actor(request), Right.OPERATE):
        del form.fields["tenant"]
    form.fields["alias_of"].queryset = others  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: actions.change_domain(actor(request), domain, **form.cleaned_data))
        if changed is not None:
            messages.success(request, gettext("{name} is changed.").format(name=domain.name))
            return redirect("domain", pk)
    keys = list(domain.dkim_keys.all())
    own_routes = Q(recipient=domain.name) | Q(sender__in=[domain.name, f"@{domain.name}"])
    context = {
        "domain": domain,
        "keys": keys,
        "has_next": any(key.state == KeyState.NEXT for key in keys),
        "form": form,
        "holding": queue.holding(domain),
        "records": [(record, None) for record in advice.records(domain)],
        "offer": getattr(domain, "sts_offer", None),
        "modes": list(Mode),
        "led_here": within(actor(request), domain.alias_domains.all()),
        "catch_all": domain.addresses.filter(local_part=CATCH_ALL).prefetch_related("targets").first(),
        "routes": visible(actor(request), Route).filter(own_routes),
    }
    return render(request, "domain.html", context)


@require_POST
def dkim(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare the next keys, or switch to them."""
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    try:
        if request.POST.get("verb") == "rotate":
            signing.rotate_keys(actor(request), domain)
            messages.success(
                request,
                gettext("Mail of {name} is signed with the next keys from now on.").format(name=domain.name),
            )
        else:
            signing.prepare_keys(actor(request), domain)
            messages.success(
                request, gettext("The next keys are made. Publish their records, then switch to them.")
            )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("domain", pk)


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    form = forms.Form(request.POST or None)
    if request.method == "POST" and form.is_valid():

        def carry_out() -> bool:
            actions.delete_domain(actor(request), domain)
            return True

        if attempt(form, carry_out):
            messages.success(request, gettext("{name} is deleted.").format(name=domain.name))
            return redirect("domains")
    context = {
        "form": form,
        "title": gettext("Delete {name}?").format(name=domain.name),
        "words": gettext("Mail for the domain is refused from then on."),
        "back": "domain",
        "pk": pk,
    }
    return render(request, "delete.html", context)
