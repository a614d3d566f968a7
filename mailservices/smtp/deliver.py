"""Stamp a message and commit it, in one transaction: local mailboxes, and the queue for everybody else."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from mailservices.mail import backoff, headers, trace
from mailservices.mail.envelope import Envelope
from mailservices.mail.vocabulary import Event
from mailservices.net import metrics
from mailservices.smtp.session import Session
from mailservices.store import contents
from mailservices.store.delivery import Content, Delivery, Placement
from mailservices.store.directory import Mailbox
from mailservices.store.queue import Outgoing, OutgoingRecipient
from mailservices.store.spool import Spool
from mailservices.store.trace import Row


async def deliver(session: Session, envelope: Envelope, spool: Spool) -> None:
    """Commit the message for all its recipients, then wake the workers.

    Raises:
        MailboxFull, TooLargeForMailbox, NoSuchFolder: for one recipient, so for none.
        Unavailable
    """
    started, now = time.monotonic(), datetime.now(UTC)
    stamps = _stamps(session, envelope, spool.header, now)
    prefix = trace.return_path(envelope.return_path) + stamps
    content, facts = await contents.prepare(session.context.pool, prefix, spool.header, spool.body())
    places = tuple(Placement(box.account_id, box.mailbox_id, now) for box in _mailboxes(session))
    outgoing = _outgoing(session, envelope, stamps, content, facts.message_id, now)
    events = tuple(_events(session, envelope, outgoing, content.size, facts.message_id))
    await session.context.appender.deliver(
        Delivery(((content, places),) if places else (), outgoing, events=events)
    )
    metrics.COMMIT_SECONDS.labels("smtp").observe(time.monotonic() - started)
    metrics.MESSAGES.labels("smtp", Event.ACCEPTED).inc()
    metrics.OCTETS.labels("smtp").inc(content.size)
    if outgoing:
        session.context.bell.ring({recipient.destination for recipient in outgoing.recipients})


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
        ),
        queue_id=session.trace_id.hex,
        at=now,
        tls=session.wire.tls,
        recipient=str(envelope.recipients[0].address) if len(envelope.recipients) == 1 else "",
    )
    prefix = trace.received(hop)
    if session.identity is not None:
        if headers.first(header, b"date") is None:
            prefix += trace.date(now)
        if headers.first(header, b"message-id") is None:
            prefix += trace.message_id(session.trace_id.hex, hostname)
    return prefix


def _mailboxes(session: Session) -> list[Mailbox]:
    """Each local mailbox once, however many recipients lead to it."""
    return list({box.account_id: box for route in session.routes for box in route.mailboxes}.values())


def _outgoing(
    session: Session, envelope: Envelope, prefix: bytes, content: Content, message_id: str, now: datetime
) -> Outgoing | None:
    recipients = {
        str(address): OutgoingRecipient(str(address), address.domain, recipient.orcpt, recipient.notify)
        for recipient, route in zip(envelope.recipients, session.routes, strict=True)
        for address in route.remote
    }
    if not recipients:
        return None
    return Outgoing(
        recipients=tuple(recipients.values()),
        sender=envelope.return_path,
        expires_at=now + backoff.LIFETIME,
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
    )


def _events(
    session: Session, envelope: Envelope, outgoing: Outgoing | None, size: int, message_id: str
) -> Iterator[Row]:
    sender, peer = envelope.return_path, session.wire.peer or None
    account_id = session.identity.account_id if session.identity else None

    def row(kind: Event, recipient: str, account: int | None, detail: str = "") -> Row:
        return Row(session.trace_id, kind, "smtp", account, peer, sender, recipient, message_id, size, detail)

    yield row(Event.ACCEPTED, ", ".join(str(one.address) for one in envelope.recipients), account_id)
    for box in _mailboxes(session):
        yield row(Event.DELIVERED, box.address, box.account_id)
    for recipient in outgoing.recipients if outgoing else ():
        yield row(Event.QUEUED, recipient.address, account_id, f"for {recipient.destination}")
