"""The verbs of policy, called by pages and API alike: one transaction each, with its entry.

What is changed here is seen by the engine within seconds.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict
from django.utils.translation import gettext

from mailservices.mail import dnslist
from mailservices.mail.address import normal_domain
from mailservices.mail.errors import ProtocolError
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account, Domain
from webadmin.policy.models import (
    DMARC,
    EFFECTS,
    LIMITS,
    PLAIN,
    DnsList,
    InboundPolicy,
    Limit,
    TrustedNetwork,
    TrustedSealer,
    Withheld,
)
from webadmin.scope import Right, must, verb

#: What each field of a policy may be.
CHOICES: dict[str, list[str]] = {"spf": PLAIN, "dkim": PLAIN, "dmarc": DMARC, "iprev": PLAIN, "helo": PLAIN}
FIELDS = (*CHOICES, "dnslists", "greylist", "reports")
#: The widest network that may be trusted, in bits.
WIDEST = {4: 8, 6: 16}


# Policies


def inbound_of(domain: Domain | None) -> InboundPolicy:
    """What holds for a domain now, or for all that have no policy of their own; it need not be a row."""
    own = InboundPolicy.objects.filter(domain=domain).first() if domain else None
    return own or InboundPolicy.objects.filter(domain=None).first() or InboundPolicy()


@verb(Right.MANAGE)
def change_inbound(actor: Actor, domain: Domain | None, **changes: Any) -> InboundPolicy:
    """Let a domain (or, without one, all others) wish this. What is not named stays as it holds now."""
    unknown = changes.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise ValidationError(
                {name: gettext("Choose one of {listed}.").format(listed=", ".join(CHOICES[name]))}
            )
    if domain is None:
        must(actor, Right.OPERATE)
    row = InboundPolicy.objects.select_for_update().filter(domain=domain).first()
    if row is None:
        values = {name: getattr(inbound_of(None), name) for name in FIELDS} | changes
        row = create(InboundPolicy, domain=domain, **values)
        record(actor, "create inbound policy", str(row), after=values)
        return row
    return change(actor, "change inbound policy", row, changes)


@verb(Right.MANAGE)
def delete_inbound(actor: Actor, row: InboundPolicy) -> None:
    """The domain follows the appliance again; or the appliance its first defaults."""
    record(actor, "delete inbound policy", str(row), before={name: getattr(row, name) for name in FIELDS})
    row.delete()


# DNS lists


@verb(Right.OPERATE)
def create_dnslist(actor: Actor, zone: str, effect: str, codes: str = "", active: bool = True) -> DnsList:
    """Ask this list about every client from now on."""
    normal = _domain(zone, "zone")
    if DnsList.objects.filter(zone=normal).exists():
        raise ValidationError({"zone": gettext("{normal} is here already.").format(normal=normal)})
    row = create(DnsList, zone=normal, active=active, **_list_values(effect=effect, codes=codes))
    record(actor, "create DNS list", normal, after=model_to_dict(row, exclude=["id", "zone"]))
    return row


@verb(Right.OPERATE)
def change_dnslist(actor: Actor, row: DnsList, **changes: Any) -> DnsList:
    """Change effect, codes or active."""
    unknown = changes.keys() - {"effect", "codes", "active"}
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    return change(actor, "change DNS list", row, _list_values(**changes))


@verb(Right.OPERATE)
def delete_dnslist(actor: Actor, row: DnsList) -> None:
    record(actor, "delete DNS list", row.zone, before=model_to_dict(row, exclude=["id", "zone"]))
    row.delete()


def _list_values(**values: Any) -> dict[str, Any]:
    if values.get("effect", EFFECTS[0]) not in EFFECTS:
        raise ValidationError({"effect": gettext("Choose one of {listed}.").format(listed=", ".join(EFFECTS))})
    if "codes" in values:
        values["codes"] = " ".join(str(values["codes"]).replace(",", " ").split())
        try:
            dnslist.parse_codes(values["codes"])
        except ProtocolError as error:
            raise ValidationError({"codes": str(error)}) from error
    return values


# Capabilities of IMAP

#: Without these nobody could sign in, or go on.
NEEDED = frozenset({"IMAP4REV1", "STARTTLS", "LOGINDISABLED", "AUTH"})
_CAPABILITY = re.compile(r"[A-Z0-9][A-Z0-9=+_.-]{0,39}")
CAPABILITIES = 50


@verb(Right.MANAGE)
def withhold(
    actor: Actor, capabilities: Iterable[str], account: Account | None = None, client: str = ""
) -> Withheld:
    """Offer these no more: to this account, to the client of this name, to both together; to everybody without.

    What is withheld already from the same gives way.
    """
    if account is None:
        must(actor, Right.OPERATE)
    words = sorted({word.upper() for word in capabilities})
    if not 0 < len(words) <= CAPABILITIES or not all(map(_CAPABILITY.fullmatch, words)):
        raise ValidationError(
            {"capabilities": gettext("Name capabilities as IMAP shows them, such as QRESYNC COMPRESS.")}
        )
    if needed := [word for word in words if word.partition("=")[0] in NEEDED]:
        raise ValidationError(
            {"capabilities": gettext("{listed} is needed by everybody.").format(listed=", ".join(needed))}
        )
    client = client.strip().lower()
    row = Withheld.objects.select_for_update(of=("self",)).filter(account=account, client=client).first()
    if row is not None:
        return change(actor, "withhold capabilities", row, {"capabilities": words})
    row = create(Withheld, account=account, client=client, capabilities=words)
    record(actor, "withhold capabilities", str(row), after={"capabilities": words})
    return row


@verb(Right.MANAGE)
def offer_again(actor: Actor, row: Withheld) -> None:
    record(actor, "offer capabilities again", str(row), before={"capabilities": row.capabilities})
    row.delete()


# Whom we trust


@verb(Right.OPERATE)
def trust_sealer(actor: Actor, domain: str) -> TrustedSealer:
    """Let ARC seals of this domain stand for SPF and DKIM that were lost on the way."""
    normal = _domain(domain, "domain")
    if TrustedSealer.objects.filter(domain=normal).exists():
        raise ValidationError({"domain": gettext("{normal} is here already.").format(normal=normal)})
    row = create(TrustedSealer, domain=normal)
    record(actor, "trust ARC sealer", normal)
    return row


@verb(Right.OPERATE)
def distrust_sealer(actor: Actor, row: TrustedSealer) -> None:
    record(actor, "distrust ARC sealer", row.domain)
    row.delete()


@verb(Right.OPERATE)
def trust_network(actor: Actor, network: str) -> TrustedNetwork:
    """Check nothing of what comes from this network on port 25."""
    try:
        parsed = ipaddress.ip_network(network.strip())
    except ValueError as error:
        words = gettext("A network looks like 192.0.2.0/24 or 2001:db8::/32, with no bits set behind its length.")
        raise ValidationError({"network": words}) from error
    if parsed.prefixlen < WIDEST[parsed.version]:
        raise ValidationError(
            {"network": gettext("Too wide: at least /{widest}.").format(widest=WIDEST[parsed.version])}
        )
    if TrustedNetwork.objects.filter(network=str(parsed)).exists():
        raise ValidationError({"network": gettext("{parsed} is here already.").format(parsed=parsed)})
    row = create(TrustedNetwork, network=str(parsed))
    record(actor, "trust network", row.network)
    return row


@verb(Right.OPERATE)
def distrust_network(actor: Actor, row: TrustedNetwork) -> None:
    record(actor, "distrust network", row.network)
    row.delete()


@verb(Right.OPERATE)
def change_limit(actor: Actor, name: str, per_minute: int) -> Limit:
    """How many connections, or messages, one address may begin in a minute."""
    if name not in LIMITS:
        raise ValidationError({"name": gettext("Choose one of {listed}.").format(listed=", ".join(LIMITS))})
    if not 0 < per_minute < 2**31:
        raise ValidationError({"per_minute": gettext("A limit is a positive number.")})
    before = Limit.objects.select_for_update().filter(name=name).first()
    if before is None:
        row = create(Limit, name=name, per_minute=per_minute)
        record(actor, "change limit", name, after={"per_minute": per_minute})
        return row
    return change(actor, "change limit", before, {"per_minute": per_minute})


def _domain(text: str, field: str) -> str:
    try:
        name = normal_domain(text.strip())
    except ProtocolError as error:
        raise ValidationError({field: str(error)}) from error
    if "." not in name or name.startswith("["):
        raise ValidationError({field: gettext("A domain has at least two parts, such as example.org.")})
    return name
