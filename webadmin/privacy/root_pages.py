"""The page of issuers that are trusted for mail, besides those that the machine trusts."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from mailservices.mail.smime.bringing import OCTETS
from webadmin.dashboard.forms import Form, actor, attempt
from webadmin.privacy import roots
from webadmin.privacy.models import Root


class RootForm(Form):
    certificate = forms.CharField(
        label=gettext_lazy("Certificate of the issuer"),
        max_length=OCTETS,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("In PEM: the root of your company, say. Compare its fingerprint first."),
    )


def index(request: HttpRequest) -> HttpResponse:
    form = RootForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: roots.add_root(actor(request), **form.cleaned_data))
        if row is not None:
            messages.success(
                request,
                gettext("Signatures by certificates of {issuer} are trusted from now on.").format(issuer=row),
            )
            return redirect("mail-roots")
    context = {
        "title": gettext("Issuers for mail"),
        "form": form,
        "rows": Root.objects.all(),
        "now": timezone.now(),
    }
    return render(request, "mail_roots.html", context)


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Root, pk=pk)
    if request.method == "POST":
        roots.remove_root(actor(request), row)
        messages.success(request, gettext("{issuer} is trusted no more.").format(issuer=row))
        return redirect("mail-roots")
    words = gettext("Signatures by certificates that it has issued are told as untrusted from now on.")
    context = {
        "title": gettext("Trust {issuer} no more?").format(issuer=row),
        "words": words,
        "back": "mail-roots",
    }
    return render(request, "delete.html", context)
