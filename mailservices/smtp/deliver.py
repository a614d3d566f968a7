"""Stamp a message and commit it, in one transaction: local mailboxes, and the queue for everybody else."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailservices.mail import authentication_results, codes, headers, returned, trace, vacation
from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import BadMessage, NoSuchFolder, Unavailable
from mailservices.mail.findings import Finding, Result
from mailservices.mail.vocabulary import Event, SpecialUse
from mailservices.net import metrics
from mailservices.smtp import learning, leaving, opening, outgoing_privacy, private, signing, submission
from mailservices.smtp.opening import Readable
from mailservices.smtp.outgoing_privacy import Copy
from mailservices.smtp.private import Place, Text
from mailservices.smtp.session import Session, named
from mailservices.smtp.stages.arrival import Arrival
from mailservices.store import answers, mailboxes
from mailservices.store.answers import Away
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.directory import Route
from mailservices.store.outgoing import Outgoing
from mailservices.store.returned import Suspect, without_text
from mailservices.store.tally import Kind
from mailservices.store.trace import Row, domain_of, words

_COMMIT_SECONDS = metrics.COMMIT_SECONDS.labels("smtp")
_MESSAGES = metrics.MESSAGES.labels("smtp", Event.ACCEPTED)
_OCTETS = metrics.OCTETS.labels("smtp")


@dataclass(frozen=True, slots=True)
class _Part:
    """What one copy of a message comes to."""

    places: Sequence[Place]
    contents: tuple[tuple[Content, tuple[Placement, ...]], ...]
    outgoing: Outgoing | None
    events: tuple[Row, ...]
    suspect: Suspect | None
    away: tuple[Away, ...]
    size: int


async def deliver(session: Session, envelope: Envelope, routes: Sequence[Route], arrival: Arrival) -> None:
    """Commit the message for all its recipients, then wake the workers.

    Args:
        routes: where the recipients of the envelope lead, in their order.

    Raises:
        MailboxFull, TooLargeForMailbox, NoSuchFolder: for one recipient, so for none.
        NotYourAddress: somebody else's address stands in From of a submission.
        NoKey: it may leave encrypted only, and a recipient lacks a key.
        BadMessage: it has more parts than can be looked at.
        Unavailable
    """
    started, now = time.monotonic(), datetime.now(UTC)
    header = await submission.prepared(session, arrival.header)
    if not arrival.exempt:
        header = authentication_results.without_forged(header, session.context.config.hostname)
    stamps = _stamps(session, envelope, arrival, now)
    whole = Copy(session.trace_id, envelope, routes, stamps, header, arrival.body)
    drafts = await outgoing_privacy.drafts(session, whole)
    held = await submission.is_held(session, envelope)
    parts: list[_Part] = []
    for draft in drafts:
        copy = await draft.made()
        there = {place.box.account_id for part in parts for place in part.places}
        parts.append(await _part(session, copy, arrival, now, there, held=held))
    try:
        await session.context.appender.deliver(_together(parts))
    except NoSuchFolder:
        # Its owner removed the Junk folder just now: it is made anew when the message comes again.
        raise (Unavailable if arrival.junk else NoSuchFolder) from None
    await _after(session, arrival, parts)
    _COMMIT_SECONDS.observe(time.monotonic() - started)
    _MESSAGES.inc()


async def _after(session: Session, arrival: Arrival, parts: Sequence[_Part]) -> None:
    """What is done once the message is there."""
    places = [place.box.account_id for part in parts for place in part.places]
    await learning.learn(session.context.pool, places, arrival)
    if arrival.seen:
        domain, seen = arrival.seen
        arrival.desk.tally.add(Kind.DMARC, domain, seen.facts())
    for part in parts:
        _OCTETS.inc(part.size)
        if part.outgoing and not part.outgoing.release_at:
            session.context.bell.ring({one.destination for one in part.outgoing.recipients if not one.report})


async def _part(
    session: Session, copy: Copy, arrival: Arrival, now: datetime, there: Collection[int], *, held: bool
) -> _Part:
    """One copy, ready to be committed.

    Args:
        there: accounts that another copy goes to.
    """
    envelope, routes, header, body = copy.envelope, copy.routes, copy.header, copy.body
    stamps = await signing.signatures(session, envelope, copy.stamps + header, body, now) + copy.stamps
    places = [] if held else await _places(session, envelope, routes, arrival)
    places = [place for place in places if place.box.account_id not in there]
    text = Text(trace.return_path(envelope.return_path), stamps, header, body)
    opened = await opening.readable(session, arrival, places, text)
    own = await private.enclosed(session, places, text)
    own |= {account_id: one.content for account_id, one in opened.items()}
    content, facts = await private.readable(session, envelope, routes, places, own, text, held=held)
    if not facts.whole and not session.profile.submission:
        raise BadMessage(codes.TOO_MANY_PARTS)
    seal = await signing.seal(session, envelope, routes, arrival, stamps + header, now)
    outgoing = leaving.outgoing(
        session, envelope, routes, seal + stamps, content, facts.message_id, now, held=held
    )
    if outgoing:
        outgoing = replace(outgoing, message_id=copy.trace_id)
    size = len(text.return_path) + len(stamps) + len(header) + len(body)
    return _Part(
        places,
        tuple(_placed(own.get(place.box.account_id), content, text, place, now) for place in places),
        outgoing,
        tuple(_events(session, copy, arrival, places, outgoing, size, facts.message_id, opened)),
        await _suspect(session, envelope, arrival, text, private=bool(own)) if places or outgoing else None,
        _away(session, envelope, arrival, header, places),
        size,
    )


def _together(parts: Sequence[_Part]) -> Delivery:
    first, *others = parts
    return Delivery(
        tuple(one for part in parts for one in part.contents),
        first.outgoing,
        events=tuple(row for part in parts for row in part.events),
        suspect=first.suspect,
        away=tuple(one for part in parts for one in part.away),
        copies=tuple(part.outgoing for part in others if part.outgoing),
    )


async def _suspect(
    session: Session, envelope: Envelope, arrival: Arrival, text: Text, *, private: bool
) -> Suspect | None:
    """A message from elsewhere that may be a report is read once it is delivered."""
    if session.profile.submission or not returned.suspected(text.header, envelope.return_path):
        return None
    recipients = tuple(str(one.address) for one in envelope.recipients)
    proven = any(one.method == "dmarc" and one.result is Result.PASS for one in arrival.findings)
    suspect = Suspect(session.trace_id, envelope.return_path, recipients, text.header, proven)
    return await without_text(session.context.pool, suspect, text.body) if private else suspect


def _away(
    session: Session, envelope: Envelope, arrival: Arrival, header: bytes, places: Sequence[Place]
) -> tuple[Away, ...]:
    """Who are away and may answer: not what goes to Junk, for its sender is often forged."""
    accounts = [place.box.account_id for place in places if place.box.away]
    if not accounts or arrival.junk or not vacation.may_be_answered(header, envelope.return_path):
        return ()
    kept = vacation.kept(header)
    away = (Away(one, session.trace_id, envelope.return_path, kept) for one in accounts)
    return answers.without_subjects(away, [place.box for place in places])


def _placed(
    own: Content | None, content: Content, text: Text, place: Place, now: datetime
) -> tuple[Content, tuple[Placement, ...]]:
    """The message as one mailbox has it. Its body is shared by all who have it as it came."""
    return own or replace(content, prefix=text.prefix(place)), (
        Placement(place.box.account_id, place.box.mailbox_id, now),
    )


def _stamps(session: Session, envelope: Envelope, arrival: Arrival, now: datetime) -> bytes:
    """What we prepend for every recipient: Received, what was found out, what a submission must have and lacks."""
    hostname = session.context.config.hostname
    signed_in = session.identity is not None
    hop = trace.Hop(
        # Where our own people sit is nobody's business; the trace has it.
        helo="" if signed_in else session.helo,
        peer="" if signed_in else session.wire.peer,
        hostname=hostname,
        protocol=trace.protocol_name(
            extended=session.extended,
            tls=bool(session.wire.tls),
            signed_in=signed_in,
            smtputf8=envelope.smtputf8,
            lmtp=session.profile.lmtp,
        ),
        queue_id=session.trace_id.hex,
        at=now,
        tls=session.wire.tls,
        recipient=str(envelope.recipients[0].address) if len(envelope.recipients) == 1 else "",
        priority=envelope.priority,
    )
    prefix = trace.received(hop) + _told(hostname, arrival.findings, arrival.junk)
    if signed_in:
        if headers.first(arrival.header, b"date") is None:
            prefix += trace.date(now)
        if headers.first(arrival.header, b"message-id") is None:
            prefix += trace.message_id(session.trace_id.hex, hostname)
    return prefix


def _told(hostname: str, findings: Sequence[Finding], junk: Sequence[str]) -> bytes:
    """The fields that say what the stages found out; nothing of who was not asked."""
    told = authentication_results.field(hostname, findings) if findings else b""
    return told + (trace.junk_reason([*junk, summary(findings)]) if junk else b"")


def summary(findings: Sequence[Finding]) -> str:
    """All findings on one line, for the trace: spf=pass dmarc=pass."""
    return " ".join(f"{finding.method}={finding.result}" for finding in findings)


async def _places(session: Session, envelope: Envelope, routes: Sequence[Route], arrival: Arrival) -> list[Place]:
    """Each local mailbox once, however many recipients lead to it: INBOX, or Junk where the stages said so.

    None yet where the message is held.
    """
    if envelope.hold:
        return []
    found: dict[int, Place] = {}
    for recipient, route in zip(envelope.recipients, routes, strict=True):
        for box in route.mailboxes:
            found.setdefault(box.account_id, Place(box, str(recipient.address)))
    if not arrival.junk or not found:
        return list(found.values())
    junk = await mailboxes.with_role(session.context.pool, list(found), SpecialUse.JUNK)
    return [
        replace(place, box=replace(place.box, mailbox_id=junk[account_id])) for account_id, place in found.items()
    ]


def _events(
    session: Session,
    copy: Copy,
    arrival: Arrival,
    places: Sequence[Place],
    outgoing: Outgoing | None,
    size: int,
    message_id: str,
    opened: Mapping[int, Readable],
) -> Iterator[Row]:
    envelope = copy.envelope
    sender, peer = envelope.return_path, session.wire.peer or None
    account_id = session.identity.account_id if session.identity else None

    own = session.identity.address if session.identity else ""

    def row(kind: Event, recipient: str, account: int | None, detail: str = "", by: str = own) -> Row:
        return Row(
            copy.trace_id, kind, "smtp", account, peer, sender, recipient, message_id, size, detail,
            of=domain_of(by),
        )  # fmt: skip

    to = [str(one.address) for one in envelope.recipients]
    leads = [place.box.address for place in places]
    leads += [one.address for one in outgoing.recipients] if outgoing else []
    # The one that stands outside, where the subject is hidden.
    subject = "" if session.private else named(copy.header)[0]
    yield replace(
        row(Event.ACCEPTED, ", ".join(to), account_id, copy.done or summary(arrival.findings)),
        subject=subject,
        envid=envelope.envid,
        words=words(sender, *to, *leads, message_id, subject, envelope.envid, peer),
        facts=session.facts(),
    )
    junk = f"to Junk: {'; '.join(arrival.junk)}" if arrival.junk else ""
    for place in places:
        told = [opened[place.box.account_id].detail] if place.box.account_id in opened else []
        detail = "; ".join([*told, *([junk] if junk else [])])
        yield row(Event.DELIVERED, place.box.address, place.box.account_id, detail)
    held = f", held until {outgoing.release_at:%Y-%m-%d %H:%M:%S} UTC" if outgoing and outgoing.release_at else ""
    for recipient in outgoing.recipients if outgoing else ():
        if not recipient.report:
            queued = f"for {recipient.destination}{held}"
            yield row(Event.QUEUED, recipient.address, account_id, queued, own or recipient.received_as)
