"""Accounts: the list with quotas, a new one with a password that is shown once, one to change or delete."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from mailservices.mail import passwords
from webadmin.dashboard.forms import GIB, AccountForm, PopForm, actor, attempt, page
from webadmin.directory import actions, aliases, bulk
from webadmin.directory import pop as choices
from webadmin.directory.delegates import rights_of, rights_on
from webadmin.directory.models import Account, Domain
from webadmin.queue import actions as queue
from webadmin.scope import Right, may, visible, within
from webadmin.security.sessions import last_sign_ins

#: Aliases that the page shows.
ALIASES = 50


def index(request: HttpRequest) -> HttpResponse:
    words, domain = request.GET.get("q", "").strip(), request.GET.get("domain", "")
    found = bulk.find(actor(request), words, domain).select_related("usage")
    context = {
        "page": page(request, found),
        "q": words,
        "domain": domain,
        "domains": visible(actor(request), Domain).values_list("name", flat=True),
    }
    return render(request, "accounts.html", context)


def new(request: HttpRequest) -> HttpResponse:
    domain = request.GET.get("domain", "")
    form = AccountForm(request.POST or None, initial={"address": f"@{domain}" if domain else ""})
    for name in ("active", "quota_messages", "send_as", *actions.SENDING):
        del form.fields[name]
    form.fields["password"].help_text = gettext("Empty: one is made, and shown once.")
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        password = values["password"] or passwords.invent()
        account = attempt(
            form,
            lambda: actions.create_account(
                actor(request), values["address"], password, form.quota_bytes, values["display_name"]
            ),
        )
        if account is not None:
            shown = None if values["password"] else password
            return render(request, "account_made.html", {"account": account, "password": shown})
    return render(
        request,
        "form.html",
        {"form": form, "title": gettext("New account"), "verb": gettext("Create it"), "back": "accounts"},
    )


def _shown(account: Account) -> dict[str, Any]:
    """What the form shows of an account."""
    return {
        "display_name": account.display_name,
        "quota": None if account.quota_bytes is None else round(account.quota_bytes / GIB, 3),
        "active": account.active,
        "quota_messages": account.quota_messages,
        "send_as": "\n".join(account.send_as.values_list("address", flat=True)),
        **{name: getattr(account, name) for name in actions.SENDING},
    }


def one(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(
        visible(actor(request), Account).select_related("usage"), pk=pk, deleted_at__isnull=True
    )
    form = AccountForm(request.POST or None, initial=_shown(account))
    del form.fields["address"]
    form.fields["password"].label = gettext("New password")
    form.fields["password"].help_text = gettext("Empty: it stays as it is.")
    if not may(actor(request), Right.MANAGE):
        form.keep("password")
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        named = ("display_name", "active", "quota_messages", *actions.SENDING)
        changes = {name: values[name] for name in named if name in values}
        # The form shows the quota rounded: what was not touched is not changed.
        if "quota" in form.changed_data:
            changes["quota_bytes"] = form.quota_bytes
        lent = values["send_as"].replace(",", "\n").split() if "send_as" in values else None

        def carry_out() -> Account:
            with transaction.atomic():
                if lent is not None:
                    actions.lend_addresses(actor(request), account, lent)
                return actions.change_account(
                    actor(request), account, password=values["password"] or None, **changes
                )

        if attempt(form, carry_out) is not None:
            messages.success(request, gettext("{address} is changed.").format(address=account.address))
            return redirect("account", pk)
    context = {
        "form": form,
        "account": account,
        "held": queue.held_of(account).count(),
        "apps": account.app_passwords.all(),
        "disposable": aliases.disposable_of(account),
        "others": within(actor(request), aliases.aliases_of(account))[:ALIASES],
        "sign_ins": last_sign_ins(account),
        "reads": rights_of(account),
        "read_by": rights_on(account),
    }
    return render(request, "account.html", context)


def pop(request: HttpRequest, pk: int) -> HttpResponse:
    """How POP serves the account."""
    account = get_object_or_404(visible(actor(request), Account), pk=pk, deleted_at__isnull=True)
    now = choices.pop_of(account)
    form = PopForm(request.POST or None, initial={name: getattr(now, name) for name in choices.FIELDS})
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: choices.change_pop(actor(request), account, **form.cleaned_data))
        if changed is not None:
            messages.success(
                request,
                gettext("POP serves {address} like this from its next sign-in.").format(address=account.address),
            )
            return redirect("account", pk)
    context = {
        "form": form,
        "title": gettext("POP of {address}").format(address=account.address),
        "verb": gettext("Save"),
    }
    return render(request, "form.html", {**context, "back": "account", "back_pk": pk})


@require_POST
def held(request: HttpRequest, pk: int) -> HttpResponse:
    """Let go, or discard, what was held because the account had sent too much."""
    account = get_object_or_404(visible(actor(request), Account), pk=pk, deleted_at__isnull=True)
    if request.POST.get("verb") == "discard":
        count = queue.discard_held(actor(request), account)
        messages.success(request, gettext("Mail to {count} recipients is discarded.").format(count=count))
    else:
        count = queue.release_held(actor(request), account)
        messages.success(request, gettext("Mail to {count} recipients is let go.").format(count=count))
    return redirect("account", pk)


@require_POST
def new_disposable(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(
        visible(actor(request), Account).select_related("domain"), pk=pk, deleted_at__isnull=True
    )
    alias = aliases.create_disposable(actor(request), account, request.POST.get("note", "")[:200])
    messages.success(
        request, gettext("{alias} leads to {address} now.").format(alias=alias, address=account.address)
    )
    return redirect("account", pk)


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(visible(actor(request), Account), pk=pk, deleted_at__isnull=True)
    if request.method == "POST":
        actions.delete_account(actor(request), account)
        messages.success(request, gettext("{address} is deleted.").format(address=account.address))
        return redirect("accounts")
    context = {
        "title": gettext("Delete {address}?").format(address=account.address),
        "words": gettext(
            "Nobody can sign in or send to it. It can be had back for 30 days; then its mail is gone."
        ),
        "back": "account",
        "pk": pk,
    }
    return render(request, "delete.html", context)
