"""How a verb leaves its entry: called inside the verb's transaction, so that both stand or neither."""

from dataclasses import dataclass
from typing import Any

from webadmin.audit.models import Entry
from webadmin.directory.models import Administrator


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls a verb, and from where."""

    administrator: Administrator | None
    remote_host: str | None = None

    @property
    def name(self) -> str:
        return self.administrator.username if self.administrator else "command line"


#: The operator at the machine's own command line.
OPERATOR = Actor(None)


def record(
    actor: Actor,
    verb: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append one audit entry; `before` and `after` hold only what changed, and never a secret."""
    Entry.objects.create(
        administrator=actor.administrator,
        username=actor.name,
        remote_host=actor.remote_host,
        verb=verb,
        subject=subject[:400],
        before=before,
        after=after,
    )
