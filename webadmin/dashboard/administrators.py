"""Who administers: the list, a new one, one to change, disable or delete."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy

from mailservices.mail.address import normal_domain
from mailservices.mail.errors import ProtocolError
from webadmin.audit.record import Actor
from webadmin.dashboard.forms import Form, actor, attempt, page
from webadmin.directory import administrators as verbs
from webadmin.directory.models import Administrator, Domain, Role, Tenant
from webadmin.scope import RIGHTS, rights, visible


def domains_named(who: Actor, text: str) -> list[Domain]:
    """Those whose names stand in the text, within reach. Raises ValidationError."""
    names = set()
    for word in text.replace(",", "\n").split():
        try:
            names.add(normal_domain(word))
        except ProtocolError as error:
            raise ValidationError({"domains": f"{word}: {error}"}) from error
    found = list(visible(who, Domain).filter(name__in=names))
    if missing := sorted(names - {domain.name for domain in found}):
        raise ValidationError(
            {"domains": gettext("There is no domain {listed}.").format(listed=", ".join(missing))}
        )
    return found


class AdministratorForm(Form):
    """`username` is asked only of a new one; a password only where it is to change."""

    username = forms.CharField(label=gettext_lazy("Name to sign in with"), max_length=150)
    role = forms.ChoiceField(label=gettext_lazy("Role"))
    tenant = forms.ModelChoiceField(
        label=gettext_lazy("Tenant"),
        queryset=Tenant.objects.none(),
        required=False,
        empty_label=gettext_lazy("none"),
        help_text=gettext_lazy("Of tenant administrators; of helpdesk that helps all of a tenant."),
    )
    domains = forms.CharField(
        label=gettext_lazy("Domains"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Of domain administrators, and of helpdesk without a tenant: one name on each line."
        ),
    )
    email = forms.CharField(
        label=gettext_lazy("Address at the identity provider"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("Empty: she signs in with her password only."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least ten characters."),
    )
    is_active = forms.BooleanField(label=gettext_lazy("May sign in"), required=False, initial=True)

    def __init__(self, who: Actor, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.who = who
        given = [role for role in verbs.ROLES if RIGHTS[role] <= rights(who)]
        self.fields["role"].choices = [(role.value, role.label) for role in given]  # type: ignore[attr-defined]
        self.fields["tenant"].queryset = visible(who, Tenant)  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """What the verbs are told, beside the name. Raises ValidationError."""
        told = {name: value for name, value in self.cleaned_data.items() if name != "username"}
        return {**told, "domains": domains_named(self.who, told["domains"])}


def index(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    found = visible(actor(request), Administrator).exclude(role=Role.USER).filter(username__icontains=words)
    found = found.select_related("tenant").prefetch_related("domains").order_by("username")
    context = {"title": gettext("Administrators"), "page": page(request, found), "q": words}
    return render(request, "administrators.html", context)


def new(request: HttpRequest) -> HttpResponse:
    who = actor(request)
    form = AdministratorForm(who, request.POST or None, initial={"role": Role.DOMAIN})
    del form.fields["is_active"]
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["username"]
        made = attempt(form, lambda: verbs.create_administrator(name, actor=who, **form.values))
        if made is not None:
            messages.success(request, gettext("{made} may sign in now.").format(made=made))
            return redirect("administrators")
    context = {
        "form": form,
        "title": gettext("New administrator"),
        "verb": gettext("Create it"),
        "back": "administrators",
    }
    return render(request, "form.html", context)


def one(request: HttpRequest, pk: int) -> HttpResponse:
    who = actor(request)
    row = get_object_or_404(visible(who, Administrator).exclude(role=Role.USER), pk=pk)
    initial = {name: getattr(row, name) for name in ("role", "tenant", "email", "is_active")}
    names = "\n".join(row.domains.values_list("name", flat=True))
    form = AdministratorForm(who, request.POST or None, initial={**initial, "domains": names})
    del form.fields["username"]
    form.fields["password"].required = False
    form.fields["password"].help_text = gettext("Empty: it stays as it is. A new one ends her sessions.")
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: verbs.change_administrator(who, row, **form.values))
        if changed is not None:
            messages.success(request, gettext("{row} is changed.").format(row=row))
            return redirect("administrators")
    context = {"form": form, "title": str(row), "verb": gettext("Save"), "back": "administrators"}
    return render(request, "form.html", {**context, "delete": "administrator-delete", "pk": pk})


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible(actor(request), Administrator).exclude(role=Role.USER), pk=pk)
    form = forms.Form(request.POST or None)

    def carry_out() -> bool:
        verbs.delete_administrator(actor(request), row)
        return True

    if request.method == "POST" and form.is_valid() and attempt(form, carry_out):
        messages.success(request, gettext("{row} is deleted.").format(row=row))
        return redirect("administrators")
    tokens = row.tokens.count()
    context = {
        "form": form,
        "title": gettext("Delete {row}?").format(row=row),
        "words": gettext(
            "She cannot sign in from then on, and her {tokens} API token(s) are good for "
            "nothing. What she did stays in the audit."
        ).format(tokens=tokens),
        "back": "administrator",
        "pk": pk,
    }
    return render(request, "delete.html", context)
