"""Everything that lies sealed in the database, sealed anew when the master key changes (mail/sealing.py).

One list says where sealed things lie and what binds each to its place. It is done in one transaction: all of it,
or nothing. What is sealed by the new key already stays, so that it may be done twice.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Model

from mailservices.mail import certificate, passwords, scram, sealing
from mailservices.mail.dkim import custody
from mailservices.mail.sealing import NotSealedHere
from mailservices.mail.vocabulary import KeyKind
from webadmin.audit.record import OPERATOR, record
from webadmin.certificates.models import Certificate
from webadmin.directory.importing import SEALED_FOR as IMPORTS
from webadmin.directory.models import Account, AppPassword, Issuer
from webadmin.identity import SEALED_FOR as FACTORS
from webadmin.jobs.models import Job
from webadmin.privacy.models import Key, Request
from webadmin.queue.models import Route
from webadmin.signing.models import DkimKey
from webadmin.webhooks.models import Webhook

#: Rows that are in memory at once.
ROWS = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed octets."""

    model: type[Model]
    column: str
    #: Of a row: what binds the secret to it.
    context: Callable[[Any], bytes]


PLACES = (
    Place(DkimKey, "sealed", lambda row: custody.context(row.domain.name, row.selector)),
    Place(Certificate, "sealed", lambda row: certificate.context(row.fingerprint)),
    Place(Route, "secret", lambda row: sealing.route_context(row.host, row.username)),
    Place(Webhook, "secret", lambda row: sealing.webhook_context(row.url)),
    Place(Issuer, "client_secret", lambda row: sealing.issuer_context(row.issuer)),
    Place(Account, "scram", lambda row: scram.account_context(row.address)),
    Place(AppPassword, "scram", lambda row: scram.app_password_context(bytes(row.digest))),
    Place(AppPassword, "secret", lambda row: passwords.app_context(bytes(row.digest))),
    Place(Key, "secret", lambda row: sealing.privacy_context(row.kind, row.fingerprint)),
    Place(Request, "secret", lambda row: sealing.privacy_context(KeyKind.SMIME, row.fingerprint)),
)


@dataclass(slots=True)
class Told:
    """What became of it."""

    resealed: int = 0
    #: Sealed by the new key before.
    were: int = 0
    #: What neither key opens; it stays as it is.
    unreadable: list[str] = field(default_factory=list)


@transaction.atomic
def reseal(former: bytes, new: bytes) -> Told:
    """Seal everything by the new key that the former one opens.

    Args:
        former, new: sealing keys (sealing.derive).
    """
    told = Told()
    for place in PLACES:
        for row in _rows(place):
            name = f"{place.model._meta.db_table} {row.pk}"  # noqa: SLF001 - Django's public name for it
            again = _again(former, new, bytes(getattr(row, place.column)), place.context(row), name, told)
            if again is not None:
                place.model._default_manager.filter(pk=row.pk).update(**{place.column: again})  # noqa: SLF001
    _reseal_texts(former, new, told)
    record(OPERATOR, "change secret key", "appliance", after={"resealed": told.resealed})
    return told


def _rows(place: Place) -> Iterator[Any]:
    rows = place.model._default_manager.exclude(**{f"{place.column}__isnull": True})  # noqa: SLF001
    if place.model is DkimKey:
        rows = rows.select_related("domain")
    # Nobody changes one between our reading it and writing it.
    yield from rows.select_for_update(of=("self",)).order_by("pk").iterator(ROWS)


def _again(former: bytes, new: bytes, sealed: bytes, context: bytes, name: str, told: Told) -> bytes | None:
    """Sealed by the new key; None: it stays."""
    try:
        sealing.unseal(new, sealed, context)
    except NotSealedHere:
        pass
    else:
        told.were += 1
        return None
    try:
        secret = sealing.unseal(former, sealed, context)
    except NotSealedHere:
        told.unreadable.append(name)
        return None
    told.resealed += 1
    return sealing.seal(new, secret, context)


# What lies sealed within JSON, as Base64


def _reseal_texts(former: bytes, new: bytes, told: Told) -> None:
    for factor in Authenticator.objects.select_for_update().order_by("pk"):
        if _reseal_values(former, new, factor.data, FACTORS, f"second factor {factor.pk}", told):
            factor.save(update_fields=["data"])
    for job in Job.objects.select_for_update().order_by("pk"):
        name = f"import {job.pk}"
        changed = [_reseal_values(former, new, one, IMPORTS, name, told) for one in (job.told, job.at) if one]
        if any(changed):
            job.save(update_fields=["told", "at"])


def _reseal_values(
    former: bytes, new: bytes, values: dict[str, Any], context: bytes, name: str, told: Told
) -> bool:
    """Whether something in it was sealed anew. What is not sealed is told from what is by its form."""
    changed = False
    for key, value in values.items():
        if key in SEALED_TEXTS and isinstance(value, str):
            again = _again(former, new, _octets(value), context, name, told)
            if again is not None:
                values[key], changed = base64.b64encode(again).decode(), True
        elif key in SEALED_TEXTS and isinstance(value, list):
            for n, one in enumerate(value):
                again = _again(former, new, _octets(one), context, name, told)
                if again is not None:
                    value[n], changed = base64.b64encode(again).decode(), True
    return changed


#: Of second factors and imports: what is sealed in them.
SEALED_TEXTS = ("secret", "seed", "migrated_codes", "sealed")


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
