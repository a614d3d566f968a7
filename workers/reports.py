"""Delivery reports that are due: built, and put where the sender finds them, by the clearing transaction."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from mailservices import log
from mailservices.mail import address, backoff, dsn, headers, routing, srs, trace
from mailservices.mail.dkim.sign import Key, Signer
from mailservices.mail.dsn import Fate, Original
from mailservices.mail.errors import MailError, Permanent, ProtocolError
from mailservices.mail.routing import Rule
from mailservices.mail.vocabulary import Event
from mailservices.store import bodies, directory, enclosing, reports
from mailservices.store.delivery import Delivery
from mailservices.store.directory import Route
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.queue import QueuedMessage
from mailservices.store.reports import AlreadyReported, Report, ReportedRecipient
from mailservices.store.trace import Row, words
from workers.engine import Engine
from workers.outbound.settle import end

#: Reports of one round.
ROUND = 200
_NOWHERE = Route((), ())

_log = log.get()


async def write_due(engine: Engine) -> None:
    """Write every report that is due."""
    for message_id, kind in await reports.due(engine.pool, ROUND):
        try:
            await _write(engine, message_id, kind)
        except AlreadyReported:
            continue
        except MailError as error:
            # Such as a full mailbox: it stays due, and is tried again with the next sweep.
            _log.warning("report not written", message=message_id.hex, kind=kind, error=type(error).__name__)


async def _write(engine: Engine, message_id: UUID, kind: str) -> None:
    message, recipients = await reports.reported_on(engine.pool, message_id, kind)
    if not recipients:
        return
    now = datetime.now(UTC)
    original = Original(
        message.sender, message.envid, message.created_at, message.prefix + message.header,
        await _returned_body(engine, message, kind), message.deliver_by, message.future_release,
        await reports.language_of(engine.pool, message.sender.rpartition("@")[2].lower()),
    )  # fmt: skip
    rules = await engine.rules.current()
    fates = [fate(kind, message, one, rules) for one in recipients]
    octets = dsn.build(kind, original, fates, engine.config.hostname, now)
    report = Report(tuple(one.recipient_id for one in recipients), kind)
    await _deliver(engine, message, octets, report, now)


def fate(kind: str, message: QueuedMessage, one: ReportedRecipient, rules: Sequence[Rule]) -> Fate:
    """What a report of this kind says of a recipient, under the rules that hold now."""
    rule = routing.holding(rules, one.route_id, message.sender, one.destination)
    return Fate(
        one.address, one.orcpt, _status(kind, one.enhanced), one.host if one.code else "", one.last_reply,
        one.last_attempt_at, end(message, one.expires_at, rule),
    )  # fmt: skip


def _status(kind: str, enhanced: str) -> str:
    """RFC 3464 §2.3.4: its class must fit the action."""
    digit = {"failed": "5", "delayed": "4"}.get(kind, "2")
    return digit + (enhanced[1:] or ".0.0")


def is_returned_whole(kind: str, message: QueuedMessage) -> bool:
    """RFC 3461 §6.2: RET=FULL asks for it with a failure; not what is too large, or private (RFC 8689 §5)."""
    return (
        kind == "failed"
        and message.ret == "FULL"
        and message.size <= dsn.RETURNED_OCTETS
        and not message.require_tls
    )


async def _returned_body(engine: Engine, message: QueuedMessage, kind: str) -> bytes | None:
    if not is_returned_whole(kind, message):
        return None
    return b"".join([piece async for piece in bodies.read(engine.pool, message.blob_id, 0, message.body_size)])


async def _deliver(engine: Engine, message: QueuedMessage, octets: bytes, report: Report, now: datetime) -> None:
    """Into the sender's INBOX; to another host where the sender is elsewhere; nowhere where it is nobody."""
    route = await route_of(engine, message.sender)
    header, body = headers.split(octets)
    content, enclosed, facts = await enclosing.prepare(engine.pool, route, trace.return_path(""), header, body)
    report_id = new_id()
    outgoing = None
    if route.remote:
        domain, keys = await engine.keys.nearest(engine.config.hostname)
        outgoing = Outgoing(
            recipients=tuple(OutgoingRecipient(str(one), one.domain) for one in route.remote),
            sender="",
            expires_at=now + backoff.LIFETIME,
            prefix=await signed(header, body, keys, domain, now),
            header=header,
            body=content.body,
            message_id=report_id,
            eightbit=not octets.isascii(),
            smtputf8=not message.sender.isascii(),
            message_id_field=facts.message_id,
            priority=message.priority,
            require_tls=message.require_tls,
        )
    report = replace(report, lost=not route.mailboxes and not route.remote)
    detail = f"{report.kind}: {len(report.recipient_ids)} recipients of {message.message_id.hex}"
    detail += ", but nobody is there to read it" if report.lost else ""
    event = Row(
        message.message_id, Event.REPORTED, "worker", message.account_id, None, "", message.sender,
        facts.message_id, content.size, detail, words=words(message.sender, facts.message_id),
        facts={"report": report_id.hex} if outgoing else None,
    )  # fmt: skip
    # What leaves has a trace of its own; each names the other.
    leaving = [
        replace(
            event, trace_id=report_id, kind=Event.QUEUED, recipient=one.address, detail=f"for {one.destination}",
            words=words(one.address, facts.message_id), facts={"about": message.message_id.hex},
        )
        for one in (outgoing.recipients if outgoing else ())
    ]  # fmt: skip
    placed = enclosing.placed(content, enclosed, route.mailboxes, now)
    delivery = Delivery(placed, outgoing, report, events=(event, *leaving))
    await engine.appender.deliver(delivery)
    if outgoing is not None:
        engine.bell.ring({recipient.destination for recipient in outgoing.recipients})


def signatures(header: bytes, body: bytes, keys: Sequence[Key], domain: str, now: datetime) -> bytes:
    """RFC 6376: as the domain of this host or of the one above it; nothing where neither has keys."""
    signer = Signer(header, keys, domain, int(now.timestamp()))
    signer.feed(body)
    return signer.finish()


async def signed(header: bytes, body: bytes, keys: Sequence[Key], domain: str, now: datetime) -> bytes:
    """The same, while the loop goes on."""
    return await asyncio.to_thread(signatures, header, body, keys, domain, now)


async def route_of(engine: Engine, sender: str) -> Route:
    """Where mail to this return path goes; nowhere where nobody is there."""
    try:
        parsed = address.parse(sender)
        if srs.is_rewritten(parsed) and await directory.is_local(engine.pool, parsed.domain):
            # Of a message that was forwarded: to whoever sent it.
            parsed = srs.reverse(parsed, engine.config.srs_key, srs.today(time.time()))
        return await directory.resolve(engine.pool, parsed)
    except (Permanent, ProtocolError):
        _log.info("report has no reader", sender=sender)
        return _NOWHERE
