"""The shell of a POP3 session: read, feed, dispatch, write, time out."""

import asyncio
import ssl
import time
from contextlib import suppress
from typing import Protocol

from mailservices import log
from mailservices.mail.errors import MailError, ProtocolError, SignInFailed
from mailservices.net import metrics
from mailservices.net.connection import Closed, Connection, TimedOut
from mailservices.net.doors import Doors
from mailservices.net.patience import Endless
from mailservices.pop3 import handlers
from mailservices.pop3.session import Context, Session
from mailservices.protocols.pop3 import commands, responses
from mailservices.protocols.pop3.reader import Event, LineTooLong
from mailservices.protocols.pop3.session import State
from mailservices.store.ids import new_id

#: Seconds: RFC 1939 §3 wants ten minutes at least once signed in; a stranger gets one.
IDLE_LIMIT = 600.0
STRANGER_LIMIT = 60.0
#: Commands that were not understood, or passwords that were wrong, before the client is sent away.
ERRORS = 20
_RESTARTING = responses.error("The service is restarting.", "SYS/TEMP")

_log = log.get()


class Service(Protocol):
    """What a connection needs of its service."""

    loop: asyncio.AbstractEventLoop
    doors: Doors
    tls: ssl.SSLContext


class Pop3Connection(Connection):
    """One client."""

    __slots__ = ("service", "session")

    def __init__(self, service: Service, context: Context) -> None:
        super().__init__(service.loop)
        self.service = service
        self.session = Session(context, self)

    async def serve(self) -> None:
        if not self.service.doors.enter(self, "pop3"):
            _log.info("client not let in", peer=self.peer)
            self.write(responses.error("Too many connections from your address.", "SYS/TEMP"))
            return
        with log.context(connection=new_id().hex[-12:], peer=self.peer):
            self.write(responses.ok("Facteur is ready"))
            try:
                with suppress(Closed, ConnectionError):
                    try:
                        await self._converse()
                    except TimedOut:
                        await self._send_away("silent", "You were silent for too long.", "SYS/TEMP")
                    except Endless:
                        await self._send_away("endless line", "The line has no end.", "SYS/PERM")
                    await self.drain()
            finally:
                if self.session.drop is not None:
                    await self.session.drop.close()

    async def _send_away(self, reason: str, words: str, code: str) -> None:
        _log.info("client sent away", reason=reason)
        await self.last_words(responses.error(words, code))

    async def begin_tls(self) -> None:
        await self.start_tls(self.service.tls)

    def lost(self) -> None:
        self.service.doors.leave(self)

    def dismiss(self) -> None:
        self.session.ending = True
        if self.session.idle:
            self.write(_RESTARTING)
            self.close()

    async def _converse(self) -> None:
        session = self.session
        while session.state is not State.CLOSED:
            if session.ending:
                self.write(_RESTARTING)
                return
            event = session.reader.next_event()
            if event is None:
                await self.drain()
                session.idle = True
                data = await self.read(STRANGER_LIMIT if session.identity is None else IDLE_LIMIT)
                session.idle = False
                if not data:
                    return
                session.reader.receive(data)
            else:
                await self._answer(event)
                self.patience.renew()
                if session.errors > ERRORS:
                    await self._send_away("too many errors", "Too many errors.", "SYS/PERM")
                    return
                # What one command says is taken before the next is begun, however many were sent ahead.
                await self.drain()

    async def _answer(self, event: Event) -> None:
        session = self.session
        if isinstance(event, LineTooLong):
            self._bad("The line is too long.")
            return
        try:
            name, command = commands.parse(event.text)
        except ProtocolError as error:
            self._bad(str(error))
            return
        following = commands.COMMANDS[name].states.get(session.state)
        if following is None:
            self._bad("The command is not possible in this state.")
            return
        started = time.monotonic()
        well = await self._carry_out(name, command)
        metrics.COMMANDS.labels("pop3", name, "OK" if well else "ERR").inc()
        metrics.COMMAND_SECONDS.labels("pop3").observe(time.monotonic() - started)
        if well:
            session.state = following
        elif name == "PASS":
            session.state = State.AUTHORIZATION
        elif name == "QUIT":
            # RFC 1939 §6: the session ends, whether the marked messages could be removed or not.
            session.state = State.CLOSED

    async def _carry_out(self, name: str, command: commands.Command) -> bool:
        """Whether the command succeeded; whatever went wrong is answered."""
        try:
            await handlers.HANDLERS[type(command)](self.session, command)
        except handlers.StillAStranger:
            return False
        except MailError as error:
            self.session.errors += isinstance(error, SignInFailed)
            self.write(responses.error(error.words, error.pop3))
            return False
        except ProtocolError as error:
            self._bad(str(error))
            return False
        except (Closed, TimedOut, Endless, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - unknown means temporary
            _log.exception("command failed", command=name, error=type(error).__name__)
            self.write(responses.error("Something went wrong here, please try again later.", "SYS/TEMP"))
            return False
        return True

    def _bad(self, words: str) -> None:
        self.session.errors += 1
        self.write(responses.error(words))
