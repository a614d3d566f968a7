"""The pages of one key, and of one that waits for its certificate. Whose it is says who may change it."""

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from webadmin.dashboard.forms import actor, attempt
from webadmin.directory.models import Account
from webadmin.privacy import actions, private_half, requests, showing
from webadmin.privacy.forms import CertificateForm, PrivateHalfForm, TrustForm, UsesForm, YearsForm
from webadmin.privacy.models import Key, Request
from webadmin.privacy.owners import owner_of
from webadmin.privacy.warnings import ends_soon
from webadmin.scope import Right, may, visible

if TYPE_CHECKING:
    from collections.abc import Callable

#: What can be done with a key that asks first: the word of the button -> title, words, what the button says.
SURE = {
    "revoke": (
        gettext_lazy("Revoke the key of {address}?"),
        gettext_lazy(
            "Nobody is to use it from then on, which cannot be taken back. An OpenPGP key says so itself to "
            "whoever looks it up here; a certificate has to be revoked by its issuer, too. It still opens old "
            "mail."
        ),
        gettext_lazy("Revoke it"),
    ),
    "delete": (
        gettext_lazy("Delete the key of {address}?"),
        gettext_lazy(
            "If its private half is nowhere else, mail that was encrypted to it can never be read again."
        ),
        gettext_lazy("Delete it"),
    ),
}


def _key(request: HttpRequest, pk: int) -> Key:
    found = visible(actor(request), Key).select_related("account__domain", "domain")
    return get_object_or_404(found, pk=pk)


def _changes(request: HttpRequest, row: Key | Request) -> bool:
    """Whether she owns or manages it."""
    account = request.user.account_id  # type: ignore[union-attr]
    return (account is not None and account == row.account_id) or may(actor(request), Right.MANAGE)


def _back(request: HttpRequest, row: Key | Request) -> str:
    """The list that it is in."""
    if request.user.account_id is not None:  # type: ignore[union-attr]
        return reverse("own-private")
    owner = owner_of(row)
    return reverse("account-private" if isinstance(owner, Account) else "domain-private", args=[owner.pk])


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """What it is, and what it is used for."""
    key = _key(request, pk)
    form = (
        UsesForm(key, request.POST if request.method == "POST" else None)
        if key.ours
        else TrustForm(request.POST or None, initial={"trust": key.trust})
    )
    if request.method == "POST" and form.is_valid():
        if attempt(form, lambda: _change(request, key, form.cleaned_data)) is not None:
            messages.success(request, gettext("Saved. It holds for the next message."))
            return redirect("key", pk)
        key.refresh_from_db()
    context = {
        "key": key,
        "form": form,
        "years": YearsForm(),
        "fingerprint": showing.fingerprint(key),
        "changes": _changes(request, key),
        "back": _back(request, key),
        "now": timezone.now(),
        "soon": timezone.now() + ends_soon(),
        "owner": owner_of(key),
    }
    return render(request, "key.html", context)


def _change(request: HttpRequest, key: Key, told: dict[str, Any]) -> Key:
    if key.ours:
        return actions.use(actor(request), key, **told)
    return actions.trust(actor(request), key, told["trust"])


@require_safe
def public(request: HttpRequest, pk: int) -> HttpResponse:
    """Its public half as a file."""
    key = _key(request, pk)
    return _file(showing.text(key).encode(), showing.media_type(key), showing.file_name(key))


def _file(octets: bytes, media_type: str, file_name: str) -> HttpResponse:
    answer = HttpResponse(octets, content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file_name)
    return answer


@reauthentication_required
def private(request: HttpRequest, pk: int) -> HttpResponse:
    """Its private half as a file, for whoever has just told her password again."""
    key = _key(request, pk)
    form = PrivateHalfForm(key, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data.get("password", "")
        made = attempt(form, lambda: private_half.take(actor(request), key, password))
        if made is not None:
            answer = _file(*made)
            answer["Cache-Control"] = "no-store"
            return answer
    words = gettext(
        "Whoever has it reads what is encrypted to the key and signs in your name. Bring it into your mail "
        "program, then delete the file."
    )
    context = {
        "form": form,
        "title": gettext("Private half of {address}").format(address=key.address),
        "words": words,
        "verb": gettext("Take it"),
    }
    return render(request, "form.html", {**context, "back": "key", "back_pk": pk})


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Renew, revoke or delete it; the last two ask first."""
    key, word = _key(request, pk), request.POST.get("verb", "")
    if word in SURE and request.POST.get("sure") != "yes":
        title, words, yes = SURE[word]
        context = {
            "title": title.format(address=key.address),
            "words": words,
            "yes": yes,
            "back": reverse("key", args=[pk]),
        }
        return render(request, "confirm.html", {**context, "action": request.path, "fields": [("verb", word)]})
    carry_out: dict[str, Callable[[], str]] = {
        "renew": lambda: _renew(request, key),
        "revoke": lambda: _done(actions.revoke(actor(request), key), gettext("It is revoked.")),
        "delete": lambda: _done(
            actions.delete(actor(request), key),
            gettext("The key of {address} is deleted.").format(address=key.address),
        ),
    }
    if word not in carry_out:
        raise Http404
    back = _back(request, key)
    try:
        messages.success(request, carry_out[word]())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("key", pk)
    return redirect(back if word == "delete" else reverse("key", args=[pk]))


def _done(_result: Any, words: str) -> str:
    return words


def _renew(request: HttpRequest, key: Key) -> str:
    form = YearsForm(request.POST)
    if not form.is_valid():
        raise ValidationError(gettext("Say for how many years, from 1 to 10."))
    renewed = actions.renew(actor(request), key, form.cleaned_data["years"])
    words = gettext("It is good until {end:%Y-%m-%d}: whoever has it should get it anew.")
    return words.format(end=renewed.expires_at)


# Those that wait for a certificate


def waiting(request: HttpRequest, pk: int) -> HttpResponse:
    """What to send to an issuer; the certificate is brought here."""
    row = get_object_or_404(visible(actor(request), Request).select_related("account__domain", "domain"), pk=pk)
    form = CertificateForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        key = attempt(form, lambda: requests.import_certificate(actor(request), row, form.octets))
        if key is not None:
            words = gettext("The certificate for {address} is here: the key can be used.")
            messages.success(request, words.format(address=key.address))
            return redirect("key", key.pk)
    context = {
        "row": row, "form": form, "csr": showing.request_text(row), "changes": _changes(request, row),
        "back": _back(request, row),
    }  # fmt: skip
    return render(request, "key_request.html", context)


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible(actor(request), Request).select_related("account__domain", "domain"), pk=pk)
    back = _back(request, row)
    if request.POST.get("sure") != "yes":
        words = gettext("Its key is deleted: a certificate that comes for it later is of no use.")
        title = gettext("Give up the request for {address}?").format(address=row.address)
        context = {"title": title, "words": words, "yes": gettext("Give it up")}
        return render(request, "confirm.html", {**context, "back": back, "action": request.path})
    requests.discard_request(actor(request), row)
    messages.success(request, gettext("The request for {address} is given up.").format(address=row.address))
    return redirect(back)
