"""Who may use which folder of an account: pages of its owner and of administrators."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from webadmin.dashboard.forms import Form, actor, attempt
from webadmin.directory import delegates
from webadmin.directory.models import Account
from webadmin.own.pages import owned
from webadmin.scope import visible


class ShareForm(Form):
    folder = forms.ChoiceField(label=gettext_lazy("Folder"))
    grantee = forms.CharField(
        label=gettext_lazy("With whom"),
        required=False,
        max_length=320,
        help_text=gettext_lazy("An address of the same domain. Empty: everybody of the domain."),
    )
    level = forms.ChoiceField(
        label=gettext_lazy("May"),
        choices=[
            ("read", gettext_lazy("Read")),
            ("write", gettext_lazy("Read, put mail into it, change and remove it")),
            ("all", gettext_lazy("All that, and make, rename and remove folders")),
        ],
    )

    def __init__(self, account: Account, *arguments: Any) -> None:
        super().__init__(*arguments)
        names = account.mailboxes.order_by("name").values_list("name", flat=True)
        self.fields["folder"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


@owned
def own(request: HttpRequest, account: Account) -> HttpResponse:
    return _sharing(request, account, reverse("own-sharing"), reverse("home"))


def of_account(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(visible(actor(request), Account), pk=pk, deleted_at__isnull=True)
    return _sharing(request, account, reverse("account-sharing", args=[pk]), reverse("account", args=[pk]))


def _sharing(request: HttpRequest, account: Account, here: str, back: str) -> HttpResponse:
    takes = "take" in request.POST
    form = ShareForm(account, request.POST if request.method == "POST" and not takes else None)
    if takes:
        told = (request.POST.get("folder", ""), request.POST.get("grantee", ""))
        try:
            delegates.share(actor(request), account, *told, "")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            words = gettext("{folder} is not shared with them any more.")
            messages.success(request, words.format(folder=told[0]))
        return redirect(here)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        told = (asked["folder"], asked["grantee"].strip())
        letters = delegates.LEVELS[asked["level"]]
        shared = attempt(form, lambda: (delegates.share(actor(request), account, *told, letters),))
        if shared is not None:
            messages.success(request, gettext("{folder} is shared.").format(folder=asked["folder"]))
            return redirect(here)
    context = {"account": account, "form": form, "rows": delegates.rights_on(account), "back": back}
    return render(request, "sharing.html", context)
