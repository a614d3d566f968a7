"""From the end of DATA to 250: look at the message, ask the stages, deliver.

- a message that no message may be (NUL, bare CR or LF) is refused
- the stages in order: the first that objects decides
- everything is committed in one transaction, then 250
"""

from mailservices import log
from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.errors import BadMessage, MailError, Unavailable
from mailservices.protocols.smtp.reader import EndOfText
from mailservices.smtp import deliver
from mailservices.smtp.session import Session
from mailservices.smtp.stages import loops
from mailservices.smtp.stages.arrival import Arrival, Stage
from mailservices.store.spool import Spool

STAGES: tuple[Stage, ...] = (loops.check,)

_log = log.get()


async def accept(session: Session, spool: Spool, end: EndOfText) -> Reply:
    """Take the message for all recipients of the envelope, or for none; the reply says which.

    Raises:
        MailError: it is not taken.
    """
    if session.envelope is None:
        raise Unavailable
    spool.finish()
    if end.nul:
        raise BadMessage(codes.HAS_NUL)
    if end.bare_line_end:
        raise BadMessage(codes.BARE_IN_DATA)
    arrival = Arrival(session.wire.peer, session.envelope, spool.header)
    for stage in STAGES:
        if (objection := await stage(arrival)) is not None:
            raise objection
    await deliver.deliver(session, session.envelope, spool)
    return Reply(250, "2.0.0", f"OK, queued as {session.trace_id.hex}")


def outcome(session: Session, error: MailError) -> Reply:
    """The reply to a message that was not taken, and its trace."""
    for recipient in session.envelope.recipients if session.envelope else ():
        session.refused(error.reply, str(recipient.address))
    _log.info("message refused", trace_id=session.trace_id.hex, reply=error.reply.code, words=error.words)
    return error.reply
