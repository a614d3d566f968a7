"""The verbs of suppressed addresses, to which nothing is sent: their hosts said that they do not exist."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from webadmin.audit.record import Actor, record
from webadmin.queue.models import Suppression
from webadmin.scope import Right, verb

#: How long, where it is not said.
HELD_FOR = timedelta(days=30)


@verb(Right.OPERATE)
def suppress(actor: Actor, text: str, reason: str = "", expires_at: datetime | None = None) -> Suppression:
    """Send nothing to this address until then."""
    try:
        parsed = str(address.parse(text.strip())).lower()
    except ProtocolError as error:
        raise ValidationError({"address": str(error)}) from error
    until = expires_at or timezone.now() + HELD_FOR
    if until <= timezone.now():
        raise ValidationError({"expires_at": gettext("That is past.")})
    values = {"hits": 0, "reason": reason[:500] or "The administrator wishes it", "expires_at": until}
    row, _ = Suppression.objects.update_or_create(address=parsed, defaults=values)
    record(actor, "suppress address", parsed, after={"reason": row.reason, "expires_at": until.isoformat()})
    return row


@verb(Right.OPERATE)
def lift(actor: Actor, row: Suppression) -> None:
    """Send to it again."""
    record(actor, "lift suppression", row.address, before={"hits": row.hits, "reason": row.reason})
    row.delete()
