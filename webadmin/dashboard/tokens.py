"""Tokens of the REST API: the list, a new one that is shown once, one revoked."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.timezone import make_aware
from django.utils.translation import gettext, gettext_lazy

from webadmin.audit.record import Actor
from webadmin.dashboard.administrators import domains_named
from webadmin.dashboard.forms import Form, actor, attempt, page
from webadmin.directory import administrators as verbs
from webadmin.directory.models import ApiToken
from webadmin.scope import Right, rights, visible

#: What each right is called.
RIGHT_WORDS = {
    Right.OWN: gettext_lazy("Its own sign-in"),
    Right.LOOK: gettext_lazy("Look"),
    Right.RESET: gettext_lazy("Reset passwords, lift blocks"),
    Right.MANAGE: gettext_lazy("Accounts, aliases, what domains wish"),
    Right.DELEGATE: gettext_lazy("Domains and administrators"),
    Right.OPERATE: gettext_lazy("The whole appliance"),
}


class TokenForm(Form):
    label = forms.CharField(
        label=gettext_lazy("For"), max_length=100, help_text=gettext_lazy("Such as: the web shop's sign-up.")
    )
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("May do"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=gettext_lazy("None chosen: whatever you may."),
    )
    domains = forms.CharField(
        label=gettext_lazy("Only in these domains"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=gettext_lazy("One name on each line. Empty: wherever you may."),
    )
    networks = forms.CharField(
        label=gettext_lazy("Only from these networks"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=gettext_lazy("Such as 192.0.2.0/24, one on each line. Empty: from anywhere."),
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty: until it is revoked."),
    )

    def __init__(self, who: Actor, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.who = who
        held = [right for right in RIGHT_WORDS if right in rights(who)]
        choices = [(right.value, RIGHT_WORDS[right]) for right in held]
        self.fields["rights"].choices = choices  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told. Raises ValidationError."""
        told, until = self.cleaned_data, self.cleaned_data["until"]
        return {
            "label": told["label"],
            "rights": told["rights"],
            "domains": domains_named(self.who, told["domains"]),
            "networks": told["networks"].split(),
            "expires_at": make_aware(datetime.combine(until, time.min) + timedelta(days=1)) if until else None,
        }


def index(request: HttpRequest) -> HttpResponse:
    found = visible(actor(request), ApiToken).select_related("administrator__account").prefetch_related("domains")
    context = {"title": gettext("API tokens"), "page": page(request, found.order_by("-pk")), "now": timezone.now()}
    return render(request, "tokens.html", context)


def new(request: HttpRequest) -> HttpResponse:
    who, own = actor(request), actor(request).administrator
    form = TokenForm(who, request.POST or None)
    if request.method == "POST" and form.is_valid():
        assert own is not None  # noqa: S101 - she has signed in
        made = attempt(form, lambda: verbs.create_token(own, actor=who, **form.values))
        if made is not None:
            return render(request, "token_made.html", {"title": made[0].label, "secret": made[1]})
    context = {"form": form, "title": gettext("New API token"), "verb": gettext("Make it"), "back": "tokens"}
    return render(request, "form.html", context)


def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(visible(actor(request), ApiToken), pk=pk)
    if request.method == "POST":
        verbs.revoke_token(actor(request), token)
        messages.success(request, gettext("{label} is revoked.").format(label=token.label))
        return redirect("tokens")
    words = gettext("Programs that use it are refused from then on. It cannot be had again.")
    return render(
        request,
        "delete.html",
        {"title": gettext("Revoke {label}?").format(label=token.label), "words": words, "back": "tokens"},
    )
