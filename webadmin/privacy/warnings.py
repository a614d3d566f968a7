"""Keys that end soon, or have ended: whoever uses them is told a month before."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from mailservices.mail.privacy_policy import WARNED_DAYS
from webadmin.privacy.models import Key


def ends_soon() -> timedelta:
    return timedelta(days=WARNED_DAYS)


def ending(keys: QuerySet[Key]) -> QuerySet[Key]:
    """Of these, one's own that are in use and end within the month, or have ended; the first to end first."""
    in_use = Q(signs=True) | Q(encrypts=True)
    until = timezone.now() + ends_soon()
    return keys.filter(in_use, ours=True, revoked_at__isnull=True, expires_at__lt=until).order_by(
        "expires_at", "pk"
    )
