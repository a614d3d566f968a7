"""The text of a message: DATA, or BDAT chunk by chunk (RFC 3030); then inbound.py decides.

Even what is refused already is read to its end: the client listens only then, and what follows are commands.
"""

from mailservices import log
from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.errors import MailError, TooLarge, Unavailable
from mailservices.net.patience import Endless
from mailservices.protocols.smtp.commands import Bdat, LastBdat
from mailservices.protocols.smtp.reader import EndOfText, Text
from mailservices.smtp import inbound
from mailservices.smtp.incoming import Incoming
from mailservices.smtp.session import SentAway, Session
from mailservices.smtp.wire import Closed

#: Seconds (RFC 5321 §4.5.3.2.5).
TEXT_LIMIT = 180.0
#: Octets of a message that is refused already which we still read, to give the client its reply.
DRAINED_OCTETS = 256 * 2**20

_log = log.get()


async def data(session: Session) -> Reply | bytes:
    """The transaction is over afterwards, whatever became of it."""
    if session.envelope is not None and session.envelope.binary:
        session.begin()
        return codes.BINARY_NEEDS_BDAT
    session.wire.write(bytes(codes.START_MAIL))
    session.reader.expect_text()
    return await _take(session, last=True)


async def chunk(session: Session, command: Bdat | LastBdat) -> Reply | bytes:
    """One chunk; the transaction is over after the last, and after one that is refused."""
    session.reader.expect_chunk(command.octets)
    return await _take(session, last=isinstance(command, LastBdat))


async def pass_over(session: Session, command: Bdat | LastBdat) -> Reply:
    """RFC 3030 §2: the chunk of a BDAT that is out of order is read and dropped."""
    session.reader.expect_chunk(command.octets)
    try:
        await _receive(session, None)
    except Endless:
        raise SentAway("endless message", codes.BAD_SEQUENCE) from None
    return codes.BAD_SEQUENCE


async def _take(session: Session, *, last: bool) -> Reply | bytes:
    config = session.context.config
    if session.incoming is None:
        mend = session.identity is not None and not (session.envelope and session.envelope.binary)
        session.incoming = Incoming(config.message_bytes, config.spool, mend=mend, secret=session.private)
    incoming = session.incoming
    try:
        await _receive(session, incoming)
        if not last:
            if incoming.spool.objection is None:
                return codes.chunk_received(incoming.spool.size)
            reply: Reply | bytes = inbound.outcome(session, incoming.spool.objection)
        else:
            reply = await inbound.accept(session, incoming)
    except MailError as error:
        reply = inbound.for_each(session, inbound.outcome(session, error))
    except Endless:
        objection = incoming.spool.objection or TooLarge()
        raise SentAway("endless message", inbound.outcome(session, objection)) from None
    except (Closed, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001 - unknown means temporary
        _log.exception("message failed", error=type(error).__name__)
        reply = inbound.for_each(session, inbound.outcome(session, Unavailable()))
    session.begin()
    return reply


async def _receive(session: Session, incoming: Incoming | None) -> None:
    """Read to the end of the text or of the chunk.

    Raises:
        Closed: the client went away.
        Endless: it sends without end.
    """
    session.wire.patience.renew(session.context.config.message_bytes + DRAINED_OCTETS)
    while True:
        match session.reader.next_event():
            case Text(octets):
                if incoming is not None:
                    incoming.write(octets)
            case EndOfText():
                return
            case None:
                await session.wire.drain()
                received = await session.wire.read(TEXT_LIMIT)
                if not received:
                    raise Closed
                session.reader.receive(received)
            case _:
                raise Unavailable
