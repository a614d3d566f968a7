"""The shell of an SMTP session: read, feed, dispatch, write, time out. What the words mean is elsewhere.

Replies to pipelined commands gather and leave together (RFC 2920 §3.2), before anything is waited for.
"""

import time
from contextlib import suppress

from mailservices import log
from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.errors import MailError, ProtocolError
from mailservices.net import metrics
from mailservices.net.connection import is_loopback
from mailservices.net.patience import Endless
from mailservices.protocols.smtp import commands
from mailservices.protocols.smtp.commands import BadChunk, Bdat, Command, Data, LastBdat, Quit, StartTls
from mailservices.protocols.smtp.reader import BareLineEnd, Event, Line, LineTooLong
from mailservices.protocols.smtp.session import State, following
from mailservices.smtp import text
from mailservices.smtp.session import SentAway, Session
from mailservices.smtp.verbs import VERBS, syntax_reply
from mailservices.smtp.wire import Closed

#: Seconds (RFC 5321 §4.5.3.2.7).
COMMAND_LIMIT = 300.0
#: Seconds in which a stranger has to be silent: who speaks before it is greeted is no mail server (RFC 5321 §3.1).
GREETING_PAUSE = 0.2
#: Refused commands and sign-ins before the client is sent away.
ERRORS = 20
#: A browser that was sent here by a hostile page.
_HTTP = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"CONNECT ", b"OPTIONS ")

_COMMAND_SECONDS = metrics.COMMAND_SECONDS.labels("smtp")
_log = log.get()


async def converse(session: Session) -> None:
    """The whole session, from greeting to close."""
    connection = session.trace_id.hex[-12:]
    with log.context(connection=connection, peer=session.wire.peer), suppress(Closed, ConnectionError):
        try:
            await _greet(session)
            await _converse(session)
        except SentAway as end:
            _log.info("client sent away", reason=end.reason)
            await session.wire.last_words(end.last_words)
        except Endless:
            _log.info("client sent away", reason="endless line")
            await session.wire.last_words(bytes(codes.LINE_TOO_LONG))
        finally:
            session.begin()
        await session.wire.drain()


async def _greet(session: Session) -> None:
    neighbour = session.profile.lmtp or is_loopback(session.wire.peer)
    strange = not session.profile.submission and not neighbour
    if strange and not await session.wire.is_silent(GREETING_PAUSE):
        raise SentAway("spoke before it was greeted", codes.EARLY_TALKER)
    protocol = "LMTP" if session.profile.lmtp else "ESMTP"
    session.wire.write(bytes(Reply(220, "", f"{session.context.config.hostname} {protocol} Facteur")))


async def _converse(session: Session) -> None:
    wire, reader = session.wire, session.reader
    while session.state is not State.CLOSED:
        event = None if reader.empty else reader.next_event()
        if wire.ending:
            wire.write(bytes(codes.SHUTTING_DOWN))
            return
        if event is None:
            _COMMAND_SECONDS.observe(time.monotonic() - wire.read_at)
            await wire.drain()
            wire.idle = True
            octets = await wire.read(COMMAND_LIMIT)
            wire.idle = False
            if not octets:
                return
            reader.receive(octets)
        else:
            await _answer(session, event)
            wire.patience.renew()


async def _answer(session: Session, event: Event) -> None:
    """Carry out one line and write its reply."""
    match event:
        case Line(line):
            if line.startswith(_HTTP):
                raise SentAway("speaks HTTP")
            reply = await _carry_out(session, line)
        case LineTooLong():
            reply = codes.LINE_TOO_LONG
        case BareLineEnd():
            reply = codes.BARE_LINE_END
        case _:
            reply = codes.UNAVAILABLE
    if isinstance(reply, bytes):
        session.wire.write(reply)
        return
    session.wire.write(bytes(reply))
    session.errors += reply.permanent
    if session.errors > ERRORS:
        raise SentAway("too many errors", codes.TOO_MANY_ERRORS)
    if reply.code == 421:
        session.state = State.CLOSED


async def _carry_out(session: Session, line: bytes) -> Reply | bytes:
    """One command in its state; whatever goes wrong becomes a reply, and the unforeseen a temporary one."""
    try:
        command = commands.parse(line)
    except BadChunk:
        raise SentAway("chunk without a size", codes.SYNTAX_ERROR) from None
    except ProtocolError as error:
        return syntax_reply(error)
    state = following(session.state, command)
    if state is None:
        return await _out_of_order(session, command)
    try:
        match command:
            case Data():
                session.state = state
                return await text.data(session)
            case Bdat() | LastBdat():
                reply: Reply | bytes = await text.chunk(session, command)
                session.state = state if session.incoming is not None else State.GREETED
                return reply
            case StartTls():
                return await _start_tls(session, state)
            case _:
                reply = await VERBS[type(command)](session, command)
    except MailError as error:
        recipient = str(command.recipient) if isinstance(command, commands.Rcpt) else ""
        session.refused(error.reply, recipient, error.reason)
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


async def _out_of_order(session: Session, command: Command) -> Reply:
    if isinstance(command, Bdat | LastBdat):
        return await text.pass_over(session, command)
    lacks_recipients = isinstance(command, Data) and session.state is State.SENDER
    # RFC 2033 §4.2: LMTP has no reply for nobody.
    nobody = lacks_recipients and not session.profile.lmtp
    return codes.NO_VALID_RECIPIENTS if nobody else codes.BAD_SEQUENCE


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
