"""The verbs of access: networks that are shut out, and those that guessing never blocks."""

import ipaddress
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from webadmin.audit.changes import create
from webadmin.audit.record import Actor, record
from webadmin.scope import Right, verb
from webadmin.security.models import EFFECTS, AccessRule

#: The widest network of a rule, in bits.
WIDEST = {4: 8, 6: 16}


@verb(Right.OPERATE)
def set_access(
    actor: Actor, network: str, effect: str, note: str = "", expires_at: datetime | None = None
) -> AccessRule:
    """Shut a network out of every server ("deny"), or let guessing never block it ("allow"); seen within seconds.

    Of several networks that an address lies in, the narrowest decides.
    """
    try:
        parsed = ipaddress.ip_network(network.strip(), strict=False)
    except ValueError as error:
        raise ValidationError(
            {"network": gettext("An address or a network, such as 192.0.2.1 or 2001:db8::/32.")}
        ) from error
    if parsed.prefixlen < WIDEST[parsed.version]:
        raise ValidationError(
            {"network": gettext("Too wide: at least /{widest}.").format(widest=WIDEST[parsed.version])}
        )
    if parsed.is_loopback:
        raise ValidationError({"network": gettext("That is this very machine.")})
    if effect not in EFFECTS:
        raise ValidationError({"effect": gettext("One of {listed}.").format(listed=", ".join(EFFECTS))})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": gettext("That is past.")})
    before = AccessRule.objects.filter(network=str(parsed)).first()
    old = {"effect": before.effect} if before else None
    if before is not None:
        before.delete()
    row = create(AccessRule, network=str(parsed), effect=effect, note=note.strip()[:200], expires_at=expires_at)
    ends = {"expires_at": expires_at.isoformat()} if expires_at else {}
    record(actor, "set access", row.network, before=old, after={"effect": effect, **ends})
    return row


@verb(Right.OPERATE)
def remove_access(actor: Actor, row: AccessRule) -> None:
    """Treat the network as any other."""
    record(actor, "remove access", row.network, before={"effect": row.effect})
    row.delete()
