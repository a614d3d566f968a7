"""The page of certificates: which there are, until when, and one more."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from webadmin.certificates import actions
from webadmin.certificates.models import Certificate
from webadmin.dashboard.forms import Form, actor, attempt


class Unseen(forms.Textarea):
    """What is not taken is not sent back either."""

    def format_value(self, _value: Any) -> None:
        return None


class CertificateForm(Form):
    chain = forms.CharField(
        label=gettext_lazy("Certificate"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("In PEM, followed by those of its issuers (fullchain.pem)."),
    )
    key = forms.CharField(
        label=gettext_lazy("Its private key"),
        widget=Unseen(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("In PEM (privkey.pem). It is kept sealed and never shown again."),
    )


def index(request: HttpRequest) -> HttpResponse:
    form = CertificateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: actions.add_certificate(actor(request), **form.cleaned_data))
        if row is not None:
            messages.success(
                request,
                gettext("Whoever asks for {listed} gets it within seconds.").format(listed=", ".join(row.names)),
            )
            return redirect("certificates")
    now = timezone.now()
    rows = [
        (row, (row.until - now).days, row.until < now + actions.RENEW_BEFORE) for row in Certificate.objects.all()
    ]
    context = {
        "title": gettext("Certificates"),
        "form": form,
        "rows": rows,
        "hostname": settings.CONFIG.hostname,
    }
    return render(request, "certificates.html", context)


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Certificate, pk=pk)
    if request.method == "POST":
        actions.remove_certificate(actor(request), row)
        messages.success(request, gettext("The certificate for {row} is removed.").format(row=row))
        return redirect("certificates")
    words = gettext(
        "Mail programs that ask for its names get another certificate, or the appliance's own, and may object."
    )
    context = {
        "title": gettext("Remove the certificate for {listed}?").format(listed=", ".join(row.names)),
        "words": words,
    }
    return render(request, "delete.html", {**context, "back": "certificates"})
