"""The pages of whoever owns an account: what she has, and what she says is done with her mail."""

import base64
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeAlias
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe
from qrcode.image.svg import SvgPathImage
from qrcode.main import make

from mailservices.mail.vocabulary import INBOX, SignInOutcome
from webadmin.dashboard.forms import AppPasswordForm, actor, attempt, page
from webadmin.directory import aliases, lifecycle, signin
from webadmin.directory.delegates import rights_of, rights_on
from webadmin.directory.models import Account, Address, AppPassword
from webadmin.own import actions as own
from webadmin.own import export, programs, undelete
from webadmin.own.forms import AddressForm, ForwardingForm, VacationForm
from webadmin.own.well_known import profile
from webadmin.security.models import SignIn
from webadmin.security.sessions import last_sign_ins

#: How long the log shows sign-ins, and those that failed: of them there may be very many.
LOG = timedelta(days=30)
LOG_FAILED = timedelta(days=7)
#: Aliases that the first page shows.
ALIASES = 50

Page: TypeAlias = Callable[..., HttpResponseBase]


def owned(page_of: Page) -> Page:
    """A page of an account's owner. Administrators have no account: they are led to their sign-in."""

    @wraps(page_of)
    def show(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        account: Account | None = request.user.account  # type: ignore[union-attr]
        if account is None:
            if request.method == "POST":
                raise Http404
            return redirect("mfa_index")
        return page_of(request, account, *arguments, **named)

    return show


@require_safe
@owned
def home(request: HttpRequest, account: Account) -> HttpResponse:
    context = {
        "account": account,
        "forwarding": own.forwarding_of(account),
        "vacation": own.vacation_of(account),
        "apps": account.app_passwords.count(),
        "disposable": aliases.disposable_of(account).count(),
        "others": aliases.aliases_of(account)[:ALIASES],
        "sign_ins": last_sign_ins(account),
        "reads": rights_of(account),
        "read_by": rights_on(account),
    }
    return render(request, "own/home.html", context)


@require_safe
@owned
def log(request: HttpRequest, account: Account) -> HttpResponse:
    """Who signed in, and who tried to."""
    context = {"page": page(request, sign_ins_of(account)), "title": gettext("Sign-ins to your mail")}
    return render(request, "own/log.html", context)


def sign_ins_of(account: Account) -> QuerySet[SignIn]:
    """The last first: those to the account, and those that failed by its name."""
    now = timezone.now()
    hers = Q(account_id=account.pk, at__gt=now - LOG)
    failed = ~Q(outcome=SignInOutcome.ACCEPTED) & Q(name__iexact=account.address, at__gt=now - LOG_FAILED)
    return SignIn.objects.filter(hers | failed).order_by("-at", "-pk")


@require_POST
@owned
def sign_out(request: HttpRequest, account: Account) -> HttpResponse:
    """At the mail servers; the sessions of these pages are ended on the page of the sign-in."""
    lifecycle.sign_out(actor(request), account)
    messages.success(request, gettext("All mail programs are signed out within seconds."))
    return redirect("own-log")


# App passwords


@require_safe
@owned
def apps(request: HttpRequest, account: Account) -> HttpResponse:
    return render(request, "own/apps.html", {"account": account, "apps": account.app_passwords.all()})


@owned
def new_app(request: HttpRequest, account: Account) -> HttpResponse:
    form = AppPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: signin.create_app_password(actor(request), account, **form.values))
        if made is not None:
            app, text = made
            context = {"account": account, "app": app, "password": text, "back": "own-apps", "qr": qr(text)}
            return render(request, "app_password_made.html", {**context, **ways()})
    context = {"form": form, "title": gettext("New app password"), "verb": gettext("Make it"), "back": "own-apps"}
    return render(request, "form.html", context)


def qr(text: str) -> str:
    """A picture of it that a phone's camera reads, as an image's address."""
    drawn = make(text, image_factory=SvgPathImage).to_string()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"


@require_POST
@owned
def revoke_app(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    app = get_object_or_404(AppPassword.objects.select_related("account"), pk=pk, account=account)
    if request.POST.get("sure") != "yes":
        return sure(
            request,
            gettext("Revoke {label}?").format(label=app.label),
            gettext("The program that has it cannot sign in any more."),
            gettext("Revoke it"),
            "own-apps",
        )
    signin.revoke_app_password(actor(request), app)
    messages.success(request, gettext("{label} is revoked.").format(label=app.label))
    return redirect("own-apps")


def sure(request: HttpRequest, title: str, words: str, yes: str, back: str) -> HttpResponse:
    """Ask before something is lost."""
    context = {"title": title, "words": words, "yes": yes, "back": reverse(back), "action": request.path}
    return render(request, "confirm.html", context)


# Mail programs


@require_safe
@owned
def set_up(request: HttpRequest, account: Account) -> HttpResponse:
    return render(request, "own/programs.html", {"account": account, **ways()})


@require_safe
@owned
def apple(_request: HttpRequest, account: Account) -> HttpResponse:
    return profile(account.address, account.display_name)


def ways() -> dict[str, Any]:
    """The servers, by protocol."""
    return {
        "servers": programs.servers(),
        **{protocol: programs.best(protocol) for protocol in ("imap", "smtp", "pop3")},
    }


# What is done with mail that comes


@owned
def forwarding(request: HttpRequest, account: Account) -> HttpResponse:
    now = own.forwarding_of(account)
    form = ForwardingForm(request.POST or None, initial={"targets": "\n".join(now.targets), "copy": now.keep})
    if request.method == "POST" and form.is_valid():
        told = attempt(form, lambda: own.forward(actor(request), account, **form.values))
        if told is not None:
            goes_on = gettext("Your mail goes on to {listed}.").format(listed=", ".join(told.targets))
            messages.success(request, goes_on if told.targets else gettext("Your mail stays here."))
            return redirect("own-forwarding")
    return render(
        request,
        "form.html",
        {"form": form, "title": gettext("Forwarding"), "verb": gettext("Save"), "back": "home"},
    )


@owned
def vacation(request: HttpRequest, account: Account) -> HttpResponse:
    row = own.vacation_of(account)
    form = VacationForm(request.POST or None, initial=VacationForm.shown(row))
    if request.method == "POST" and form.is_valid():
        told = attempt(form, lambda: own.change_vacation(actor(request), account, **form.values))
        if told is not None:
            words = (
                gettext("Whoever writes to you is answered.") if told.active else gettext("Nobody is answered.")
            )
            messages.success(request, gettext("It is saved. {words}").format(words=words))
            return redirect("own-vacation")
    words = gettext(
        "Each sender is answered once. Lists, programs and mail that is not addressed to you by name are not "
        "answered. Days begin and end in UTC."
    )
    context = {
        "form": form,
        "title": gettext("While you are away"),
        "verb": gettext("Save"),
        "back": "home",
        "words": words,
    }
    return render(request, "form.html", context)


@owned
def removed(request: HttpRequest, account: Account) -> HttpResponse:
    """Deleted messages, and back with them."""
    folder, ticked = request.POST.get("folder", INBOX), _ids(request.POST.getlist("contents"))
    errors: list[str] = []
    if request.method == "POST":
        try:
            count = undelete.undelete(actor(request), account, ticked, folder)
        except ValidationError as error:
            errors = error.messages
        else:
            messages.success(
                request,
                ngettext(
                    "{count} message came back into {folder}.", "{count} messages came back into {folder}.", count
                ).format(count=count, folder=folder),
            )
            return redirect("own-removed")
    shown = page(request, undelete.removed_of(account))
    context = {
        "page": shown,
        "rows": undelete.told(account, list(shown)),
        "folders": account.mailboxes.order_by("name").values_list("name", flat=True),
        "folder": folder,
        "ticked": ticked,
        "errors": errors,
        "days": lifecycle.UNDELETE.days,
    }
    return render(request, "own/removed.html", context)


def _ids(texts: list[str]) -> list[UUID]:
    try:
        return [UUID(text) for text in texts]
    except ValueError as error:
        raise Http404 from error


@owned
def export_mail(request: HttpRequest, account: Account) -> HttpResponseBase:
    """All mail as one file."""
    if request.method != "POST":
        return render(request, "own/export.html", {"account": account})
    kind = export.MBOX if request.POST.get("kind") == export.MBOX else export.MAILDIR
    return export.sent(actor(request), account, kind)


# Addresses to give away


@owned
def addresses(request: HttpRequest, account: Account) -> HttpResponse:
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["note"]
        alias = attempt(form, lambda: aliases.create_disposable(actor(request), account, note))
        if alias is not None:
            messages.success(request, gettext("{alias} leads to you now.").format(alias=alias))
            return redirect("own-addresses")
    context = {
        "form": form,
        "account": account,
        "page": page(request, aliases.disposable_of(account).order_by("-pk")),
        "others": aliases.aliases_of(account)[:ALIASES],
    }
    return render(request, "own/addresses.html", context)


@require_POST
@owned
def delete_address(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    alias = get_object_or_404(aliases.disposable_of(account), pk=pk, disposable=True)
    if request.POST.get("sure") != "yes":
        return sure(
            request,
            gettext("Delete {alias}?").format(alias=alias),
            gettext("Mail to it is refused from then on."),
            gettext("Delete it"),
            "own-addresses",
        )
    try:
        aliases.delete_disposable(actor(request), account, pk)
    except Address.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, gettext("{alias} is deleted.").format(alias=alias))
    return redirect("own-addresses")
