"""The shell of a POP3 session: read, feed, dispatch, write, time out. POP2 (pop2.py) differs in its words."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Awaitable
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
#: Commands that are counted together at most.
COUNTED = 100
_RESTARTING = "The service is restarting.", "SYS/TEMP"

_log = log.get()


class Service(Protocol):
    """What a connection needs of its service."""

    loop: asyncio.AbstractEventLoop
    doors: Doors
    tls: ssl.SSLContext


class Pop3Connection(Connection):
    """One client."""

    __slots__ = ("_counts", "_since", "service", "session")
    #: As it is counted.
    listener = "pop3"

    def __init__(self, service: Service, context: Context) -> None:
        super().__init__(service.loop)
        self.service = service
        self.session = Session(context, self)
        #: (command, outcome) -> how many of those whose answers leave together, and when the first came.
        self._counts: Counter[tuple[str, str]] = Counter()
        self._since = 0.0

    async def serve(self) -> None:
        if not self.service.doors.enter(self, self.listener):
            _log.info("client not let in", peer=self.peer)
            self.write(self.refusal("Too many connections from your address.", "SYS/TEMP"))
            return
        with log.context(connection=new_id().hex[-12:], peer=self.peer):
            self.write(self.greeting())
            try:
                with suppress(Closed, ConnectionError):
                    try:
                        await self._converse()
                    except TimedOut:
                        await self._send_away("silent", "You were silent for too long.", "SYS/TEMP")
                    except Endless:
                        await self._send_away("endless line", "The line has no end.", "SYS/PERM")
                    await self.session.flush()
            finally:
                self._note()
                if self.session.drop is not None:
                    await self.session.drop.close()

    async def _send_away(self, reason: str, words: str, code: str) -> None:
        _log.info("client sent away", reason=reason)
        await self.session.flush()
        await self.last_words(self.refusal(words, code))

    async def begin_tls(self) -> None:
        await self.start_tls(self.service.tls)

    def lost(self) -> None:
        self.service.doors.leave(self)

    @property
    def account_id(self) -> int | None:
        return self.session.identity.account_id if self.session.identity else None

    def dismiss(self) -> None:
        self.session.ending = True
        if self.session.idle:
            self.write(self.refusal(*_RESTARTING))
            self.close()

    async def _converse(self) -> None:
        session = self.session
        while session.state is not State.CLOSED:
            if session.ending:
                session.say(self.refusal(*_RESTARTING))
                return
            event = session.reader.next_event()
            if event is None:
                await session.flush()
                self._note()
                session.idle = True
                data = await self.read(STRANGER_LIMIT if session.identity is None else IDLE_LIMIT)
                session.idle = False
                if not data:
                    return
                session.reader.receive(data)
            else:
                await self.answer(event)
                self.patience.renew()
                if session.errors > ERRORS:
                    await self._send_away("too many errors", "Too many errors.", "SYS/PERM")
                    return
                # However many were sent ahead: a client that is behind is waited for before the next is begun.
                await session.pour()
                if self._counts.total() >= COUNTED:
                    self._note()

    def _note(self) -> None:
        """Count what was answered: to do so for each of many that came together takes as long as they do."""
        for (name, outcome), times in self._counts.items():
            metrics.commands(self.listener, name, outcome).inc(times)
        if self._counts:
            metrics.command_seconds(self.listener).observe(time.monotonic() - self._since)
            self._counts.clear()

    # what the protocol has words for

    def greeting(self) -> bytes:
        self.session.timestamp = handlers.timestamp(self.session)
        return responses.ok(f"Facteur is ready {self.session.timestamp}")

    def refusal(self, words: str, code: str = "") -> bytes:
        """Something is wrong; the code is one of RFC 2449 §8 or RFC 3206."""
        return responses.error(words, code)

    async def answer(self, event: Event) -> None:
        session = self.session
        if isinstance(event, LineTooLong):
            self.bad("The line is too long.")
            return
        try:
            name, command = commands.parse(event.text)
        except ProtocolError as error:
            self.bad(str(error))
            return
        following = commands.COMMANDS[name].states.get(session.state)
        if following is None:
            self.bad("The command is not possible in this state.")
            return
        well = await self.carry_out(name, handlers.HANDLERS[type(command)](session, command))
        if well:
            session.state = following
        elif name == "PASS":
            session.state = State.AUTHORIZATION
        elif name == "QUIT":
            # RFC 1939 §6: the session ends, whether the marked messages could be removed or not.
            session.state = State.CLOSED

    async def carry_out(self, name: str, work: Awaitable[None]) -> bool:
        """Whether the command succeeded; whatever went wrong is answered. It is counted."""
        if not self._counts:
            self._since = time.monotonic()
        well = await self._succeeds(name, work)
        self._counts[name, "OK" if well else "ERR"] += 1
        return well

    async def _succeeds(self, name: str, work: Awaitable[None]) -> bool:
        try:
            await work
        except handlers.StillAStranger:
            return False
        except MailError as error:
            self.session.errors += isinstance(error, SignInFailed)
            self.session.say(self.refusal(error.words, error.pop3))
            return False
        except ProtocolError as error:
            self.bad(str(error))
            return False
        except (Closed, TimedOut, Endless, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - unknown means temporary
            _log.exception("command failed", command=name, error=type(error).__name__)
            self.session.say(self.refusal("Something went wrong here, please try again later.", "SYS/TEMP"))
            return False
        return True

    def bad(self, words: str) -> None:
        """The client does not know the protocol."""
        self.session.errors += 1
        self.session.say(self.refusal(words))
