"""The verbs of the TLS policy that a domain offers, and its text."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.mta_sts import Mode
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Domain
from webadmin.records.models import StsOffer
from webadmin.scope import Right, verb


@verb(Right.MANAGE)
def offer_sts(actor: Actor, domain: Domain, mode: str, max_age_days: int = 7) -> StsOffer:
    """Let others hear that mail for the domain comes to this host, by TLS (RFC 8461).

    Args:
        mode: enforce, testing, or none, which takes an earlier policy back.
    """
    if mode not in list(Mode):
        raise ValidationError({"mode": gettext("One of {listed}.").format(listed=", ".join(Mode))})
    if not 1 <= max_age_days <= 365:
        raise ValidationError({"max_age_days": gettext("From 1 to 365 days.")})
    before = StsOffer.objects.filter(domain=domain).first()
    told = {"mode": mode, "max_age_days": max_age_days}
    old = {"mode": before.mode, "max_age_days": before.max_age_days} if before else None
    if before is not None and old == told:
        return before
    record(actor, "offer MTA-STS policy", domain.name, before=old, after=told)
    values = {**told, "changed_at": timezone.now()}
    return StsOffer.objects.update_or_create(domain=domain, defaults=values)[0]


@verb(Right.MANAGE)
def withdraw_sts(actor: Actor, domain: Domain) -> None:
    """Serve no policy. Whoever knows the last one keeps to it for its days: set mode none for so long before."""
    offer = StsOffer.objects.filter(domain=domain).first()
    if offer is not None:
        record(actor, "withdraw MTA-STS policy", domain.name, before={"mode": offer.mode})
        offer.delete()


def policy_text(offer: StsOffer) -> str:
    """RFC 8461 §3.2."""
    lines = ("version: STSv1", f"mode: {offer.mode}", f"mx: {settings.CONFIG.hostname}")
    return "\r\n".join((*lines, f"max_age: {offer.max_age_days * 86400}", ""))
