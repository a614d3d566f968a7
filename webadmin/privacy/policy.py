"""The verb of what accounts and domains wish for private mail, and how it stands."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.privacy_policy import WISHES, merged
from mailservices.mail.privacy_policy import Policy as Wished
from mailservices.mail.vocabulary import Arrival, Encrypting, Signing, SpecialUse, WhenBroken
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor
from webadmin.directory.models import Account, Domain
from webadmin.privacy.models import Notice, Policy
from webadmin.privacy.owners import Owner, field, keys_of, must_own
from webadmin.scope import Right, verb

#: Words that a wish may be; null, everywhere: as the domain says.
WORDS: dict[str, tuple[str, ...]] = {
    "on_arrival": tuple(Arrival),
    "when_broken": tuple(WhenBroken),
    "sign": tuple(Signing),
    "encrypt": tuple(Encrypting),
}
#: What nobody but an account may wish: it is its owner's mail that becomes unreadable to all others.
ACCOUNT_ONLY = ("on_arrival",)
ROLES = tuple(SpecialUse)


def policy_of(owner: Owner) -> Policy:
    """What it wishes itself; it need not be a row."""
    return Policy.objects.filter(**field(owner)).first() or Policy(**field(owner))


def wished(account: Account) -> Wished:
    """What holds for an account."""
    return merged(_said(policy_of(account)), _said(policy_of(account.domain)))


def of_domain(domain: Domain) -> Wished:
    """What holds for accounts of a domain that wish nothing themselves."""
    return merged(_said(policy_of(domain)))


def _said(row: Policy) -> dict[str, Any]:
    return {name: getattr(row, name) for name in WISHES}


@verb(Right.OWN)
def change_policy(actor: Actor, owner: Owner, **wishes: Any) -> Policy:
    """Wish something for mail. What is not named stays as it is; None leaves it to the domain.

    Wishes: those of privacy_policy.WISHES.
    """
    must_own(actor, owner)
    if unknown := wishes.keys() - set(WISHES):
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    type(owner).objects.select_for_update().get(pk=owner.pk)
    _check(owner, wishes)
    row = policy_of(owner)
    if wishes.get("on_append") is not None:
        wishes["on_append"] = sorted(set(wishes["on_append"]))
    if row._state.adding:  # noqa: SLF001 - Django's public name for it
        row = create(Policy, **field(owner))
    changed = change(actor, "change private mail", row, wishes)
    if isinstance(owner, Account):
        encrypts = "" if changed.on_arrival in (None, Arrival.OFF) else changed.on_arrival
        Notice.objects.filter(account=owner, about=Notice.BROKEN).delete()
        # Recipients are looked up without any further table.
        Account.objects.filter(pk=owner.pk).exclude(encrypts=encrypts).update(encrypts=encrypts)
    return changed


def _check(owner: Owner, wishes: dict[str, Any]) -> None:
    wrong: dict[str, str] = {}
    for name, known in WORDS.items():
        if wishes.get(name) is not None and wishes[name] not in known:
            wrong[name] = gettext("One of {listed}.").format(listed=", ".join(known))
    if set(wishes.get("on_append") or ()) - set(ROLES):
        wrong["on_append"] = gettext("Some of {listed}.").format(listed=", ".join(ROLES))
    for name in ACCOUNT_ONLY:
        if isinstance(owner, Domain) and wishes.get(name) is not None:
            wrong[name] = gettext("Each owner decides that for her own account.")
    arrival = wishes.get("on_arrival")
    if not wrong and arrival not in (None, Arrival.OFF) and not _good(owner, arrival):
        words = gettext("There is no key for {kind} that its mail could be encrypted to: add one first.")
        wrong["on_arrival"] = words.format(kind=_called(arrival))
    if wrong:
        raise ValidationError(wrong)


def _good(owner: Owner, kind: str) -> bool:
    now = timezone.now()
    lasts = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    found: Any = keys_of(owner).filter(lasts, kind=kind, ours=True, encrypts=True, revoked_at__isnull=True)
    return bool(found.exists())


def _called(kind: str) -> str:
    return {"openpgp": "OpenPGP", "smime": "S/MIME"}[kind]
