"""The shell of an IMAP session: read, feed, dispatch, write, time out. It knows lines and literals only."""

import asyncio
import ssl
from contextlib import suppress
from typing import Protocol

from mailservices import log
from mailservices.imap import dispatch
from mailservices.imap.answers import RESTARTING
from mailservices.imap.session import Context, Session
from mailservices.net.connection import Closed, Connection, TimedOut
from mailservices.net.doors import Doors
from mailservices.net.patience import Endless
from mailservices.protocols.imap import commands, responses
from mailservices.protocols.imap.commands import BadCommand
from mailservices.protocols.imap.reader import Event, Literal, LiteralAhead, Received, TooLong, tag_of
from mailservices.protocols.imap.requests import brought
from mailservices.protocols.imap.requests.brought import Expected
from mailservices.protocols.imap.search import BadCharset
from mailservices.protocols.imap.session import State
from mailservices.store.ids import new_id
from mailservices.store.spool import Spool

#: Seconds: RFC 9051 §5.4 wants 30 minutes at least once signed in; a stranger gets one.
IDLE_LIMIT = 1800.0
STRANGER_LIMIT = 60.0
#: Commands that were not understood before the client is sent away.
ERRORS = 50
#: Octets of all messages of one APPEND but the first.
MORE_OCTETS = 32 * 2**20
#: Octets of literals in one command, but for the messages of an APPEND.
LITERAL_OCTETS = 256 * 1024
STRANGER_LITERAL_OCTETS = 8 * 1024
#: Octets of a refused literal which we still read where the client sends it unasked (RFC 7888 §4).
DRAINED_OCTETS = 256 * 2**20
STRANGER_DRAINED_OCTETS = 256 * 1024

_log = log.get()


class Service(Protocol):
    """What a connection needs of its service."""

    loop: asyncio.AbstractEventLoop
    doors: Doors
    tls: ssl.SSLContext


class SentAway(Exception):
    """The client has to go; the words are for it, the reason for the log."""

    def __init__(self, reason: str, words: str) -> None:
        self.reason = reason
        self.words = words
        super().__init__(reason)


class ImapConnection(Connection):
    """One client."""

    __slots__ = ("context", "service", "session")

    def __init__(self, service: "Service", context: Context) -> None:
        super().__init__(service.loop)
        self.service = service
        self.context = context
        self.session = Session(context, self)

    async def serve(self) -> None:
        if not self.service.doors.enter(self, "imap"):
            _log.info("client not let in", peer=self.peer)
            self.write(responses.untagged("BYE", "Too many connections from your address."))
            return
        with log.context(connection=new_id().hex[-12:], peer=self.peer):
            self.write(dispatch.greeting(self.session))
            with suppress(Closed, ConnectionError):
                try:
                    await self._converse()
                except SentAway as end:
                    await self._send_away(end.reason, end.words)
                except TimedOut:
                    await self._send_away("silent", "You were silent for too long.")
                except Endless:
                    await self._send_away("endless line", "The line has no end.")
                await self.drain()

    async def _send_away(self, reason: str, words: str) -> None:
        _log.info("client sent away", reason=reason)
        await self.last_words(responses.untagged("BYE", words))

    async def begin_tls(self) -> None:
        """After the answer to STARTTLS."""
        await self.start_tls(self.service.tls)

    async def begin_compression(self) -> None:
        """After the answer to COMPRESS."""
        self.start_deflate()

    def lost(self) -> None:
        self.session.drop_spools()
        dispatch.leave(self.session)
        self.service.doors.leave(self)

    @property
    def account_id(self) -> int | None:
        return self.session.identity.account_id if self.session.identity else None

    def dismiss(self) -> None:
        self.session.ending = True
        if self.session.idle:
            self.write(RESTARTING)
            self.close()

    async def _converse(self) -> None:
        session = self.session
        while session.state is not State.LOGOUT:
            if session.ending:
                self.write(RESTARTING)
                return
            event = session.reader.next_event()
            if event is None:
                await self.drain()
                session.idle = True
                data = await self._hear()
                session.idle = False
                if not data:
                    return
                session.reader.receive(data)
            else:
                await self._answer(event)
                # What one command says is taken before the next is begun, however many were sent ahead.
                await self.drain()

    async def _hear(self) -> bytes:
        """What the client says next; until then it may want to be told things."""
        session = self.session
        limit = STRANGER_LIMIT if session.identity is None else IDLE_LIMIT
        while session.listening is not None and not self.readable:
            if session.dirty or session.listening.stirred:
                session.idle = False
                await dispatch.announce(session)
                await self.drain()
                session.idle = True
                if session.ending:
                    self.write(RESTARTING)
                    return b""
            else:
                await self.wait(self.patience.left(limit))
        return await self.read(limit)

    async def _answer(self, event: Event) -> None:
        session = self.session
        self.patience.renew()
        match event:
            case LiteralAhead():
                self._literal(event)
            case TooLong(tag):
                session.drop_spools()
                self._bad(tag, "The line is too long.")
            case Received(parts):
                try:
                    command = commands.parse(parts, utf8=session.utf8)
                except BadCommand as error:
                    self._bad(error.tag, str(error))
                except BadCharset as error:
                    self.write(responses.tagged(tag_of(parts), "NO", str(error), "BADCHARSET (US-ASCII UTF-8)"))
                else:
                    await dispatch.carry_out(session, command)
                session.drop_spools()
                self.patience.renew()

    def _bad(self, tag: bytes, words: str) -> None:
        self.write(responses.tagged(tag, "BAD", words) if tag != b"*" else responses.untagged("BAD", words))
        self.session.errors += 1
        if self.session.errors > ERRORS:
            raise SentAway("too many errors", "Too many errors.")

    def _literal(self, ahead: LiteralAhead) -> None:
        """Say where the octets that follow shall go, or that they shall not come (RFC 7888 §4)."""
        session = self.session
        expected = brought.expected(ahead.parts) if session.identity is not None else Expected.WORD
        is_message = expected is not Expected.WORD
        limit = self._room_for_message() if is_message else self._room(ahead)
        if ahead.size > limit:
            session.drop_spools()
            code = "TOOBIG" if is_message else ""
            self.write(responses.tagged(tag_of(ahead.parts), "NO", "The literal is too large.", code))
            if not ahead.waits and ahead.size > (DRAINED_OCTETS if session.identity else STRANGER_DRAINED_OCTETS):
                raise SentAway("endless literal", "The literal has no end.")
            session.reader.refuse(waits=ahead.waits)
            self.patience.renew(ahead.size)
            return
        self.patience.renew(ahead.size)
        if is_message:
            if session.spools:
                session.more_octets += ahead.size
            piece = expected is Expected.PIECE
            spool = Spool(limit, session.context.config.spool, piece=piece, secret=session.private)
            session.spools.append(spool)
            session.reader.accept(session.spools[-1].write)
        else:
            session.reader.accept()
        if ahead.waits:
            self.write(responses.continuation())

    def _room_for_message(self) -> int:
        """Octets of the first message of an APPEND, and of all that follow it together (RFC 7889 §2, RFC 3502)."""
        limit = self.session.context.config.message_bytes
        if not self.session.spools:
            return limit
        return max(0, min(limit, MORE_OCTETS) - self.session.more_octets)

    def _room(self, ahead: LiteralAhead) -> int:
        held = sum(part.size for part in ahead.parts if isinstance(part, Literal) and part.octets is not None)
        return (STRANGER_LITERAL_OCTETS if self.session.identity is None else LITERAL_OCTETS) - held
