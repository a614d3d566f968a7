"""Domains: the list, a new one, one with the DNS records that it needs."""

from collections.abc import Iterable

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from mailservices.mail.vocabulary import KeyState
from webadmin.dashboard.forms import DomainForm, DomainSettingsForm, actor, attempt, page
from webadmin.directory import actions
from webadmin.directory.models import Domain
from webadmin.signing import actions as signing
from webadmin.signing.models import DkimKey

_LIVING = Count("accounts", filter=Q(accounts__deleted_at__isnull=True), distinct=True)


def index(request: HttpRequest) -> HttpResponse:
    form = DomainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        domain = attempt(form, lambda: actions.create_domain(actor(request), form.cleaned_data["name"]))
        if domain is not None:
            messages.success(request, f"{domain.name} is created. Now set the DNS records below.")
            return redirect("domain", domain.pk)
    words = request.GET.get("q", "").strip()
    found = Domain.objects.filter(name__contains=words.lower()).annotate(living=_LIVING).order_by("name")
    return render(request, "domains.html", {"form": form, "page": page(request, found), "q": words})


def one(request: HttpRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(Domain.objects.annotate(living=_LIVING), pk=pk)
    if request.method == "POST" and "active" in request.POST:
        active = request.POST["active"] == "yes"
        actions.change_domain(actor(request), domain, active=active)
        messages.success(request, f"{domain.name} is switched {'on' if active else 'off'}.")
        return redirect("domain", pk)
    settings_now = {name: getattr(domain, name) for name in ("alias_of", "detail_folders", *actions.SENDING)}
    form = DomainSettingsForm(request.POST or None, initial=settings_now)
    others = Domain.objects.filter(alias_of__isnull=True).exclude(pk=pk)
    form.fields["alias_of"].queryset = others  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: actions.change_domain(actor(request), domain, **form.cleaned_data))
        if changed is not None:
            messages.success(request, f"{domain.name} is changed.")
            return redirect("domain", pk)
    keys = list(domain.dkim_keys.all())
    context = {
        "domain": domain,
        "keys": keys,
        "has_next": any(key.state == KeyState.NEXT for key in keys),
        "form": form,
        "records": [*dns_records(domain.name), *dkim_records(keys)],
    }
    return render(request, "domain.html", context)


@require_POST
def dkim(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare the next keys, or switch to them."""
    domain = get_object_or_404(Domain, pk=pk)
    try:
        if request.POST.get("verb") == "rotate":
            signing.rotate_keys(actor(request), domain)
            messages.success(request, f"Mail of {domain.name} is signed with the next keys from now on.")
        else:
            signing.prepare_keys(actor(request), domain)
            messages.success(request, "The next keys are made. Publish their records, then switch to them.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("domain", pk)


def dkim_records(keys: Iterable[DkimKey]) -> list[tuple[str, str, str, str]]:
    """The records of the keys, in strings as zone files want them."""
    reasons = {
        KeyState.NEXT: "Mail will be signed with this key (DKIM): publish it before you switch.",
        KeyState.ACTIVE: "Mail is signed with this key (DKIM).",
        KeyState.RETIRED: "Mail on its way was signed with this key: keep it until it leaves this page.",
    }
    return [
        (f"{key.name}.", "TXT", " ".join(f'"{one}"' for one in key.strings), reasons[KeyState(key.state)])
        for key in keys
    ]


def dns_records(name: str) -> list[tuple[str, str, str, str]]:
    """What to set at the domain's name server: name, type, value, and what for."""
    host = settings.CONFIG.hostname
    return [
        (f"{name}.", "MX", f"10 {host}.", "Mail for the domain comes here."),
        (f"{host}.", "A / AAAA", "the public address of this server", "Where the host is."),
        (f"{name}.", "TXT", f"v=spf1 mx a:{host} -all", "Who may send mail of the domain (SPF)."),
        (f"_dmarc.{name}.", "TXT", "v=DMARC1; p=none", "What others do with forged mail (DMARC)."),
        (f"_submissions._tcp.{name}.", "SRV", f"0 1 465 {host}.", "Mail programs find us (RFC 8314)."),
        (f"_imaps._tcp.{name}.", "SRV", f"0 1 993 {host}.", "Mail programs find us (RFC 6186)."),
        (f"_pop3s._tcp.{name}.", "SRV", f"10 1 995 {host}.", "Mail programs find us (RFC 6186)."),
    ]


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    domain = get_object_or_404(Domain, pk=pk)
    form = forms.Form(request.POST or None)
    if request.method == "POST" and form.is_valid():

        def carry_out() -> bool:
            actions.delete_domain(actor(request), domain)
            return True

        if attempt(form, carry_out):
            messages.success(request, f"{domain.name} is deleted.")
            return redirect("domains")
    context = {
        "form": form,
        "title": f"Delete {domain.name}?",
        "words": "Mail for the domain is refused from then on.",
        "back": "domain",
        "pk": pk,
    }
    return render(request, "delete.html", context)
