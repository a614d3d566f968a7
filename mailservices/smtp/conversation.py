"""The shell of an SMTP session: read, feed, dispatch, write, time out. What the words mean is elsewhere.

Replies to pipelined commands gather and leave together (RFC 2920 §3.2), before anything is waited for.
"""

import time
from contextlib import suppress

from mailservices import log
from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.errors import MailError, ProtocolError, TooLarge, Unavailable
from mailservices.net import metrics
from mailservices.net.patience import Endless
from mailservices.protocols.smtp import commands
from mailservices.protocols.smtp.commands import Command, Data, Quit, StartTls
from mailservices.protocols.smtp.reader import BareLineEnd, EndOfText, Event, Line, LineTooLong, Text
from mailservices.protocols.smtp.session import State, following
from mailservices.smtp import inbound
from mailservices.smtp.session import Session
from mailservices.smtp.verbs import VERBS, syntax_reply
from mailservices.smtp.wire import Closed
from mailservices.store.spool import Spool

#: Seconds (RFC 5321 §4.5.3.2.7 and §4.5.3.2.5).
COMMAND_LIMIT = 300.0
TEXT_LIMIT = 180.0
#: Refused commands and sign-ins before the client is sent away.
ERRORS = 20
#: Octets of a message that is refused already which we still read, to give the client its reply.
DRAINED_OCTETS = 256 * 2**20
#: A browser that was sent here by a hostile page.
_HTTP = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"CONNECT ", b"OPTIONS ")

_log = log.get()


class SentAway(Exception):
    """The client has to go, after these last words."""

    def __init__(self, reason: str, reply: Reply | None = None) -> None:
        self.reason = reason
        self.last_words = bytes(reply) if reply is not None else b""
        super().__init__(reason)


async def converse(session: Session) -> None:
    """The whole session, from greeting to close."""
    with log.context(connection=session.trace_id.hex[-12:], peer=session.wire.peer):
        session.wire.write(bytes(Reply(220, "", f"{session.context.config.hostname} ESMTP Facteur")))
        with suppress(Closed, ConnectionError):
            try:
                await _converse(session)
            except SentAway as end:
                _log.info("client sent away", reason=end.reason)
                await session.wire.last_words(end.last_words)
            except Endless:
                _log.info("client sent away", reason="endless line")
                await session.wire.last_words(bytes(codes.LINE_TOO_LONG))
            await session.wire.drain()


async def _converse(session: Session) -> None:
    while session.state is not State.CLOSED:
        event = session.reader.next_event()
        if session.wire.ending:
            session.wire.write(bytes(codes.SHUTTING_DOWN))
            return
        if event is None:
            await session.wire.drain()
            session.wire.idle = True
            octets = await session.wire.read(COMMAND_LIMIT)
            session.wire.idle = False
            if not octets:
                return
            session.reader.receive(octets)
        else:
            await _answer(session, event)
            session.wire.patience.renew()


async def _answer(session: Session, event: Event) -> None:
    """Carry out one line and write its reply."""
    started = time.monotonic()
    if isinstance(event, Line) and event.text.startswith(_HTTP):
        raise SentAway("speaks HTTP")
    reply = await _reply(session, event)
    if isinstance(reply, bytes):
        session.wire.write(reply)
        return
    session.wire.write(bytes(reply))
    metrics.COMMAND_SECONDS.labels("smtp").observe(time.monotonic() - started)
    session.errors += reply.permanent
    if session.errors > ERRORS:
        raise SentAway("too many errors", codes.TOO_MANY_ERRORS)
    if reply.code == 421:
        session.state = State.CLOSED


async def _reply(session: Session, event: Event) -> Reply | bytes:
    match event:
        case Line(text):
            try:
                command = commands.parse(text)
            except ProtocolError as error:
                return syntax_reply(error)
            return await _carry_out(session, command)
        case LineTooLong():
            return codes.LINE_TOO_LONG
        case BareLineEnd():
            return codes.BARE_LINE_END
        case _:
            return codes.UNAVAILABLE


async def _carry_out(session: Session, command: Command) -> Reply | bytes:
    """One command in its state; whatever goes wrong becomes a reply, and the unforeseen a temporary one."""
    state = following(session.state, command)
    if state is None:
        lacks_recipients = isinstance(command, Data) and session.state is State.SENDER
        return codes.NO_VALID_RECIPIENTS if lacks_recipients else codes.BAD_SEQUENCE
    try:
        match command:
            case Data():
                reply: Reply | bytes = await _data(session)
                session.state = state
                return reply
            case StartTls():
                return await _start_tls(session, state)
            case _:
                reply = await VERBS[type(command)](session, command)
    except MailError as error:
        recipient = str(command.recipient) if isinstance(command, commands.Rcpt) else ""
        session.refused(error.reply, recipient)
        return error.reply
    except (Closed, ConnectionError, Endless, SentAway):
        raise
    except Exception as error:  # noqa: BLE001 - unknown means temporary
        _log.exception("command failed", command=type(command).__name__, error=type(error).__name__)
        return codes.UNAVAILABLE
    if isinstance(reply, bytes) or not reply.code >= 400:
        session.state = state
        if isinstance(command, Quit):
            session.state = State.CLOSED
    return reply


async def _start_tls(session: Session, state: State) -> Reply | bytes:
    if not session.profile.starttls:
        return codes.NOT_IMPLEMENTED
    if session.wire.tls:
        return codes.TLS_ACTIVE
    if session.wire.tls_context is None:
        return codes.TLS_UNAVAILABLE
    if not session.reader.empty or session.wire.buffered:
        # RFC 3207 §4.2: whatever came before TLS might be a stranger's injection.
        session.state = State.CLOSED
        return codes.TLS_BUFFERED
    await session.wire.drain()
    await session.wire.start_tls()
    session.restart()
    session.state = state
    return b""


async def _data(session: Session) -> Reply:
    """Receive a message and deliver it. The transaction is over afterwards, whatever became of it."""
    session.wire.write(bytes(codes.START_MAIL))
    session.reader.expect_text()
    with Spool(session.context.config.message_bytes, session.context.config.spool) as spool:
        try:
            end = await _receive(session, spool)
            reply = await inbound.accept(session, spool, end)
        except MailError as error:
            reply = inbound.outcome(session, error)
        except Endless:
            raise SentAway("endless message", inbound.outcome(session, spool.objection or TooLarge())) from None
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 - unknown means temporary
            _log.exception("message failed", error=type(error).__name__)
            reply = inbound.outcome(session, Unavailable())
    session.begin()
    return reply


async def _receive(session: Session, spool: Spool) -> EndOfText:
    """Read to the end of the text, even of one that is refused already: the client listens only then.

    Raises:
        Closed: the client went away.
        Endless: it sends without end.
    """
    session.wire.patience.renew(spool.limit + DRAINED_OCTETS)
    while True:
        match session.reader.next_event():
            case Text(octets):
                spool.write(octets)
            case EndOfText() as end:
                return end
            case None:
                await session.wire.drain()
                octets = await session.wire.read(TEXT_LIMIT)
                if not octets:
                    raise Closed
                session.reader.receive(octets)
            case _:
                raise Unavailable
