"""From the end of DATA to 250: look at the message, ask the stages, deliver.

- a message that no message may be (NUL, bare CR or LF) is refused
- the stages in order: the first that objects decides
- everything is committed in one transaction, then 250
"""

import asyncio

from mailservices import log
from mailservices.mail import binary
from mailservices.mail.codes import Reply
from mailservices.mail.errors import MailError, Unavailable
from mailservices.smtp import deliver
from mailservices.smtp.incoming import Incoming
from mailservices.smtp.session import Session
from mailservices.smtp.stages import loops
from mailservices.smtp.stages.arrival import Arrival, Stage

#: Base64 makes four octets of three, and line ends besides (RFC 2045 §6.8).
GROWTH = 1.4

STAGES: tuple[Stage, ...] = (loops.check,)

_log = log.get()


async def accept(session: Session, incoming: Incoming) -> Reply:
    """Take the message for all recipients of the envelope, or for none; the reply says which.

    Raises:
        MailError: it is not taken.
    """
    if session.envelope is None:
        raise Unavailable
    incoming.finish()
    if session.envelope.binary:
        incoming = await _encoded(session, incoming)
    incoming.check_lines()
    spool = incoming.spool
    arrival = Arrival(session.wire.peer, session.envelope, spool.header)
    for stage in STAGES:
        if (objection := await stage(arrival)) is not None:
            raise objection
    await deliver.deliver(session, session.envelope, spool)
    return Reply(250, "2.0.0", f"OK, queued as {session.trace_id.hex}")


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
        session.refused(error.reply, str(recipient.address))
    _log.info("message refused", trace_id=session.trace_id.hex, reply=error.reply.code, words=error.words)
    return error.reply
