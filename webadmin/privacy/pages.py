"""The pages of keys and private mail: of an account, of a domain, and an owner's own; one view for all three."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.privacy_policy import Policy as Wished
from webadmin.dashboard.forms import actor, attempt, page
from webadmin.directory.models import Account, Domain
from webadmin.own.pages import owned
from webadmin.privacy import actions, directory, policy, requests
from webadmin.privacy.forms import BringForm, DirectoryForm, MakeForm, OthersForm, RequestForm, WishesForm
from webadmin.privacy.models import Key, Request
from webadmin.privacy.owners import Owner, field, keys_of
from webadmin.privacy.warnings import ends_soon
from webadmin.scope import Right, may, visible


@dataclass(frozen=True, slots=True)
class Place:
    """Whose keys a page is about, and where it and those below it are."""

    owner: Owner
    url: str
    title: str
    #: Whether whoever looks may change something.
    changes: bool
    own: bool = False

    def below(self, step: str) -> str:
        return f"{self.url}{step}/"


def _place(request: HttpRequest, owner: Owner) -> Place:
    manages = may(actor(request), Right.MANAGE)
    if isinstance(owner, Account):
        url = reverse("account-private", args=[owner.pk])
        return Place(owner, url, gettext("Private mail of {owner}").format(owner=owner.address), manages)
    return Place(
        owner,
        reverse("domain-private", args=[owner.pk]),
        gettext("Private mail of {owner}").format(owner=owner.name),
        manages,
    )


# The three lists


@owned
def own(request: HttpRequest, account: Account) -> HttpResponse:
    return _index(request, Place(account, reverse("own-private"), gettext("Private mail"), changes=True, own=True))


def of_account(request: HttpRequest, pk: int) -> HttpResponse:
    return _index(request, _place(request, _account(request, pk)))


def of_domain(request: HttpRequest, pk: int) -> HttpResponse:
    return _index(request, _place(request, get_object_or_404(visible(actor(request), Domain), pk=pk)))


def _account(request: HttpRequest, pk: int) -> Account:
    found = visible(actor(request), Account).select_related("domain")
    return get_object_or_404(found, pk=pk, deleted_at__isnull=True)


def _index(request: HttpRequest, place: Place) -> HttpResponse:
    """Keys, what waits for a certificate, and what is wished."""
    owner = place.owner
    above = policy.of_domain(owner.domain) if isinstance(owner, Account) else Wished()
    row = policy.policy_of(owner)
    form = WishesForm(owner, above, request.POST or None, initial=WishesForm.shown(row))
    if request.method == "POST" and form.is_valid():
        changed = attempt(form, lambda: policy.change_policy(actor(request), owner, **form.values))
        if changed is not None:
            messages.success(request, gettext("Saved. It holds for the next message."))
            return redirect(place.url)
    words = request.GET.get("q", "").strip().lower()
    found = keys_of(owner).filter(Q(address__contains=words) | Q(fingerprint__startswith=words.replace(" ", "")))
    context = {
        "place": place,
        "title": place.title,
        "form": form,
        "page": page(request, found.order_by("-ours", "address", "kind", "-created_at")),
        "q": words,
        "any": keys_of(owner).exists(),
        "waiting": Request.objects.filter(**field(owner)),
        "soon": timezone.now() + ends_soon(),
        "now": timezone.now(),
        "of_account": isinstance(owner, Account),
        "directory": None if isinstance(owner, Account) else directory.directory_of(owner),
        "holds": policy.wished(owner) if isinstance(owner, Account) else policy.of_domain(owner),
    }
    return render(request, "private.html", context)


# What is added


@owned
def own_step(request: HttpRequest, account: Account, step: str) -> HttpResponse:
    place = Place(account, reverse("own-private"), gettext("Private mail"), changes=True, own=True)
    return _step(request, place, step)


def account_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    return _step(request, _place(request, _account(request, pk)), step)


def domain_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    if step == "directory":
        return _directory(request, _place(request, domain), domain)
    return _step(request, _place(request, domain), step)


def _step(request: HttpRequest, place: Place, step: str) -> HttpResponse:
    shown = STEPS.get(step)
    if shown is None:
        raise Http404
    return shown(request, place)


def _show(request: HttpRequest, place: Place, form: forms.Form, **more: Any) -> HttpResponse:
    return render(request, "private_form.html", {"form": form, "place": place, **more})


def _bring(request: HttpRequest, place: Place) -> HttpResponse:
    form = BringForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        told = (actor(request), place.owner, form.octets, form.cleaned_data["password"])
        if found := _tried(form, lambda: actions.upload(*told)):
            messages.success(request, gettext("The key for {addresses} is here.").format(addresses=_named(found)))
            return redirect("key", found[0].pk)
    words = gettext(
        "An OpenPGP key (armoured or binary), or an S/MIME certificate (PEM, DER, PKCS #7 or #12). With its "
        "private half, mail can be signed here; to encrypt what arrives, the public half is enough. A private "
        "half that is here is sealed with the server's own key, and opens nothing in a stolen copy of the "
        "database alone."
    )
    return _show(
        request, place, form, title="Bring a key or certificate", words=words, verb=gettext("Bring it"), files=True
    )


def _others(request: HttpRequest, place: Place) -> HttpResponse:
    form = OthersForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        told = (actor(request), place.owner, form.octets)
        if found := _tried(form, lambda: actions.upload(*told, ours=False)):
            told_words = gettext("Mail for {addresses} can be encrypted now, where that is wished.")
            messages.success(request, told_words.format(addresses=_named(found)))
            return redirect("key", found[0].pk)
    words = gettext(
        "The public key or certificate of somebody to whom you write. Compare its fingerprint with her, by "
        "telephone or face to face: whoever gives you a false key reads what is meant for her."
    )
    return _show(
        request,
        place,
        form,
        title=gettext("Bring the key of somebody else"),
        words=words,
        verb=gettext("Bring it"),
        files=True,
    )


def _make(request: HttpRequest, place: Place) -> HttpResponse:
    form = MakeForm(place.owner, request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = (actor(request), place.owner, form.cleaned_data["address"], form.cleaned_data["years"])
        key = attempt(form, lambda: actions.generate(*told))
        if key is not None:
            messages.success(request, gettext("The key for {address} is made.").format(address=key.address))
            return redirect("key", key.pk)
    words = gettext(
        "An OpenPGP key (Ed25519, X25519) that is kept here, to sign what leaves and to open what arrives. To "
        "have your mail encrypted on arrival, better bring a key that your own program has made: then nobody here "
        "can read what is stored."
    )
    return _show(request, place, form, title=gettext("Make an OpenPGP key"), words=words, verb=gettext("Make it"))


def _request(request: HttpRequest, place: Place) -> HttpResponse:
    form = RequestForm(place.owner, request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = (actor(request), place.owner, form.cleaned_data["address"], form.cleaned_data["algorithm"])
        row = attempt(form, lambda: requests.request_certificate(*told))
        if row is not None:
            messages.success(request, gettext("The key is made. Send the text below to an issuer."))
            return redirect("key-request", row.pk)
    words = gettext(
        "A key for S/MIME is made and kept here. Its request (CSR) goes to an issuer of certificates, who makes "
        "sure that the address is yours; the certificate that comes back is brought here."
    )
    return _show(
        request,
        place,
        form,
        title=gettext("Ask for an S/MIME certificate"),
        words=words,
        verb=gettext("Make the request"),
    )


def _directory(request: HttpRequest, place: Place, domain: Domain) -> HttpResponse:
    row = directory.directory_of(domain)
    form = DirectoryForm(request.POST or None, initial={"active": row.active, "submission": row.submission})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        changed = attempt(form, lambda: directory.set_directory(actor(request), domain, **told))
        if changed is not None:
            messages.success(request, gettext("Saved."))
            return redirect(place.url)
    words = gettext(
        "Mail programs look for a key at https://openpgpkey. in front of the domain, then at the domain itself: "
        "the DNS records of the domain say what leads there. Nobody can list the keys, and who has none looks "
        "like who is not there."
    )
    return _show(
        request,
        place,
        form,
        title=gettext("Key directory of {name}").format(name=domain.name),
        words=words,
        verb=gettext("Save"),
    )


STEPS: dict[str, Callable[[HttpRequest, Place], HttpResponse]] = {
    "bring": _bring,
    "others": _others,
    "make": _make,
    "request": _request,
}


def _tried(form: forms.Form, verb: Callable[[], list[Key]]) -> list[Key]:
    """What the verb objects to in the key is about the form as a whole: there are two fields for it."""
    return attempt(form, verb) or []


def _named(found: list[Key]) -> str:
    return ", ".join(one.address for one in found)
