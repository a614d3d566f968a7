"""Stamp a message and commit it, in one transaction: local mailboxes, and the queue for everybody else."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from mailservices.mail import backoff, headers, srs, trace
from mailservices.mail.address import Address
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.vocabulary import Event
from mailservices.net import metrics
from mailservices.smtp import signing
from mailservices.smtp.session import Session
from mailservices.store import contents
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.directory import Mailbox, Route
from mailservices.store.queue import Outgoing, OutgoingRecipient
from mailservices.store.spool import Spool
from mailservices.store.trace import Row


async def deliver(session: Session, envelope: Envelope, routes: Sequence[Route], spool: Spool) -> None:
    """Commit the message for all its recipients, then wake the workers.

    Args:
        routes: where the recipients of the envelope lead, in their order.

    Raises:
        MailboxFull, TooLargeForMailbox, NoSuchFolder: for one recipient, so for none.
        Unavailable
    """
    started, now = time.monotonic(), datetime.now(UTC)
    stamps = _stamps(session, envelope, spool.header, now)
    stamps = await signing.signatures(session, envelope, stamps + spool.header, spool.body(), now) + stamps
    prefix = trace.return_path(envelope.return_path) + stamps
    content, facts = await contents.prepare(session.context.pool, prefix, spool.header, spool.body())
    boxes = _mailboxes(envelope, routes)
    places = tuple(Placement(box.account_id, box.mailbox_id, now) for box in boxes)
    outgoing = _outgoing(session, envelope, routes, stamps, content, facts.message_id, now)
    events = tuple(_events(session, envelope, boxes, outgoing, content.size, facts.message_id))
    await session.context.appender.deliver(
        Delivery(((content, places),) if places else (), outgoing, events=events)
    )
    metrics.COMMIT_SECONDS.labels("smtp").observe(time.monotonic() - started)
    metrics.MESSAGES.labels("smtp", Event.ACCEPTED).inc()
    metrics.OCTETS.labels("smtp").inc(content.size)
    if outgoing and not outgoing.release_at:
        session.context.bell.ring({one.destination for one in outgoing.recipients if not one.report})


def _stamps(session: Session, envelope: Envelope, header: bytes, now: datetime) -> bytes:
    """What we prepend for every recipient: Received, and what a submission must have and lacks."""
    hostname = session.context.config.hostname
    hop = trace.Hop(
        helo=session.helo,
        peer=session.wire.peer,
        hostname=hostname,
        protocol=trace.protocol_name(
            extended=session.extended,
            tls=bool(session.wire.tls),
            signed_in=session.identity is not None,
            smtputf8=envelope.smtputf8,
            lmtp=session.profile.lmtp,
        ),
        queue_id=session.trace_id.hex,
        at=now,
        tls=session.wire.tls,
        recipient=str(envelope.recipients[0].address) if len(envelope.recipients) == 1 else "",
        priority=envelope.priority,
    )
    prefix = trace.received(hop)
    if session.identity is not None:
        if headers.first(header, b"date") is None:
            prefix += trace.date(now)
        if headers.first(header, b"message-id") is None:
            prefix += trace.message_id(session.trace_id.hex, hostname)
    return prefix


def _mailboxes(envelope: Envelope, routes: Sequence[Route]) -> list[Mailbox]:
    """Each local mailbox once, however many recipients lead to it; none yet where the message is held."""
    if envelope.hold:
        return []
    return list({box.account_id: box for route in routes for box in route.mailboxes}.values())


def _outgoing(
    session: Session,
    envelope: Envelope,
    routes: Sequence[Route],
    prefix: bytes,
    content: Content,
    message_id: str,
    now: datetime,
) -> Outgoing | None:
    if envelope.hold:
        # All of them are resolved when it is released.
        queued = [_queued(one, one.address, one.notify) for one in envelope.recipients]
    else:
        pairs = zip(envelope.recipients, routes, strict=True)
        queued = [one for recipient, route in pairs for one in _leaving(envelope, recipient, route)]
    # One that is only told of and one that is sent may have the same address.
    recipients = {(one.address, one.report): one for one in queued}
    if not recipients:
        return None
    release_at = envelope.hold.release(now) if envelope.hold else None
    deliver_by = now + timedelta(seconds=envelope.by.seconds) if envelope.by else None
    expires_at = (release_at or now) + backoff.LIFETIME
    if deliver_by and envelope.by and envelope.by.returned:
        expires_at = min(expires_at, deliver_by)
    return Outgoing(
        recipients=tuple(recipients.values()),
        sender=_sender(session, envelope, routes, now),
        expires_at=expires_at,
        prefix=prefix,
        header=content.header,
        body=content.body,
        message_id=session.trace_id,
        account_id=session.identity.account_id if session.identity else None,
        envid=envelope.envid,
        ret=envelope.ret,
        eightbit=envelope.eightbit,
        smtputf8=envelope.smtputf8,
        message_id_field=message_id,
        priority=envelope.priority,
        require_tls=envelope.require_tls,
        deliver_by=deliver_by,
        by_mode=envelope.by.mode if envelope.by else "",
        release_at=release_at,
        future_release=envelope.hold.request if envelope.hold else "",
    )


def _sender(session: Session, envelope: Envelope, routes: Sequence[Route], now: datetime) -> str:
    """Whom the next host is told: of a stranger's message that we forward, ourselves (mail/srs.py)."""
    if session.identity is None and envelope.sender is not None:
        pairs = zip(envelope.recipients, routes, strict=True)
        domain = next((one.address.domain for one, route in pairs if route.remote), "")
        if domain:
            key = session.context.config.srs_key
            return str(srs.forward(envelope.sender, domain, key, srs.today(now.timestamp())))
    return envelope.return_path


def _leaving(envelope: Envelope, recipient: Recipient, route: Route) -> Iterator[OutgoingRecipient]:
    """What one recipient puts into the queue: where it leads away, and the success that is to be reported."""
    notify = recipient.notify
    success = bool(envelope.sender and notify and "SUCCESS" in notify)
    if success and len(route.mailboxes) + len(route.remote) > 1:
        # RFC 3461 §5.2.7.2: of a list, only that it was expanded is reported.
        yield _queued(recipient, recipient.address, notify, "expanded")
        notify = tuple(word for word in notify or () if word != "SUCCESS") or ("NEVER",)
    elif success and route.mailboxes:
        yield _queued(recipient, recipient.address, notify, "delivered")
    for address in route.remote:
        yield _queued(recipient, address, notify)


def _queued(
    recipient: Recipient, address: Address, notify: tuple[str, ...] | None, report: str = ""
) -> OutgoingRecipient:
    return OutgoingRecipient(str(address), address.domain, recipient.orcpt, notify, report)


def _events(
    session: Session,
    envelope: Envelope,
    boxes: Sequence[Mailbox],
    outgoing: Outgoing | None,
    size: int,
    message_id: str,
) -> Iterator[Row]:
    sender, peer = envelope.return_path, session.wire.peer or None
    account_id = session.identity.account_id if session.identity else None

    def row(kind: Event, recipient: str, account: int | None, detail: str = "") -> Row:
        return Row(session.trace_id, kind, "smtp", account, peer, sender, recipient, message_id, size, detail)

    yield row(Event.ACCEPTED, ", ".join(str(one.address) for one in envelope.recipients), account_id)
    for box in boxes:
        yield row(Event.DELIVERED, box.address, box.account_id)
    held = f", held until {outgoing.release_at:%Y-%m-%d %H:%M:%S} UTC" if outgoing and outgoing.release_at else ""
    for recipient in outgoing.recipients if outgoing else ():
        if not recipient.report:
            yield row(Event.QUEUED, recipient.address, account_id, f"for {recipient.destination}{held}")
