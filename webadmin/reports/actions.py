"""The verbs of reports: where those on a domain of ours come. One transaction each, with its entry."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Domain
from webadmin.reports.models import Mailbox
from webadmin.scope import Right, verb, visible


@verb(Right.MANAGE)
def set_mailbox(actor: Actor, domain: Domain, text: str) -> Mailbox | None:
    """Read what comes to this address of ours as reports on the domain; without one, read none."""
    before = Mailbox.objects.filter(domain=domain).first()
    old = before.address if before else ""
    new = _checked(actor, text.strip()) if text.strip() else ""
    if new == old:
        return before
    record(actor, "set report mailbox", domain.name, before={"address": old}, after={"address": new})
    if not new:
        Mailbox.objects.filter(domain=domain).delete()
        return None
    return Mailbox.objects.update_or_create(domain=domain, defaults={"address": new})[0]


def _checked(actor: Actor, text: str) -> str:
    try:
        parsed = address.parse(text)
    except ProtocolError as error:
        raise ValidationError({"address": str(error)}) from error
    if not visible(actor, Domain).filter(name=parsed.domain).exists():
        raise ValidationError(
            {
                "address": gettext("{domain} is no domain of ours: nothing for it comes here.").format(
                    domain=parsed.domain
                )
            }
        )
    return str(parsed)
