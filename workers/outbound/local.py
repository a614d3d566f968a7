"""What was held for people of our own (RFC 4865) goes where their addresses lead by now, in one transaction."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from mailservices import log
from mailservices.mail import address, backoff, returned, structure, trace, vacation
from mailservices.mail.errors import MailError, ProtocolError, Unavailable
from mailservices.mail.vocabulary import Event
from mailservices.store import answers, bodies, directory, enclosing
from mailservices.store.answers import Away
from mailservices.store.bodies import Body
from mailservices.store.delivery import Content, Delivery
from mailservices.store.directory import Route
from mailservices.store.ids import new_id
from mailservices.store.outgoing import Outgoing, OutgoingRecipient
from mailservices.store.queue import Claim, LeaseLost, QueuedMessage, QueuedRecipient, Settlement
from mailservices.store.returned import Suspect
from mailservices.store.trace import Row, of
from workers.engine import Engine
from workers.outbound.settle import Outcome

_log = log.get()


async def deliver(
    engine: Engine, claim: Claim, message: QueuedMessage, recipient: QueuedRecipient
) -> Outcome | None:
    """None once it is delivered and settled; else why it could not be.

    Raises:
        Unavailable: the database did not answer.
    """
    try:
        route = await directory.resolve(engine.pool, address.parse(recipient.address))
        content, enclosed = await _contents(engine, message, route)
        await engine.appender.deliver(_delivery(claim, message, recipient, content, enclosed, route))
    except Unavailable:
        raise
    except MailError as error:
        return Outcome("local", error.reply.code, error.reply.enhanced, error.words)
    except ProtocolError:
        return Outcome("local", 0, "5.1.3", "The address is not valid")
    except LeaseLost:
        _log.warning("lease lost", destination=claim.destination)
    return None


async def _contents(engine: Engine, message: QueuedMessage, route: Route) -> tuple[Content, dict[int, Content]]:
    """The message as a mailbox has it, its body lies in the store already; and as those who have it encrypted.

    Raises:
        KeyBroken
    """
    prefix = trace.return_path(message.sender) + message.prefix
    body = b"".join([piece async for piece in bodies.read(engine.pool, message.blob_id, 0, message.body_size)])
    enclosed = await enclosing.enclosed_for(engine.pool, route.mailboxes, prefix, message.header, body)
    facts = await asyncio.to_thread(structure.read, prefix + message.header, body)
    kept = Body(message.blob_id, message.body_size)
    content = Content(prefix, message.header, kept, facts.envelope, facts.bodystructure, facts.sent_at)
    return content, enclosed


def _delivery(
    claim: Claim,
    message: QueuedMessage,
    recipient: QueuedRecipient,
    content: Content,
    enclosed: Mapping[int, Content],
    route: Route,
) -> Delivery:
    now = datetime.now(UTC)
    contents = enclosing.placed(content, enclosed, route.mailboxes, now)
    outgoing = _sent_on(message, recipient, content, route, now) if route.remote else None
    report = "expanded" if outgoing else "delivered"
    wanted = bool(message.sender) and "SUCCESS" in (recipient.notify or ())
    settlement = Settlement(
        recipient.recipient_id,
        claim.lease,
        report if wanted else "",
        expanded=outgoing is not None,
        forgets=bool(enclosed),
    )
    events = tuple(
        Row(
            message.message_id, Event.DELIVERED, "worker", box.account_id, None, message.sender, box.address,
            message.message_id_field, message.size, "released",
            of=of(message.account_id, message.sender),
        )
        for box in route.mailboxes
    )  # fmt: skip
    suspect = None
    if (
        contents
        and not enclosed
        and message.account_id is None
        and returned.suspected(message.header, message.sender)
    ):
        # What we report of a domain of our own is read as if it came from elsewhere.
        suspect = Suspect(message.message_id, message.sender, (recipient.address,), message.header, proven=True)
    return Delivery(contents, outgoing, None, settlement, events, suspect, away=_away(message, route))


def _sent_on(
    message: QueuedMessage, recipient: QueuedRecipient, content: Content, route: Route, now: datetime
) -> Outgoing:
    """The message for those elsewhere to whom the recipient leads."""
    return Outgoing(
        recipients=tuple(
            OutgoingRecipient(str(one), one.domain, recipient.orcpt, recipient.notify, recipient.address)
            for one in route.remote
        ),
        sender=message.sender,
        expires_at=now + backoff.LIFETIME,
        prefix=message.prefix,
        header=message.header,
        body=content.body,
        message_id=new_id(),
        account_id=message.account_id,
        envid=message.envid,
        ret=message.ret,
        eightbit=message.eightbit,
        smtputf8=message.smtputf8,
        message_id_field=message.message_id_field,
        priority=message.priority,
        require_tls=message.require_tls,
    )


def _away(message: QueuedMessage, route: Route) -> tuple[Away, ...]:
    """Who are away and may answer, as where mail comes in."""
    accounts = [box.account_id for box in route.mailboxes if box.away]
    if not accounts or not vacation.may_be_answered(message.header, message.sender):
        return ()
    kept = vacation.kept(message.header)
    away = tuple(Away(one, message.message_id, message.sender, kept) for one in accounts)
    return answers.without_subjects(away, route.mailboxes)
