"""A forgotten password: a link goes to the recovery address, which its owner has confirmed before.

A link is good for an hour, and once: it names the password that it replaces. Whoever asks gets the same answer
whether or not there is such an account, and no sooner, for the mail is made in a thread of its own.
"""

import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from secrets import token_hex

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, gettext_lazy

from mailservices import log
from mailservices.mail.address import parse
from mailservices.mail.errors import MailError, ProtocolError
from webadmin import engine
from webadmin.audit.record import Actor, record
from webadmin.dashboard.forms import Form, actor, attempt
from webadmin.directory.actions import change_own_password
from webadmin.directory.models import Account
from webadmin.identity import owner_of
from webadmin.own.models import Recovery
from webadmin.own.pages import owned
from webadmin.scope import Right, own_or, verb

#: Seconds for which a link is good.
GOOD_FOR = 3600
#: How often one address may ask, and how often links go to one account, in an hour.
ASKERS = engine.Limit("recovery asked", 20, 3600)
LINKS = engine.Limit("recovery links", 3, 3600)
_CONFIRM, _RESET = "own.recovery.confirm", "own.recovery.reset"

_log = log.get()


class RecoveryForm(Form):
    address = forms.CharField(
        label=gettext_lazy("Recovery address"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("One that you can read without this password. Empty: none."),
    )


class ForgottenForm(Form):
    address = forms.CharField(label=gettext_lazy("Your mail address here"), max_length=320)


class NewPasswordForm(Form):
    new = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least ten characters."),
    )


# The address


@verb(Right.OWN)
def set_recovery(actor: Actor, account: Account, text: str) -> Recovery | None:
    """Remember where a link may go once it is confirmed; nowhere: none is sent any more."""
    own_or(actor, account, Right.MANAGE)
    address = _parsed(text, account) if text.strip() else ""
    before = Recovery.objects.filter(account=account).first()
    if (before.address if before else "") == address:
        return before
    Recovery.objects.filter(account=account).delete()
    record(
        actor, "set recovery address", account.address, {"address": before.address if before else ""},
        {"address": address},
    )  # fmt: skip
    return Recovery.objects.create(account=account, address=address) if address else None


def _parsed(text: str, account: Account) -> str:
    try:
        address = str(parse(text.strip()))
    except ProtocolError as error:
        raise ValidationError({"address": str(error)}) from error
    if address.lower() == account.address:
        raise ValidationError({"address": gettext("That is the one whose password you would have forgotten.")})
    return address


@owned
def address(request: HttpRequest, account: Account) -> HttpResponse:
    row = Recovery.objects.filter(account=account).first()
    form = RecoveryForm(request.POST or None, initial={"address": row.address if row else ""})
    if request.method == "POST" and form.is_valid():
        form_address = form.cleaned_data["address"]
        found = attempt(form, lambda: (set_recovery(actor(request), account, form_address),))
        if found is not None:
            [row] = found
            if row is None:
                messages.success(request, gettext("No link is sent to anybody."))
            elif row.confirmed_at is None and _may_send(account):
                token = signing.dumps([account.pk, row.address], salt=_CONFIRM)
                link = request.build_absolute_uri(reverse("own-recovery-confirm", args=[token]))
                words = gettext(
                    "To use this address if the password of {address} is forgotten, open this link"
                ).format(address=account.address)
                _in_thread(
                    lambda: _send(account, row.address, gettext("Confirm your recovery address"), words, link)
                )
                messages.success(
                    request,
                    gettext("A link was sent to {address}: follow it within an hour.").format(address=row.address),
                )
            elif row.confirmed_at is None:
                messages.error(request, gettext("Too many links were sent: try again in an hour."))
            return redirect("own-recovery")
    state = (
        gettext("It is confirmed.")
        if row and row.confirmed_at
        else gettext("It is not confirmed yet.")
        if row
        else ""
    )
    words = gettext("Where a link goes if you forget your password. {state}").format(state=state)
    context = {
        "form": form,
        "title": gettext("Recovery address"),
        "verb": gettext("Save"),
        "back": "home",
        "words": words,
    }
    return render(request, "form.html", context)


@login_not_required
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link that was sent there; looking at it changes nothing, for programs follow links, too."""
    pk, to = _opened(token, _CONFIRM)
    row = Recovery.objects.select_related("account__domain").filter(account_id=pk, address=to).first()
    if row is None:
        raise Http404
    title = gettext("Confirm your recovery address")
    if request.method == "POST":
        row.confirmed_at = timezone.now()
        with transaction.atomic():
            row.save(update_fields=["confirmed_at"])
            record(_owner(request, row.account), "confirm recovery address", row.account.address)
        words = gettext("{to} is confirmed.").format(to=to)
        return render(request, "own/forgotten.html", {"title": title, "words": words})
    words = gettext("A link goes to {to} if the password of {address} is forgotten.").format(
        to=to, address=row.account.address
    )
    context = {"title": title, "words": words, "form": Form(), "verb": gettext("Confirm it")}
    return render(request, "own/forgotten.html", context)


# The password


@login_not_required
def forgotten(request: HttpRequest) -> HttpResponse:
    form = ForgottenForm(request.POST or None)
    title = gettext("Password forgotten")
    if request.method == "POST" and form.is_valid():
        if engine.charge(ASKERS, str(request.META.get("REMOTE_ADDR")))[1]:
            words = gettext("You have asked too often: try again in an hour.")
            return render(request, "own/forgotten.html", {"title": title, "words": words}, status=429)
        asked = form.cleaned_data["address"]
        base = request.build_absolute_uri("/")
        _in_thread(lambda: _send_link(asked, base))
        words = gettext(
            "If there is such an account, and it has a confirmed recovery address, a link was sent there. It is "
            "good for an hour. Else ask your administrator."
        )
        return render(request, "own/forgotten.html", {"title": title, "words": words})
    return render(request, "own/forgotten.html", {"title": title, "form": form, "verb": gettext("Send me a link")})


def _send_link(asked: str, base: str) -> None:
    try:
        one = parse(asked.strip())
    except ProtocolError:
        return
    living = Account.objects.filter(address=f"{one.key}@{one.domain}", active=True, deleted_at__isnull=True)
    account = living.select_related("domain", "recovery").filter(recovery__confirmed_at__isnull=False).first()
    if account is None or not account.domain.active or not _may_send(account):
        return
    token = signing.dumps([account.pk, _mark(account)], salt=_RESET)
    link = base.rstrip("/") + reverse("forgotten-reset", args=[token])
    words = gettext("Somebody asked for a new password of {address}. If it was you, open this link").format(
        address=account.address
    )
    _send(account, account.recovery.address, gettext("Your password"), words, link)


@login_not_required
def reset(request: HttpRequest, token: str) -> HttpResponse:
    pk, mark = _opened(token, _RESET)
    living = Account.objects.select_related("domain").filter(pk=pk, active=True, deleted_at__isnull=True)
    account = living.filter(domain__active=True).first()
    if account is None or _mark(account) != mark:
        raise Http404
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        owner, new = owner_of(account), form.cleaned_data["new"]

        def carry_out() -> bool:
            validate_password(new, owner)
            change_own_password(_owner(request, account), account, new)
            return True

        try:
            carry_out()
        except ValidationError as error:
            form.add_error("new", error.messages)
        else:
            messages.success(request, gettext("Your password is changed: sign in with it."))
            return redirect("account_login")
    context = {
        "title": gettext("A new password"),
        "words": account.address,
        "form": form,
        "verb": gettext("Set it"),
    }
    return render(request, "own/forgotten.html", context)


# What they share


def _owner(request: HttpRequest, account: Account) -> Actor:
    return Actor(owner_of(account), request.META.get("REMOTE_ADDR") or None)


def _mark(account: Account) -> str:
    """Of the password that is replaced: once it is, the link is good no more."""
    return salted_hmac(_RESET, account.password, algorithm="sha256").hexdigest()[:32]


def _opened(token: str, salt: str) -> tuple[int, str]:
    try:
        pk, told = signing.loads(token, salt=salt, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise Http404 from error
    return int(pk), str(told)


def _may_send(account: Account) -> bool:
    return not engine.charge(LINKS, str(account.pk))[1]


def _in_thread(work: Callable[[], None]) -> None:
    def carry_out() -> None:
        try:
            work()
        except MailError as error:
            _log.warning("link not sent", error=type(error).__name__)
        finally:
            connection.close()

    threading.Thread(target=carry_out, name="recovery", daemon=True).start()


def _send(account: Account, to: str, subject: str, words: str, link: str) -> None:
    author = f"postmaster@{account.domain.name}"
    message = EmailMessage(SMTP if to.isascii() else SMTPUTF8)
    message["From"] = f"Facteur <{author}>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = f"<{token_hex(16)}@{settings.CONFIG.hostname}>"
    # RFC 3834 §5.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        gettext("{words} within an hour:\n\n{link}\n\nIf it was not you, nothing has to be done.\n").format(
            words=words, link=link
        ),
        cte="base64",
    )
    engine.send(message.as_bytes(), author, to)
