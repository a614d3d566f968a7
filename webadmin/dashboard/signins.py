"""Signing in: an account's app passwords, who is blocked, whose tokens are good."""

from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webadmin.dashboard.forms import AppPasswordForm, IssuerForm, actor, attempt
from webadmin.directory import signin
from webadmin.directory.models import Account, AppPassword, Issuer
from webadmin.directory.signin_api import find_block
from webadmin.scope import visible


def index(request: HttpRequest) -> HttpResponse:
    found = [(block, datetime.fromtimestamp(block.until, UTC)) for block in signin.blocks_for(actor(request))]
    return render(request, "signins.html", {"blocks": found, "issuers": visible(actor(request), Issuer)})


@require_POST
def lift(request: HttpRequest, pk: str) -> HttpResponse:
    block = find_block(actor(request), pk)
    signin.lift_block(actor(request), block)
    messages.success(request, gettext("{what} may try again.").format(what=block.what))
    return redirect("sign-ins")


# App passwords


def new_app_password(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(visible(actor(request), Account), pk=pk, deleted_at__isnull=True)
    form = AppPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: signin.create_app_password(actor(request), account, **form.values))
        if made is not None:
            app, text = made
            return render(request, "app_password_made.html", {"account": account, "app": app, "password": text})
    context = {
        "form": form,
        "title": gettext("New app password of {address}").format(address=account.address),
        "verb": gettext("Make it"),
    }
    return render(request, "form.html", {**context, "back": "account", "back_pk": pk})


@require_POST
def revoke(request: HttpRequest, pk: int, app: int) -> HttpResponse:
    found = get_object_or_404(
        visible(actor(request), AppPassword).select_related("account"), pk=app, account_id=pk
    )
    signin.revoke_app_password(actor(request), found)
    messages.success(request, gettext("{label} is revoked.").format(label=found.label))
    return redirect("account", pk)


# Issuers of tokens


def new_issuer(request: HttpRequest) -> HttpResponse:
    form = IssuerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        issuer = attempt(form, lambda: signin.create_issuer(actor(request), **form.cleaned_data))
        if issuer is not None:
            messages.success(request, gettext("Tokens of {issuer} are good here.").format(issuer=issuer))
            return redirect("sign-ins")
    context = {
        "form": form,
        "title": gettext("New token issuer"),
        "verb": gettext("Create it"),
        "back": "sign-ins",
    }
    return render(request, "form.html", context)


def one_issuer(request: HttpRequest, pk: int) -> HttpResponse:
    issuer = get_object_or_404(Issuer, pk=pk)
    form = IssuerForm(request.POST or None, initial={name: getattr(issuer, name) for name in signin.CHANGEABLE})
    del form.fields["issuer"]
    form.fields["client_secret"].help_text = gettext("Empty: it stays as it is.")
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: signin.change_issuer(actor(request), issuer, **form.cleaned_data))
        if changed is not None:
            messages.success(request, gettext("{issuer} is changed.").format(issuer=issuer))
            return redirect("sign-ins")
    context = {"form": form, "title": str(issuer), "verb": gettext("Save"), "back": "sign-ins"}
    return render(request, "form.html", {**context, "delete": "issuer-delete", "pk": pk})


def delete_issuer(request: HttpRequest, pk: int) -> HttpResponse:
    issuer = get_object_or_404(Issuer, pk=pk)
    if request.method == "POST":
        signin.delete_issuer(actor(request), issuer)
        messages.success(request, gettext("{issuer} is deleted.").format(issuer=issuer))
        return redirect("sign-ins")
    words = gettext("Nobody can sign in by its tokens from then on.")
    context = {
        "title": gettext("Delete {issuer}?").format(issuer=issuer),
        "words": words,
        "back": "issuer",
        "pk": pk,
    }
    return render(request, "delete.html", context)
