"""Groups and their members."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy, ngettext

from webadmin.dashboard.forms import AliasForm, Form, actor, attempt, page
from webadmin.directory import aliases, groups
from webadmin.directory.models import Address
from webadmin.scope import visible


class MembersForm(Form):
    members = forms.CharField(
        label=gettext_lazy("New members"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One address on each line, here or elsewhere."),
    )


def index(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    found = (
        groups.groups_among(visible(actor(request), Address))
        .select_related("domain")
        .order_by("domain__name", "local_part")
    )
    if words:
        found = found.filter(local_part__icontains=words)
    return render(request, "groups.html", {"page": page(request, found), "q": words})


def new(request: HttpRequest) -> HttpResponse:
    form = AliasForm(request.POST or None)
    form.fields["address"].help_text = gettext("Such as team@example.org.")
    form.fields["targets"].label = gettext("Members")
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["address"]
        group = attempt(form, lambda: aliases.create_alias(actor(request), address, **form.changes))
        if group is not None:
            messages.success(request, gettext("{alias} is created.").format(alias=group))
            return redirect("group", group.pk)
    context = {"form": form, "title": gettext("New group"), "verb": gettext("Create it"), "back": "groups"}
    return render(request, "form.html", context)


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Its members; the ticked ones are removed, those of the form added."""
    aliases = visible(actor(request), Address).filter(account__isnull=True).select_related("domain")
    group = get_object_or_404(aliases, pk=pk)
    adds = request.POST.get("verb") == "add"
    form = MembersForm(request.POST if adds else None)
    if request.method == "POST" and not adds:
        try:
            gone = groups.remove_members(actor(request), group, request.POST.getlist("members"))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            words = ngettext("{count} member is removed.", "{count} members are removed.", len(gone))
            messages.success(request, words.format(count=len(gone)))
        return redirect("group", pk)
    if adds and form.is_valid():
        lines = form.cleaned_data["members"].split()
        made = attempt(form, lambda: (groups.add_members(actor(request), group, lines),))
        if made is not None:
            words = ngettext("{count} member is added.", "{count} members are added.", len(made[0]))
            messages.success(request, words.format(count=len(made[0])))
            return redirect("group", pk)
    members = page(request, group.targets.all())
    return render(request, "group.html", {"group": group, "form": form, "page": members})
