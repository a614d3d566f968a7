"""The verbs of pools of our own addresses: from which mail leaves, and how much of it on a day."""

import ipaddress
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.queue.models import Route, Source, SourceDay
from webadmin.scope import Right, verb

FIELDS = ("pool", "address", "helo", "warmup", "began", "daily", "position", "active")
#: Days of a warm-up, and messages of a day, at most.
WARMUP_DAYS = 90
DAILY = 10_000_000
_POOL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@verb(Right.OPERATE)
def add_source(actor: Actor, **values: Any) -> Source:
    """Put an address into a pool."""
    defaults = {name: getattr(Source(), name) for name in FIELDS} | {"began": timezone.now().date()}
    values = _checked(defaults | values)
    if Source.objects.filter(address=values["address"]).exists():
        raise ValidationError({"address": gettext("It is in a pool already.")})
    row = create(Source, **values)
    record(actor, "add source address", str(row), after={name: _told(value) for name, value in values.items()})
    return row


@verb(Right.OPERATE)
def change_source(actor: Actor, row: Source, **changes: Any) -> Source:
    """Change what is named; what has left today stays counted."""
    row = Source.objects.select_for_update().get(pk=row.pk)
    values = _checked({name: getattr(row, name) for name in FIELDS} | changes)
    if Source.objects.filter(address=values["address"]).exclude(pk=row.pk).exists():
        raise ValidationError({"address": gettext("It is in a pool already.")})
    if values["pool"] != row.pool:
        _check_last(row)
    return change(actor, "change source address", row, values)


@verb(Right.OPERATE)
def remove_source(actor: Actor, row: Source) -> None:
    """Let nothing leave from it any more."""
    _check_last(row)
    record(actor, "remove source address", str(row), before={"pool": row.pool})
    row.delete()


def sent_today() -> dict[int, int]:
    """Address's key -> messages that are counted of this day; those without a limit are not counted."""
    return dict(SourceDay.objects.filter(day=timezone.now().date()).values_list("source_id", "messages"))


def _check_last(row: Source) -> None:
    """A pool without addresses would hold up its routes' mail."""
    alone = not Source.objects.filter(pool=row.pool).exclude(pk=row.pk).exists()
    if alone and Route.objects.filter(pool=row.pool).exists():
        raise ValidationError({"pool": gettext("It is the last of this pool, and a route names the pool.")})


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """In normal form."""
    unknown = values.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    pool = values["pool"].strip().lower()
    if not _POOL.fullmatch(pool):
        raise ValidationError({"pool": gettext("A name of letters, digits and hyphens.")})
    try:
        own = str(ipaddress.ip_address(values["address"].strip()))
    except ValueError as error:
        raise ValidationError({"address": gettext("An address of this machine, IPv4 or IPv6.")}) from error
    helo = values["helo"].strip()
    try:
        helo = address.normal_domain(helo) if helo else ""
    except ProtocolError as error:
        raise ValidationError({"helo": str(error)}) from error
    if len(values["warmup"]) > WARMUP_DAYS or not all(0 < one <= DAILY for one in values["warmup"]):
        raise ValidationError(
            {
                "warmup": gettext("At most {warmup_days} days, each with a number from 1 to {daily}.").format(
                    warmup_days=WARMUP_DAYS, daily=DAILY
                )
            }
        )
    if not 0 <= values["daily"] <= DAILY:
        raise ValidationError({"daily": gettext("A number from 0 to {daily}; 0: no limit.").format(daily=DAILY)})
    return values | {"pool": pool, "address": own, "helo": helo, "warmup": list(values["warmup"])}


def _told(value: Any) -> Any:
    return value if isinstance(value, str | int | list) else str(value)
