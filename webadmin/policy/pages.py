"""The pages of policy: what holds for the appliance, and what one domain wishes."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webadmin.audit.record import Actor
from webadmin.dashboard.forms import Form, actor, attempt
from webadmin.directory.models import Account, Domain
from webadmin.policy import actions
from webadmin.policy.api import PER_MINUTE
from webadmin.policy.forms import (
    EFFECT_WORDS,
    DnsListForm,
    InboundForm,
    LimitsForm,
    NetworkForm,
    SealerForm,
    WithheldForm,
)
from webadmin.policy.models import DnsList, InboundPolicy, Limit, TrustedNetwork, TrustedSealer, Withheld
from webadmin.scope import visible


def index(request: HttpRequest) -> HttpResponse:
    """All of it on one page; each form says by `what` which one it is."""
    what = request.POST.get("what", "")
    forms = _forms(request, what)
    if request.method == "POST":
        if what not in forms:
            raise Http404
        form = forms[what]
        if form.is_valid() and attempt(form, lambda: _VERBS[what](actor(request), form.cleaned_data)) is not None:
            messages.success(request, gettext("Saved. It holds within seconds."))
            return redirect("policy")
    context = {
        "title": gettext("Policy"),
        "forms": forms,
        "lists": [(row, EFFECT_WORDS[row.effect]) for row in DnsList.objects.all()],  # type: ignore[index]
        "networks": TrustedNetwork.objects.all(),
        "sealers": TrustedSealer.objects.all(),
        "withheld": Withheld.objects.select_related("account"),
        "own": InboundPolicy.objects.filter(domain__isnull=False)
        .select_related("domain")
        .order_by("domain__name"),
    }
    return render(request, "policy.html", context)


def _forms(request: HttpRequest, what: str) -> dict[str, Form]:
    """The one that was sent is bound; the others show what holds now."""
    limits = PER_MINUTE | dict(Limit.objects.values_list("name", "per_minute"))
    kinds: dict[str, tuple[type[Form], dict[str, Any]]] = {
        "inbound": (InboundForm, _values(actions.inbound_of(None))),
        "list": (DnsListForm, {}),
        "network": (NetworkForm, {}),
        "sealer": (SealerForm, {}),
        "limits": (LimitsForm, limits),
        "withheld": (WithheldForm, {}),
    }
    return {
        name: kind(request.POST, auto_id=f"{name}_%s")
        if name == what and request.method == "POST"
        else kind(initial=initial or None, auto_id=f"{name}_%s")
        for name, (kind, initial) in kinds.items()
    }


def _values(row: InboundPolicy) -> dict[str, Any]:
    return {name: getattr(row, name) for name in actions.FIELDS}


def _change_limits(who: Actor, values: dict[str, Any]) -> bool:
    for name, per_minute in values.items():
        actions.change_limit(who, name, per_minute)
    return True


def _withhold(who: Actor, values: dict[str, Any]) -> Withheld:
    account = None
    if address := values["account"].strip():
        account = Account.objects.filter(address__iexact=address, deleted_at=None).first()
        if account is None:
            raise ValidationError({"account": gettext("There is no account {address}.").format(address=address)})
    words = values["capabilities"].replace(",", " ").split()
    return actions.withhold(who, words, account, values["client"])


_VERBS: dict[str, Callable[[Actor, dict[str, Any]], Any]] = {
    "inbound": lambda who, values: actions.change_inbound(who, None, **values),
    "list": lambda who, values: actions.create_dnslist(who, **values),
    "network": lambda who, values: actions.trust_network(who, **values),
    "sealer": lambda who, values: actions.trust_sealer(who, **values),
    "limits": _change_limits,
    "withheld": _withhold,
}


@require_POST
def remove(request: HttpRequest, what: str, pk: int) -> HttpResponse:
    """A list, a network, a sealer or what was withheld is no longer there."""
    who = actor(request)
    match what:
        case "list":
            actions.delete_dnslist(who, get_object_or_404(DnsList, pk=pk))
        case "network":
            actions.distrust_network(who, get_object_or_404(TrustedNetwork, pk=pk))
        case "sealer":
            actions.distrust_sealer(who, get_object_or_404(TrustedSealer, pk=pk))
        case "withheld":
            actions.offer_again(who, get_object_or_404(Withheld, pk=pk))
        case _:
            raise Http404
    messages.success(request, gettext("Removed. It holds within seconds."))
    return redirect("policy")


def of_domain(request: HttpRequest, pk: int) -> HttpResponse:
    """What one domain wishes; "follow" gives up its own policy."""
    domain = get_object_or_404(visible(actor(request), Domain), pk=pk)
    own = InboundPolicy.objects.filter(domain=domain).first()
    if request.method == "POST" and "follow" in request.POST:
        if own is not None:
            actions.delete_inbound(actor(request), own)
        messages.success(request, gettext("{name} follows the appliance's policy.").format(name=domain.name))
        return redirect("domain-policy", pk)
    form = InboundForm(request.POST or None, initial=_values(actions.inbound_of(domain)))
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: actions.change_inbound(actor(request), domain, **form.cleaned_data))
        if row is not None:
            messages.success(request, gettext("{name} has this policy within seconds.").format(name=domain.name))
            return redirect("domain-policy", pk)
    context = {
        "title": gettext("Policy of {name}").format(name=domain.name),
        "form": form,
        "domain": domain,
        "own": own,
    }
    return render(request, "domain_policy.html", context)
