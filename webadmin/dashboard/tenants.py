"""Tenants: the list with what they have of what is handed down, a new one, one to change or delete."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy

from webadmin.dashboard.forms import GIB, Form, actor, attempt, page
from webadmin.directory import tenants as verbs
from webadmin.directory.models import Tenant
from webadmin.scope import visible


class TenantForm(Form):
    """A limit that is empty is none."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    most_domains = forms.IntegerField(label=gettext_lazy("Domains at most"), min_value=0, required=False)
    most_accounts = forms.IntegerField(label=gettext_lazy("Accounts at most"), min_value=0, required=False)
    storage = forms.FloatField(
        label=gettext_lazy("Storage in GiB"),
        min_value=0,
        required=False,
        localize=False,
        help_text=gettext_lazy(
            "The sum of its accounts' quotas: each then needs one. Empty, here and above: no limit."
        ),
    )

    @property
    def values(self) -> dict[str, Any]:
        """What the verbs are told. The form shows the storage rounded: what was not touched is not changed."""
        told = dict(self.cleaned_data)
        storage = told.pop("storage")
        if "storage" in self.changed_data:
            told["most_bytes"] = None if storage is None else round(storage * GIB)
        return told


def index(request: HttpRequest) -> HttpResponse:
    shown = page(request, visible(actor(request), Tenant).order_by("name"))
    rows = [(tenant, verbs.used(tenant)) for tenant in shown]
    return render(request, "tenants.html", {"title": gettext("Tenants"), "page": shown, "rows": rows})


def new(request: HttpRequest) -> HttpResponse:
    form = TenantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: verbs.create_tenant(actor(request), **form.values))
        if made is not None:
            messages.success(
                request, gettext("{made} is created: now give it domains and an administrator.").format(made=made)
            )
            return redirect("tenants")
    context = {"form": form, "title": gettext("New tenant"), "verb": gettext("Create it"), "back": "tenants"}
    return render(request, "form.html", context)


def one(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible(actor(request), Tenant), pk=pk)
    storage = None if row.most_bytes is None else round(row.most_bytes / GIB, 3)
    initial = {name: getattr(row, name) for name in ("name", "most_domains", "most_accounts")}
    form = TenantForm(request.POST or None, initial={**initial, "storage": storage})
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: verbs.change_tenant(actor(request), row, **form.values))
        if changed is not None:
            messages.success(request, gettext("{row} is changed.").format(row=row))
            return redirect("tenants")
    context = {"form": form, "title": str(row), "verb": gettext("Save"), "back": "tenants"}
    return render(request, "form.html", {**context, "delete": "tenant-delete", "pk": pk})


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible(actor(request), Tenant), pk=pk)
    form = forms.Form(request.POST or None)

    def carry_out() -> bool:
        verbs.delete_tenant(actor(request), row)
        return True

    if request.method == "POST" and form.is_valid() and attempt(form, carry_out):
        messages.success(request, gettext("{row} is deleted.").format(row=row))
        return redirect("tenants")
    words = gettext("Its limits are forgotten. It can be deleted once it has no domains and no administrators.")
    context = {
        "form": form,
        "title": gettext("Delete {row}?").format(row=row),
        "words": words,
        "back": "tenant",
        "pk": pk,
    }
    return render(request, "delete.html", context)
