"""Where is my mail? Traces by any part of an address, Message-ID, subject or ENVID, or by an IP address.

Rows that begin a trace hold what it is found by (`words`, with an index of their trigrams); an IP address or a
network is looked up among the hosts that took part. What is common is found in the last days already, what is rare
in all of them: so the newest are looked through first, and older ones only where that was not enough.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail.vocabulary import Event
from webadmin.audit.record import Actor
from webadmin.scope import domain_names, reaches_all, visible
from webadmin.trace.models import TraceEvent

#: Traces of one search.
TRACES = 50
#: A word of fewer characters has no trigram, and fits nearly everything.
SHORTEST = 3
#: How far back each look goes; the last has all that there is.
LOOKS = (timedelta(days=1), timedelta(days=7), timedelta(days=400))
#: Whose domains have much, have enough in so little: there, events are looked at one after the other.
FIRST_OF_SOME = timedelta(hours=1)
#: A recipient's last event of these kinds says where the message stands.
_STANDS = frozenset({*Event} - {Event.ACCEPTED, Event.REPORTED})


@dataclass(frozen=True, slots=True)
class Found:
    """One trace of a search."""

    trace_id: UUID
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id_field: str
    remote_host: str | None
    #: Kind of event -> how many recipients it was the last one of.
    stands: dict[str, int]


def of_traces(actor: Actor, trace_ids: Iterable[UUID]) -> QuerySet[TraceEvent]:
    """The events of these traces, from the first. None is older than its trace's id: whole days are left out."""
    ids = list(trace_ids)
    begins = min((began(one) for one in ids), default=timezone.now())
    return (
        visible(actor, TraceEvent)
        .filter(trace_id__in=ids, at__gte=begins - timedelta(minutes=5))
        .order_by("at", "event_id")
    )


def in_order(rows: Iterable[TraceEvent], reach: frozenset[str] | None) -> list[TraceEvent]:
    """As they happened, without the names of recipients beyond somebody's reach.

    Rows of one statement have one moment and come in any order: a message comes in first.

    Args:
        reach: names of domains; None: all.
    """
    found = sorted(rows, key=lambda row: (row.at, row.kind != Event.ACCEPTED, row.event_id))
    if reach is not None:
        for row in found:
            signed_in = str((row.facts or {}).get("account", ""))
            # A row of one recipient is seen because of that one, or of whose mail it is.
            if ", " in row.recipient and signed_in.rpartition("@")[2] not in reach:
                named = [name for name in row.recipient.split(", ") if name.rpartition("@")[2] in reach]
                row.recipient = ", ".join(named)
    return found


def began(trace_id: UUID) -> datetime:
    """When the id was made (RFC 9562 §5.7); of an id without a time, long ago."""
    if trace_id.version != 7:
        return timezone.now() - LOOKS[-1]
    return datetime.fromtimestamp((trace_id.int >> 80) / 1000, UTC)


def asked(actor: Actor, text: str) -> QuerySet[TraceEvent]:
    """The rows by which this is found; without words, those with which traces begin.

    Raises:
        ValidationError: all words are too short.
    """
    network = _network(text.strip())
    if network is not None:
        return _from(actor, network)
    found, sought = _with_words(actor), text.lower().split()
    if sought and all(len(word) < SHORTEST for word in sought):
        raise ValidationError(
            {
                "q": gettext("That fits too much: name a part of at least {shortest} characters.").format(
                    shortest=SHORTEST
                )
            }
        )
    for word in sought:
        found = found.filter(words__contains=word)
    return found


def _with_words(actor: Actor) -> QuerySet[TraceEvent]:
    """Rows with which traces begin, within reach."""
    return visible(actor, TraceEvent).exclude(words="")


def _network(text: str) -> "ipaddress.IPv4Network | ipaddress.IPv6Network | None":
    """192.0.2.1, 192.0.2.0/24, or the first parts of an IPv4 address with a dot behind them."""
    parts = text.removesuffix(".").split(".")
    if text.endswith(".") and len(parts) < 4 and all(part.isdigit() for part in parts):
        text = f"{'.'.join(parts + ['0'] * (4 - len(parts)))}/{8 * len(parts)}"
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _from(actor: Actor, network: "ipaddress.IPv4Network | ipaddress.IPv6Network") -> QuerySet[TraceEvent]:
    # Addresses of a network lie side by side in the index. Who does not reach all finds where mail came from only:
    # of where it went, each row would have to be asked whose it is.
    found = visible(actor, TraceEvent) if reaches_all(actor) else _with_words(actor)
    return found.filter(remote_host__gte=str(network[0]), remote_host__lte=str(network[-1]))


def search(actor: Actor, text: str, before: datetime | None = None, limit: int = TRACES) -> list[Found]:
    """The newest traces that fit, the last of them first.

    Args:
        before: only older ones.

    Raises:
        ValidationError: see `asked`.
    """
    rows, end = asked(actor, text), before or timezone.now() + timedelta(minutes=5)
    found: dict[UUID, datetime] = {}
    until = end
    for look in LOOKS if reaches_all(actor) else (FIRST_OF_SOME, *LOOKS):
        since = end - look
        # What few domains have is found by its index and then sorted; not along the moments of all that happened.
        walks = reaches_all(actor) or look == FIRST_OF_SOME
        newest = F("at").desc() if walks else (F("at") + timedelta(0)).desc()
        fitting = rows.filter(at__gte=since, at__lt=until).order_by(newest, "-event_id")
        for trace_id, at in fitting.values_list("trace_id", "at")[: limit * 4]:
            found.setdefault(trace_id, at)
        if len(found) >= limit:
            break
        until = since
    ids = list(found)[:limit]
    together: dict[UUID, list[TraceEvent]] = {one: [] for one in ids}
    for event in of_traces(actor, ids) if ids else ():
        together[event.trace_id].append(event)
    reach = domain_names(actor)
    return [summed(one, in_order(rows, reach)) for one, rows in together.items() if rows]


def summed(trace_id: UUID, rows: list[TraceEvent]) -> Found:
    """What a list shows of a trace."""
    first = next((row for row in rows if row.kind == Event.ACCEPTED), rows[0])
    last = {row.recipient: row.kind for row in rows if row.kind in _STANDS}
    stands: dict[str, int] = {}
    for kind in last.values():
        stands[kind] = stands.get(kind, 0) + 1
    named = [name for name in first.recipient.split(", ") if name] if first.kind == Event.ACCEPTED else list(last)
    return Found(
        trace_id, first.at, first.sender, tuple(named), first.subject, first.message_id_field, first.remote_host,
        stands or {first.kind: 1},
    )  # fmt: skip
