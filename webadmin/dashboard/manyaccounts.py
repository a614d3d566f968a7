"""What else is done with accounts: many at once, from a table, another address, back from the dead."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from webadmin.dashboard.forms import GIB, Form, actor, attempt, page
from webadmin.directory import bulk, importing, lifecycle
from webadmin.directory.models import Account
from webadmin.jobs.models import PREPARED, Job
from webadmin.jobs.pages import jobs
from webadmin.scope import visible

#: Rows of a table that are shown before it is imported.
SHOWN = 50


class RenameForm(Form):
    address = forms.CharField(
        label=gettext_lazy("New address"), max_length=320, help_text=gettext_lazy("The name to sign in with, too.")
    )
    still = forms.BooleanField(
        label=gettext_lazy("Mail to the old address still comes"), required=False, initial=True
    )


class ImportForm(Form):
    table = forms.CharField(
        label=gettext_lazy("Table"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "The first line names the columns: address, password, and if you like name, quota_mb, aliases."
        ),
    )
    file = forms.FileField(label=gettext_lazy("Or a file (CSV)"), required=False)

    def text(self) -> str:
        """Raises ValidationError: it is no text."""
        file: Any = self.cleaned_data["file"]
        if file is None:
            return str(self.cleaned_data["table"])
        try:
            return bytes(file.read(importing.OCTETS + 1)).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValidationError({"file": gettext("It is not written in UTF-8.")}) from error


def rename(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(
        visible(actor(request), Account).select_related("domain"), pk=pk, deleted_at__isnull=True
    )
    old = account.address
    form = RenameForm(request.POST or None, initial={"address": old})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        renamed = attempt(
            form,
            lambda: lifecycle.rename_account(actor(request), account, values["address"], keep=values["still"]),
        )
        if renamed is not None:
            messages.success(
                request,
                gettext("{old} is {address} now: mail programs have to be told.").format(
                    old=old, address=renamed.address
                ),
            )
            return redirect("account", pk)
    context = {
        "form": form,
        "title": gettext("Another address for {old}").format(old=old),
        "verb": gettext("Rename it"),
        "back": "account",
    }
    return render(request, "form.html", {**context, "back_pk": pk})


@require_POST
def sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(visible(actor(request), Account), pk=pk, deleted_at__isnull=True)
    lifecycle.sign_out(actor(request), account)
    messages.success(
        request, gettext("All sessions of {address} end within seconds.").format(address=account.address)
    )
    return redirect("account", pk)


def deleted(request: HttpRequest) -> HttpResponse:
    """Accounts that can be had back, and for how long."""
    found = page(request, lifecycle.deleted(actor(request)))
    rows = [(row, (row.deleted_at + lifecycle.UNDELETE - timezone.now()).days) for row in found if row.deleted_at]
    return render(
        request, "accounts_deleted.html", {"title": gettext("Deleted accounts"), "page": found, "rows": rows}
    )


@require_POST
def undelete(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(visible(actor(request), Account).select_related("domain"), pk=pk)
    try:
        lifecycle.undelete_account(actor(request), account)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("accounts-deleted")
    messages.success(request, gettext("{address} is back, with all its mail.").format(address=account.address))
    return redirect("account", pk)


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """One change for those that are ticked, or for all that the list shows."""
    asked, what = request.POST, request.POST.get("what", "")
    query = {name: asked[name] for name in ("q", "domain") if asked.get(name)}
    back = reverse("accounts") + (f"?{urlencode(query)}" if query else "")
    chosen: dict[str, Any] = {"words": asked.get("q", ""), "domain": asked.get("domain", "")}
    if asked.get("whom") == "ticked":
        chosen = {"ids": [int(pk) for pk in asked.getlist("ids") if pk.isdigit()]}
    try:
        quota = _quota(asked.get("quota", "")) if what == "quota" else None
        if what in ("suspend", "delete") and not asked.get("sure") and any(chosen.values()):
            return _ask(request, what, bulk.find(actor(request), **chosen).count(), back)
        done = bulk.change_many(actor(request), what, chosen, quota)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(back)
    if isinstance(done, Job):
        return redirect("job", done.pk)
    messages.success(
        request,
        ngettext("{done} account: {said}.", "{done} accounts: {said}.", done).format(
            done=done, said=gettext(bulk.SAID[what])
        ),
    )
    return redirect(back)


def _quota(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        quota = float(text)
    except ValueError:
        quota = 0.0
    if not 0.001 <= quota < 2**30:
        raise ValidationError(gettext("The quota is a number of GiB, or nothing for no limit."))
    return round(quota * GIB)


def _ask(request: HttpRequest, what: str, count: int, back: str) -> HttpResponse:
    kept = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
    titles = {
        "suspend": ngettext("Suspend {count} account?", "Suspend {count} accounts?", count),
        "delete": ngettext("Delete {count} account?", "Delete {count} accounts?", count),
    }
    words = {
        "suspend": gettext(
            "Nobody can sign in to them, and mail to them is refused, until they are switched on again."
        ),
        "delete": gettext(
            "Nobody can sign in or send to them. They can be had back for 30 days; then their mail is gone."
        ),
    }
    context = {
        "title": titles[what].format(count=count),
        "words": words[what],
        "fields": [(name, value) for name, value in kept if name != "csrfmiddlewaretoken"],
        "action": reverse("accounts-act"),
        "yes": {"suspend": gettext("Suspend them"), "delete": gettext("Delete them")}[what],
        "back": back,
    }
    return render(request, "confirm.html", context)


def upload(request: HttpRequest) -> HttpResponse:
    """A table of accounts to look at."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        job = attempt(form, lambda: importing.prepare_import(actor(request), form.text(), reverse("accounts")))
        if job is not None:
            return redirect("accounts-import-one", job.pk)
    context = {"form": form, "title": gettext("Import accounts"), "columns": importing.COLUMNS}
    return render(request, "accounts_import.html", context)


def preview(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What would be made, and what speaks against it; then it is begun."""
    job = get_object_or_404(jobs(request), pk=pk)
    if job.state != PREPARED:
        return redirect("job", pk)
    if request.method == "POST":
        try:
            importing.begin_import(actor(request), job)
            return redirect("job", pk)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
    context = {"job": job, "rows": job.told["rows"], "more": job.total - len(job.told["rows"]), "title": job.title}
    return render(request, "accounts_preview.html", context)
