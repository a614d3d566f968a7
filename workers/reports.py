"""Delivery reports that are due: built, and put where the sender finds them, by the clearing transaction."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from mailservices import log
from mailservices.mail import address, backoff, dsn, headers, srs, trace
from mailservices.mail.dkim.sign import Key, Signer
from mailservices.mail.dsn import Fate, Original
from mailservices.mail.errors import MailError, Permanent, ProtocolError
from mailservices.mail.vocabulary import Event
from mailservices.store import bodies, contents, directory, reports
from mailservices.store.delivery import Delivery, Placement
from mailservices.store.directory import Route
from mailservices.store.ids import new_id
from mailservices.store.queue import Outgoing, OutgoingRecipient, QueuedMessage
from mailservices.store.reports import AlreadyReported, Report
from mailservices.store.trace import Row
from workers.engine import Engine

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
        message.sender, message.envid, message.created_at, message.expires_at, message.prefix + message.header,
        await _returned_body(engine, message, kind), message.deliver_by, message.future_release,
    )  # fmt: skip
    fates = [
        Fate(
            one.address, one.orcpt, _status(kind, one.enhanced), one.host if one.code else "",
            one.last_reply, one.last_attempt_at,
        )
        for one in recipients
    ]  # fmt: skip
    octets = dsn.build(kind, original, fates, engine.config.hostname, now)
    report = Report(tuple(one.recipient_id for one in recipients), kind)
    await _deliver(engine, message, octets, report, now)


def _status(kind: str, enhanced: str) -> str:
    """RFC 3464 §2.3.4: its class must fit the action."""
    digit = {"failed": "5", "delayed": "4"}.get(kind, "2")
    return digit + (enhanced[1:] or ".0.0")


async def _returned_body(engine: Engine, message: QueuedMessage, kind: str) -> bytes | None:
    """RFC 3461 §4.3: RET=FULL returns it with a failure, if it is not too large, or private (RFC 8689 §5)."""
    if kind != "failed" or message.ret != "FULL" or message.size > dsn.RETURNED_OCTETS or message.require_tls:
        return None
    return b"".join([piece async for piece in bodies.read(engine.pool, message.blob_id, 0, message.body_size)])


async def _deliver(engine: Engine, message: QueuedMessage, octets: bytes, report: Report, now: datetime) -> None:
    """Into the sender's INBOX; to another host where the sender is elsewhere; nowhere where it is nobody."""
    route = await _route(engine, message.sender)
    header, body = headers.split(octets)
    content, facts = await contents.prepare(engine.pool, trace.return_path(""), header, body)
    report_id = new_id()
    outgoing = None
    if route.remote:
        domain, keys = await engine.keys.nearest(engine.config.hostname)
        outgoing = Outgoing(
            recipients=tuple(OutgoingRecipient(str(one), one.domain) for one in route.remote),
            sender="",
            expires_at=now + backoff.LIFETIME,
            prefix=await asyncio.to_thread(_signatures, header, body, keys, domain, now),
            header=header,
            body=content.body,
            message_id=report_id,
            eightbit=not octets.isascii(),
            smtputf8=not message.sender.isascii(),
            message_id_field=facts.message_id,
            priority=message.priority,
            require_tls=message.require_tls,
        )
    places = tuple(Placement(box.account_id, box.mailbox_id, now) for box in route.mailboxes)
    detail = f"{report.kind}: {len(report.recipient_ids)} recipients of {message.message_id.hex}"
    event = Row(
        message.message_id, Event.REPORTED, "worker", message.account_id, None, "", message.sender,
        facts.message_id, content.size, detail,
    )  # fmt: skip
    delivery = Delivery(((content, places),) if places else (), outgoing, report, events=(event,))
    await engine.appender.deliver(delivery)
    if outgoing is not None:
        engine.bell.ring({recipient.destination for recipient in outgoing.recipients})


def _signatures(header: bytes, body: bytes, keys: Sequence[Key], domain: str, now: datetime) -> bytes:
    """RFC 6376: as the domain of this host or of the one above it; nothing where neither has keys."""
    signer = Signer(header, keys, domain, int(now.timestamp()))
    signer.feed(body)
    return signer.finish()


async def _route(engine: Engine, sender: str) -> Route:
    try:
        parsed = address.parse(sender)
        if srs.is_rewritten(parsed) and await directory.is_local(engine.pool, parsed.domain):
            # Of a message that was forwarded: to whoever sent it.
            parsed = srs.reverse(parsed, engine.config.srs_key, srs.today(time.time()))
        return await directory.resolve(engine.pool, parsed)
    except (Permanent, ProtocolError):
        _log.info("report has no reader", sender=sender)
        return _NOWHERE
