"""The pages of webhooks: which there are, and of each what it was told and what came of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from mailservices.mail.webhooks import KINDS, URL_CHARACTERS
from webadmin.dashboard.forms import Form, actor, attempt, page
from webadmin.webhooks import actions
from webadmin.webhooks.models import Delivery, Webhook


class WebhookForm(Form):
    """One hook."""

    url = forms.CharField(
        label=gettext_lazy("URL"),
        max_length=URL_CHARACTERS,
        help_text=gettext_lazy("https://, or http:// where whoever listens in may know all that is told."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Is told when a recipient is"),
        choices=[(kind.value, kind.value) for kind in KINDS],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    domain = forms.CharField(
        label=gettext_lazy("Only mail from or to"),
        max_length=255,
        required=False,
        help_text=gettext_lazy("A domain. Empty: all mail."),
    )
    note = forms.CharField(label=gettext_lazy("What it is for"), max_length=200, required=False)
    active = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)


def index(request: HttpRequest) -> HttpResponse:
    context = {"title": gettext("Webhooks"), "hooks": Webhook.objects.all()}
    return render(request, "webhooks.html", context)


def new(request: HttpRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None, initial={"kinds": [kind.value for kind in KINDS]})
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: actions.create_webhook(actor(request), **form.cleaned_data))
        if made is not None:
            return _shown(request, *made)
    context = {"form": form, "title": gettext("New webhook"), "verb": gettext("Make it"), "back": "webhooks"}
    return render(request, "form.html", context)


def one(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Webhook, pk=pk)
    form = WebhookForm(request.POST or None, initial={name: getattr(row, name) for name in actions.FIELDS})
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: actions.change_webhook(actor(request), row, **form.cleaned_data))
        if changed is not None:
            messages.success(request, gettext("Saved. It holds within seconds."))
            return redirect("webhook", pk)
    words = request.GET.get("q", "").strip()
    told = page(request, actions.search(row, words).prefetch_related("history"))
    context = {"title": gettext("Webhook"), "hook": row, "form": form, "page": told, "q": words}
    return render(request, "webhook.html", context)


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """A verb on one hook."""
    row = get_object_or_404(Webhook, pk=pk)
    match request.POST.get("verb"):
        case "test":
            try:
                actions.send_test(actor(request), row)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
            else:
                messages.success(request, gettext("A test is on its way: reload the page to see what came of it."))
        case "renew":
            return _shown(request, row, actions.renew_secret(actor(request), row))
        case "redeliver":
            chosen = Delivery.objects.filter(webhook=row, pk=_uuid(request.POST.get("id", "")))
            if actions.redeliver(actor(request), chosen):
                messages.success(request, gettext("It is told again."))
            else:
                messages.error(request, gettext("It is switched off: switch it on first."))
        case "delete":
            actions.delete_webhook(actor(request), row)
            messages.success(request, gettext("{url} is told nothing more.").format(url=row.url))
            return redirect("webhooks")
        case _:
            raise Http404
    return redirect("webhook", pk)


def _uuid(text: str) -> Any:
    try:
        return forms.UUIDField().clean(text)
    except ValidationError as error:
        raise Http404 from error


def _shown(request: HttpRequest, row: Webhook, secret: str) -> HttpResponse:
    """The one time that the secret is shown."""
    return render(request, "webhook_made.html", {"title": gettext("The secret"), "hook": row, "secret": secret})
