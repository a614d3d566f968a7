"""The SMTP service: ports 25 (reception), 587 and 465 (submission), and what happens at its start and end."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from mailservices.auth.credentials import Gate
from mailservices.config import Config
from mailservices.mail import codes
from mailservices.net import metrics, tls
from mailservices.net.bell import Bell
from mailservices.net.doors import Doors
from mailservices.net.health import Health
from mailservices.net.nudges import Nudges
from mailservices.net.worker import Listener
from mailservices.smtp.conversation import converse
from mailservices.smtp.session import RECEPTION, SUBMISSION, SUBMISSIONS, Context, Profile, Session
from mailservices.smtp.wire import Wire
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.delivery import Placed
from mailservices.store.trace import Journal

#: The ports that a worker serves, in the order in which they are bound.
PORTS = ("smtp", "submission", "submissions", "smtp_health")
#: Seconds that transactions in flight have to end when the service stops.
TRANSACTION_LIMIT = 10.0


class SmtpService:
    """One worker process of the SMTP service."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.doors = Doors()
        #: By identity: a session has no other name.
        self.sessions: dict[int, Session] = {}

    async def start(self) -> Sequence[Listener]:
        self.pool = await database.open_pool(self.config.database, "smtp")
        self.nudges = Nudges(self.config.redis_url)
        self.journal = Journal(self.pool)
        self.bell = Bell(self.config.redis_url)
        self.context = Context(
            self.config,
            self.pool,
            Appender(self.pool, self._tell),
            Gate(self.pool, "smtp"),
            self.journal,
            self.bell,
        )
        self.tls = tls.server(self.config)
        health = Health({"database": lambda: database.check(self.pool), "redis": self.nudges.ping})
        ports = self.config.ports
        return (
            Listener(ports["smtp"], self._wires(RECEPTION)),
            Listener(ports["submission"], self._wires(SUBMISSION)),
            Listener(ports["submissions"], self._wires(SUBMISSIONS), self.tls),
            Listener(ports["smtp_health"], health.protocol, proxied=False),
        )

    async def stop(self) -> None:
        """Let transactions in flight end; whoever waits is told to come back (RFC 5321 §3.8)."""
        for session in list(self.sessions.values()):
            session.ending = True
            if session.idle:
                session.wire.write(bytes(codes.SHUTTING_DOWN))
                session.wire.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.doors.emptied(), TRANSACTION_LIMIT)
        await self.context.appender.stop()
        await self.journal.flush()
        await self.bell.close()
        await self.nudges.close()
        await self.pool.close()

    def _tell(self, placed: Sequence[Placed]) -> None:
        for where in placed:
            self.nudges.tell(where.account_id, where.mailbox_id, where.modseq)

    def _wires(self, profile: Profile) -> Callable[[], Wire]:
        loop = asyncio.get_running_loop()
        connections = metrics.CONNECTIONS.labels(profile.name)
        connected = metrics.CONNECTED.labels(profile.name)

        async def serve(wire: Wire) -> None:
            peer = wire.peer
            if not self.doors.enter(peer):
                wire.write(bytes(codes.TOO_MANY_CONNECTIONS))
                return
            connections.inc()
            connected.inc()
            session = Session(self.context, profile, wire)
            self.sessions[id(session)] = session
            try:
                await converse(session)
            finally:
                del self.sessions[id(session)]
                connected.dec()
                self.doors.leave(peer)

        context = self.tls if profile.starttls else None
        return lambda: Wire(serve, loop, self.config.hostname, context)


SERVICE = SmtpService
