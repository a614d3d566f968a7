"""Aliases and catch-alls."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext

from webadmin.dashboard.forms import AliasForm, actor, attempt, page
from webadmin.directory import aliases
from webadmin.directory.models import Address
from webadmin.scope import visible


def _aliases(request: HttpRequest) -> QuerySet[Address]:
    return visible(actor(request), Address).filter(account__isnull=True).select_related("domain")


def index(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    found = (
        visible(actor(request), Address)
        .filter(account__isnull=True)
        .select_related("domain")
        .prefetch_related("targets")
    )
    if words:
        asked = Q(local_part__icontains=words) | Q(domain__name__icontains=words)
        found = found.filter(asked | Q(targets__address__icontains=words)).distinct()
    return render(request, "aliases.html", {"page": page(request, found), "q": words})


def new(request: HttpRequest) -> HttpResponse:
    form = AliasForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["address"]
        alias = attempt(form, lambda: aliases.create_alias(actor(request), address, **form.changes))
        if alias is not None:
            messages.success(request, gettext("{alias} is created.").format(alias=alias))
            return redirect("aliases")
    return render(
        request,
        "form.html",
        {"form": form, "title": gettext("New alias"), "verb": gettext("Create it"), "back": "aliases"},
    )


def one(request: HttpRequest, pk: int) -> HttpResponse:
    alias = get_object_or_404(
        visible(actor(request), Address).select_related("domain"), pk=pk, account__isnull=True
    )
    initial = {
        "targets": "\n".join(target.address for target in alias.targets.all()),
        "posters": "\n".join(poster.address for poster in alias.posters.all()),
        "posting": alias.posting,
        "note": alias.note,
        "expires_at": alias.expires_at,
    }
    form = AliasForm(request.POST or None, initial=initial)
    del form.fields["address"]
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: aliases.change_alias(actor(request), alias, **form.changes))
        if changed is not None:
            messages.success(request, gettext("{alias} is changed.").format(alias=alias))
            return redirect("aliases")
    context = {
        "form": form,
        "title": str(alias),
        "verb": gettext("Save"),
        "back": "aliases",
        "delete": "alias-delete",
        "pk": pk,
    }
    return render(request, "form.html", context)


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    alias = get_object_or_404(
        visible(actor(request), Address).select_related("domain"), pk=pk, account__isnull=True
    )
    if request.method == "POST":
        aliases.delete_alias(actor(request), alias)
        messages.success(request, gettext("{alias} is deleted.").format(alias=alias))
        return redirect("aliases")
    context = {
        "title": gettext("Delete {alias}?").format(alias=alias),
        "words": gettext("Mail to it is refused from then on."),
        "back": "alias",
        "pk": pk,
    }
    return render(request, "delete.html", context)
