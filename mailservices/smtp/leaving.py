"""What of a message goes into the outgoing queue: for whom, in whose name, until when; what is only reported."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from mailservices.mail import backoff, srs, trace
from mailservices.mail.address import Address
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.smtp.session import Session
from mailservices.store.delivery import Content
from mailservices.store.directory import Route
from mailservices.store.outgoing import Outgoing, OutgoingRecipient


def outgoing(
    session: Session,
    envelope: Envelope,
    routes: Sequence[Route],
    prefix: bytes,
    content: Content,
    message_id: str,
    now: datetime,
    *,
    held: bool,
) -> Outgoing | None:
    """The message for the queue; None where nothing of it leaves and nothing is to be reported.

    Args:
        held: it waits until the administrator lets it go.
    """
    recipients = _recipients(envelope, routes, later=held or envelope.hold is not None)
    if not recipients:
        return None
    release_at = envelope.hold.release(now) if envelope.hold else None
    deliver_by = now + timedelta(seconds=envelope.by.seconds) if envelope.by else None
    expires_at = (release_at or now) + backoff.LIFETIME
    if deliver_by and envelope.by and envelope.by.returned:
        expires_at = min(expires_at, deliver_by)
    return Outgoing(
        recipients=recipients,
        sender=_sender(session, envelope, routes, now),
        expires_at=expires_at,
        prefix=_sent_on(envelope, routes) + prefix,
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
        held=held,
        future_release=envelope.hold.request if envelope.hold else "",
    )


def _recipients(envelope: Envelope, routes: Sequence[Route], *, later: bool) -> tuple[OutgoingRecipient, ...]:
    """Whom to send it to, and of whom to tell. What goes `later` is resolved when it is let go."""
    if later:
        queued = [_queued(one, one.address, one.notify) for one in envelope.recipients]
    else:
        pairs = zip(envelope.recipients, routes, strict=True)
        queued = [one for recipient, route in pairs for one in _leaving(envelope, recipient, route)]
    # One that is only told of and one that is sent may have the same address.
    return tuple({(one.address, one.report): one for one in queued}.values())


def forwarding_domain(envelope: Envelope, routes: Sequence[Route]) -> str:
    """The domain of ours whose address leads elsewhere, of several the first; empty where none does."""
    pairs = zip(envelope.recipients, routes, strict=True)
    return next((one.address.domain for one, route in pairs if route.remote), "")


def _sender(session: Session, envelope: Envelope, routes: Sequence[Route], now: datetime) -> str:
    """Whom the next host is told: of a stranger's message that we forward, ourselves (mail/srs.py)."""
    domain = forwarding_domain(envelope, routes)
    if session.identity is None and envelope.sender is not None and domain:
        key = session.context.config.srs_key
        return str(srs.forward(envelope.sender, domain, key, srs.today(now.timestamp())))
    return envelope.return_path


def _sent_on(envelope: Envelope, routes: Sequence[Route]) -> bytes:
    """Delivered-To of the one recipient who leads elsewhere; of several, each would be told of the others."""
    forwarders = [
        recipient.address
        for recipient, route in zip(envelope.recipients, routes, strict=True)
        if any(address != recipient.address for address in route.remote)
    ]
    return trace.delivered_to(str(forwarders[0])) if len(forwarders) == 1 else b""


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
    received_as = str(recipient.address) if address != recipient.address else ""
    return OutgoingRecipient(str(address), address.domain, recipient.orcpt, notify, received_as, report)
