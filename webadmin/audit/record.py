"""How a verb leaves its entry: called inside the verb's transaction, so that both stand or neither."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from webadmin.audit.models import Entry
from webadmin.directory.models import Administrator, ApiToken


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls a verb, from where, and by which token, if by one."""

    administrator: Administrator | None
    remote_host: str | None = None
    token: ApiToken | None = None

    @property
    def name(self) -> str:
        return str(self.administrator) if self.administrator else "command line"


#: The operator at the machine's own command line.
OPERATOR = Actor(None)


def of_request(request: Any) -> Actor:
    """Who asks; by a session or by a token."""
    token = getattr(request, "auth", None)
    where = request.META.get("REMOTE_ADDR") or None
    return Actor(request.user, where, token if isinstance(token, ApiToken) else None)


def record(
    actor: Actor,
    verb: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append one audit entry; `before` and `after` hold only what changed, and never a secret."""
    _entry(actor, verb, subject, before, after).save(force_insert=True)


def record_many(actor: Actor, verb: str, told: Iterable[tuple[str, dict[str, Any] | None]]) -> None:
    """An entry for each of many subjects, with what is now."""
    Entry.objects.bulk_create((_entry(actor, verb, one, None, after) for one, after in told), batch_size=2000)


def _entry(
    actor: Actor, verb: str, subject: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> Entry:
    return Entry(
        administrator=actor.administrator,
        username=actor.name,
        remote_host=actor.remote_host,
        verb=verb,
        subject=subject[:400],
        before=before,
        after=after,
    )
