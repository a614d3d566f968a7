"""One message from the connection to the mailbox or the bounce: its events, tries and reports as one list.

The trace has the events, the queue (for as long as it keeps them) each try with the other host's words, and
the reports what came back. All of it is read here; pages, API and the plain text show the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext, gettext_lazy

from mailservices.mail.vocabulary import Event
from webadmin.audit.record import Actor
from webadmin.queue.models import Attempt, Recipient
from webadmin.reports.models import Return
from webadmin.scope import domain_names, visible
from webadmin.trace.finding import Found, in_order, of_traces, summed
from webadmin.trace.models import TraceEvent

#: Events of one message that are shown, and of others that belong to it.
EVENTS, RELATED = 1000, 10
#: How long before a message came its sender may have been told to come back (greylisting).
EARLIER = timedelta(days=2)
#: Of these the queue knows more than the trace.
TRIES = frozenset({Event.RELAYED, Event.DEFERRED, Event.FAILED})
WHAT = {
    Event.REFUSED: gettext_lazy("Refused"),
    Event.ACCEPTED: gettext_lazy("Came in"),
    Event.DELIVERED: gettext_lazy("Delivered"),
    Event.QUEUED: gettext_lazy("Waits to be sent"),
    Event.RELAYED: gettext_lazy("Taken by the next host"),
    Event.DEFERRED: gettext_lazy("Not taken yet"),
    Event.FAILED: gettext_lazy("Failed"),
    Event.REPORTED: gettext_lazy("Report written"),
    Event.BOUNCED: gettext_lazy("Came back"),
    Event.COMPLAINED: gettext_lazy("Called spam by its reader"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """What one check said of a message."""

    method: str
    result: str
    reason: str = ""
    properties: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    at: datetime
    kind: str
    sender: str
    recipient: str
    remote_host: str | None
    #: The reply, or why.
    detail: str
    #: port, helo, tls, account, junk: how it came.
    facts: dict[str, Any] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    attempt: Attempt | None = None
    #: The trace of the report that this tells of.
    leads_to: str = ""

    @property
    def what(self) -> str:
        return str(WHAT.get(Event(self.kind), self.kind))

    @property
    def lines(self) -> Iterator[str]:
        """What there is to say of it, a sentence each."""
        facts = self.facts
        if self.kind in (Event.ACCEPTED, Event.REFUSED) and self.remote_host:
            helo = gettext(", which calls itself {facts}").format(facts=facts["helo"]) if facts.get("helo") else ""
            yield gettext("From {remote_host}{helo}").format(remote_host=self.remote_host, helo=helo)
        if facts:
            security = facts.get("tls") or gettext("in plain text")
            yield f"By {facts.get('port', 'smtp')}, {security}"
        if facts.get("account"):
            yield gettext("Signed in as {facts}").format(facts=facts["account"])
        yield from (f"Junk: {reason}" for reason in facts.get("junk", ()))
        if self.attempt is not None:
            yield from _tried(self.attempt)
        elif self.detail and self.kind != Event.ACCEPTED:
            yield self.detail


def _tried(one: Attempt) -> Iterator[str]:
    if one.host:
        yield f"At {one.host}" + (f" [{one.address}]" if one.address else "")
    security = f"TLS: {one.tls or 'none'}" + (f" ({one.verdict})" if one.verdict else "")
    if one.host:
        yield security
    said = " ".join(str(part) for part in (one.code or "", one.enhanced, one.text) if part)
    yield (
        gettext("Stage {stage}: {said}").format(stage=one.stage, said=said)
        if said
        else gettext("Stage {stage}").format(stage=one.stage)
    )


@dataclass(frozen=True, slots=True)
class Related:
    """Another trace that belongs to this one, and why."""

    trace_id: str
    why: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of one message."""

    found: Found
    envid: str
    size: int | None
    steps: list[Step]
    related: list[Related]
    #: What the queue has of it: none once that was tidied, or where nothing left.
    recipients: list[Recipient]


def read(actor: Actor, trace_id: UUID) -> Timeline:
    """Raises Http404: nothing is known of it."""
    rows = in_order(of_traces(actor, [trace_id])[:EVENTS], domain_names(actor))
    if not rows:
        raise Http404
    queued = list(visible(actor, Recipient).filter(message_id=trace_id).select_related("message", "route"))
    tries = _tries(queued)
    steps = [_step(row, tries) for row in rows]
    first = next((row for row in rows if row.kind == Event.ACCEPTED), rows[0])
    envid = first.envid or (queued[0].message.envid if queued else "")
    size = next((row.size for row in rows if row.size), None)
    return Timeline(summed(trace_id, rows), envid, size, steps, list(_related(actor, first, rows, queued)), queued)


def _tries(queued: list[Recipient]) -> dict[tuple[str, str], list[Attempt]]:
    """By address and outcome, the first in front."""
    found: dict[tuple[str, str], list[Attempt]] = {}
    addresses = {one.pk: one.address for one in queued}
    history = Attempt.objects.filter(recipient_id__in=addresses).order_by("at") if addresses else ()
    for attempt in history:
        found.setdefault((addresses[attempt.recipient_id], attempt.outcome), []).append(attempt)
    return found


def _step(row: TraceEvent, tries: dict[tuple[str, str], list[Attempt]]) -> Step:
    facts = dict(row.facts or {})
    checks = tuple(Check(*one) for one in facts.pop("checks", ()))
    left = tries.get((row.recipient, row.kind), []) if row.kind in TRIES else []
    attempt = left.pop(0) if left else None
    leads_to = facts.pop("report", "") or facts.pop("about", "")
    return Step(
        row.at, row.kind, row.sender, row.recipient, row.remote_host, row.detail, facts, checks, attempt, leads_to
    )


def _related(
    actor: Actor, first: TraceEvent, rows: list[TraceEvent], queued: list[Recipient]
) -> Iterator[Related]:
    """Reports on it, what it reports on, the same message on another way, and earlier tries to hand it in."""
    seen = {first.trace_id.hex}
    for one in _all_related(actor, first, rows, queued):
        if one.trace_id not in seen:
            seen.add(one.trace_id)
            yield one


def _all_related(
    actor: Actor, first: TraceEvent, rows: list[TraceEvent], queued: list[Recipient]
) -> Iterator[Related]:
    for row in rows:
        if row.facts and "report" in row.facts:
            yield Related(row.facts["report"], gettext("The delivery report on it"), row.at)
        if row.facts and "about" in row.facts:
            yield Related(row.facts["about"], gettext("What this reports on"))
    addresses = [one.pk for one in queued]
    for back in Return.objects.filter(recipient_id__in=addresses)[:RELATED] if addresses else ():
        yield Related(
            back.trace_id.hex, gettext("A report that came back: {what}").format(what=back.what), back.at
        )
    told_of = Return.objects.filter(trace_id=first.trace_id, recipient__in=visible(actor, Recipient))
    for told in told_of.select_related("recipient")[:RELATED]:
        yield Related(
            told.recipient.message_id.hex,
            gettext("What this reports on: mail to {address}").format(address=told.recipient.address),
        )
    if first.message_id_field:
        same = (
            visible(actor, TraceEvent)
            .filter(message_id_field=first.message_id_field)
            .exclude(trace_id=first.trace_id)
        )
        for other, at in same.order_by("at").values_list("trace_id", "at")[: RELATED * 5]:
            yield Related(other.hex, gettext("The same Message-ID, on another way"), at)
    if first.sender and first.kind == Event.ACCEPTED:
        sought = {"kind": Event.REFUSED, "sender": first.sender, "recipient__in": first.recipient.split(", ")}
        before = visible(actor, TraceEvent).filter(at__gte=first.at - EARLIER, at__lt=first.at, **sought)
        for other, at in before.order_by("-at").values_list("trace_id", "at")[:RELATED]:
            yield Related(other.hex, gettext("Refused shortly before"), at)


def plain(line: Timeline, hostname: str) -> str:
    """For the other side's postmaster: what passed between hosts, nothing of who reads what here."""
    found, public = line.found, {*line.found.recipients, line.found.sender}
    head = [
        gettext("Trace {hex} of {hostname}; all times in UTC").format(hex=found.trace_id.hex, hostname=hostname),
        f"From:       {found.sender or '<>'}",
        *(f"To:         {one}" for one in found.recipients),
        f"Message-ID: {found.message_id_field or '(none)'}",
        *([f"ENVID:      {line.envid}"] if line.envid else []),
        *([gettext("Size:       {size} octets").format(size=line.size)] if line.size else []),
        "",
    ]
    for step in line.steps:
        whom = f" {step.recipient}" if step.recipient in public else ""
        head.append(f"{step.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {step.what}{whom}")
        head += [f"    {text}" for text in _told_outside(step)]
    return "\n".join(head) + "\n"


def _told_outside(step: Step) -> Iterator[str]:
    for check in step.checks:
        yield " ".join(word for word in (f"{check.method}={check.result}", check.reason, check.properties) if word)
    if step.kind in (Event.DELIVERED, Event.QUEUED, Event.REPORTED):
        return
    inner = f" ({step.facts['reason']})" if "reason" in step.facts else ""
    for text in step.lines:
        if not text.startswith(("Junk:", gettext("Signed in as "))):
            yield text.removesuffix(inner)
