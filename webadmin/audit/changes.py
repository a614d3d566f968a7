"""How verbs make and change rows: two requests at once end in a sentence, and what changed stands in the entry."""

from datetime import date, timedelta
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from webadmin.audit.record import Actor, record

Row = TypeVar("Row", bound=Model)


def create(model: type[Row], **values: Any) -> Row:
    """Create a row; two requests that passed the checks side by side end in a sentence, not in a 500."""
    try:
        with transaction.atomic():
            row = model(**values)
            row.save(force_insert=True)
            return row
    except IntegrityError as error:
        raise ValidationError({NON_FIELD_ERRORS: "Somebody else has just made that."}) from error


def change(actor: Actor, verb: str, row: Row, changes: dict[str, Any]) -> Row:
    """Set these fields, with an entry that has the old and the new values of those that differ."""
    before = {name: getattr(row, name) for name in changes}
    differing = [name for name in changes if before[name] != changes[name]]
    for name in differing:
        setattr(row, name, changes[name])
    if differing:
        row.save(update_fields=differing)
        record(
            actor,
            verb,
            str(row),
            {name: _told(before[name]) for name in differing},
            {name: _told(changes[name]) for name in differing},
        )
    return row


def _told(value: Any) -> Any:
    """As an entry holds it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Model | timedelta) else value
