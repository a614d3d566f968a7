"""Accounts: the list with quotas, a new one with a password that is shown once, one to change or delete."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from mailservices.mail import passwords
from webadmin.dashboard.forms import GIB, AccountForm, actor, attempt, page
from webadmin.directory import actions
from webadmin.directory.models import Account, Domain
from webadmin.queue import actions as queue


def index(request: HttpRequest) -> HttpResponse:
    words, domain = request.GET.get("q", "").strip(), request.GET.get("domain", "")
    found = Account.objects.filter(deleted_at__isnull=True).select_related("usage")
    if words:
        found = found.filter(Q(address__icontains=words) | Q(display_name__icontains=words))
    if domain:
        found = found.filter(domain__name=domain)
    context = {
        "page": page(request, found),
        "q": words,
        "domain": domain,
        "domains": Domain.objects.values_list("name", flat=True),
    }
    return render(request, "accounts.html", context)


def new(request: HttpRequest) -> HttpResponse:
    domain = request.GET.get("domain", "")
    form = AccountForm(request.POST or None, initial={"address": f"@{domain}" if domain else ""})
    del form.fields["active"], form.fields["send_as"]
    form.fields["password"].help_text = "Empty: one is made, and shown once."
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
        request, "form.html", {"form": form, "title": "New account", "verb": "Create it", "back": "accounts"}
    )


def one(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account.objects.select_related("usage"), pk=pk, deleted_at__isnull=True)
    form = AccountForm(
        request.POST or None,
        initial={
            "display_name": account.display_name,
            "quota": None if account.quota_bytes is None else round(account.quota_bytes / GIB, 3),
            "active": account.active,
            "send_as": "\n".join(account.send_as.values_list("address", flat=True)),
        },
    )
    del form.fields["address"]
    form.fields["password"].label = "New password"
    form.fields["password"].help_text = "Empty: it stays as it is."
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        changes = {"display_name": values["display_name"], "active": values["active"]}
        # The form shows the quota rounded: what was not touched is not changed.
        if "quota" in form.changed_data:
            changes["quota_bytes"] = form.quota_bytes
        lent = values["send_as"].replace(",", "\n").split()

        def carry_out() -> Account:
            with transaction.atomic():
                actions.lend_addresses(actor(request), account, lent)
                return actions.change_account(
                    actor(request), account, password=values["password"] or None, **changes
                )

        if attempt(form, carry_out) is not None:
            messages.success(request, f"{account.address} is changed.")
            return redirect("account", pk)
    context = {
        "form": form,
        "account": account,
        "held": queue.held_of(account).count(),
        "apps": account.app_passwords.all(),
        "disposable": actions.disposable_of(account),
    }
    return render(request, "account.html", context)


@require_POST
def held(request: HttpRequest, pk: int) -> HttpResponse:
    """Let go, or discard, what was held because the account had sent too much."""
    account = get_object_or_404(Account, pk=pk, deleted_at__isnull=True)
    if request.POST.get("verb") == "discard":
        count = queue.discard_held(actor(request), account)
        messages.success(request, f"Mail to {count} recipients is discarded.")
    else:
        count = queue.release_held(actor(request), account)
        messages.success(request, f"Mail to {count} recipients is let go.")
    return redirect("account", pk)


@require_POST
def new_disposable(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account.objects.select_related("domain"), pk=pk, deleted_at__isnull=True)
    alias = actions.create_disposable(actor(request), account, request.POST.get("note", "")[:200])
    messages.success(request, f"{alias} leads to {account.address} now.")
    return redirect("account", pk)


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk, deleted_at__isnull=True)
    if request.method == "POST":
        actions.delete_account(actor(request), account)
        messages.success(request, f"{account.address} is deleted.")
        return redirect("accounts")
    context = {
        "title": f"Delete {account.address}?",
        "words": "Nobody can sign in or send to it from then on. Its mail is removed after 30 days.",
        "back": "account",
        "pk": pk,
    }
    return render(request, "delete.html", context)
