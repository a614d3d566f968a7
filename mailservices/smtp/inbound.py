"""From the end of DATA to 250: look at the message, ask the stages, deliver.

- a message that no message may be (NUL, bare CR or LF) is refused
- the stages of pipeline.py in order: the first that objects decides
- everything is committed in one transaction, then 250
"""

import asyncio
from dataclasses import replace

from mailservices import log
from mailservices.mail import binary, codes
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import MailError, Unavailable
from mailservices.smtp import deliver, pipeline
from mailservices.smtp.incoming import Incoming
from mailservices.smtp.session import Session
from mailservices.smtp.stages.arrival import Arrival
from mailservices.store.ids import new_id

#: Base64 makes four octets of three, and line ends besides (RFC 2045 §6.8).
GROWTH = 1.4

_log = log.get()


async def accept(session: Session, incoming: Incoming) -> Reply | bytes:
    """Take the message for all recipients of the envelope, or for none; the reply says which.

    By LMTP each recipient has a reply of its own (RFC 2033 §4.2).

    Raises:
        MailError: it is not taken.
    """
    arrival = session.arrival
    if session.envelope is None or arrival is None:
        raise Unavailable
    incoming.finish()
    if not session.envelope.binary:
        incoming.check_lines()
    arrival.header, arrival.body, arrival.routes = incoming.spool.header, incoming.spool.body(), session.routes
    await pipeline.message(arrival)
    if session.envelope.binary:
        # Behind the stages: signatures are of the octets that came.
        incoming = await _encoded(session, incoming)
        incoming.check_lines()
        arrival.header, arrival.body = incoming.spool.header, incoming.spool.body()
    try:
        await deliver.deliver(session, session.envelope, session.routes, arrival)
    except Unavailable:
        raise
    except MailError:
        if not session.profile.lmtp:
            raise
        return b"".join([bytes(reply) for reply in await _one_by_one(session, session.envelope, arrival)])
    return for_each(session, _taken(session))


async def _one_by_one(session: Session, envelope: Envelope, arrival: Arrival) -> list[Reply]:
    """What cannot be delivered to all together is delivered to each that can have it."""
    replies = []
    for recipient, route in zip(envelope.recipients, list(session.routes), strict=True):
        session.trace_id = new_id()
        try:
            await deliver.deliver(session, replace(envelope, recipients=[recipient]), [route], arrival)
        except MailError as error:
            session.refused(error.reply, str(recipient.address), error.reason)
            replies.append(error.reply)
        except Exception as error:  # noqa: BLE001 - unknown means temporary, but not for those that have it already
            _log.exception("message failed", error=type(error).__name__)
            replies.append(codes.UNAVAILABLE)
        else:
            replies.append(_taken(session))
    return replies


def _taken(session: Session) -> Reply:
    return Reply(250, "2.0.0", f"OK, queued as {session.trace_id.hex}")


def for_each(session: Session, reply: Reply) -> Reply | bytes:
    """The reply as often as the protocol has it: once, or by LMTP for each recipient."""
    if not session.profile.lmtp or session.envelope is None:
        return reply
    return bytes(reply) * len(session.envelope.recipients)


async def _encoded(session: Session, incoming: Incoming) -> Incoming:
    """The message with its binary parts in base64; it takes the place of the one that came."""
    spool = incoming.spool
    pieces = binary.encoded(spool.header, spool.body())
    session.incoming = await asyncio.to_thread(incoming.replace, pieces, int(spool.limit * GROWTH))
    incoming.close()
    return session.incoming


def outcome(session: Session, error: MailError) -> Reply:
    """The reply to a message that was not taken, and its trace."""
    for recipient in session.envelope.recipients if session.envelope else ():
        session.refused(error.reply, str(recipient.address), error.reason)
    _log.info(
        "message refused",
        trace_id=session.trace_id.hex,
        reply=error.reply.code,
        words=error.words,
        reason=error.reason,
    )
    return error.reply
