"""The verbs of certificates, called by pages and API alike. The servers present what is there within seconds."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import certificate
from mailservices.mail.errors import ProtocolError
from webadmin.audit.changes import create
from webadmin.audit.record import Actor, record
from webadmin.certificates.models import Certificate
from webadmin.scope import Right, verb

#: How long before its end a certificate should have been renewed.
RENEW_BEFORE = timedelta(days=14)


def ending() -> QuerySet[Certificate]:
    """Those that nobody has renewed in time."""
    return Certificate.objects.filter(until__lt=timezone.now() + RENEW_BEFORE)


@verb(Right.OPERATE)
def add_certificate(actor: Actor, chain: str, key: str) -> Certificate:
    """Present this one to whoever asks for a name in it.

    It takes the place of those that are for no other names and end no later, such as the one that it renews.

    Args:
        chain: PEM, the certificate first.
        key: PEM, without a password.
    """
    try:
        read = certificate.read(chain, key)
    except ProtocolError as error:
        field = "key" if isinstance(error, certificate.BadKey) else "chain"
        raise ValidationError({field: str(error)}) from error
    if read.until <= timezone.now():
        raise ValidationError(
            {
                "chain": gettext("It has expired: it was valid until {until:%Y-%m-%d %H:%M} UTC.").format(
                    until=read.until
                )
            }
        )
    if Certificate.objects.filter(fingerprint=read.fingerprint).exists():
        raise ValidationError({"chain": gettext("This certificate is here already.")})
    row = create(
        Certificate,
        names=list(read.names),
        fingerprint=read.fingerprint,
        issuer=read.issuer,
        since=read.since,
        until=read.until,
        chain=read.chain,
        sealed=certificate.seal(read.key, settings.CONFIG.sealing_key, read.fingerprint),
    )
    record(actor, "add certificate", str(row), after=_told(row))
    for old in _replaced_by(row):
        remove_certificate(actor, old)
    return row


@verb(Right.OPERATE)
def remove_certificate(actor: Actor, row: Certificate) -> None:
    """Whoever asks for its names gets another that covers them, or else the appliance's own."""
    record(actor, "remove certificate", str(row), before=_told(row))
    row.delete()


def _replaced_by(row: Certificate) -> list[Certificate]:
    return list(Certificate.objects.filter(names__contained_by=row.names, until__lte=row.until).exclude(pk=row.pk))


def _told(row: Certificate) -> dict[str, Any]:
    """What an entry says of it: never its key."""
    return {
        "names": row.names,
        "fingerprint": row.fingerprint,
        "issuer": row.issuer,
        "until": row.until.isoformat(),
    }
