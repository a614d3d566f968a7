"""The SMTP service: ports 25 (reception), 587 and 465 (submission), LMTP; what happens at its start and end."""

import asyncio
from collections.abc import Callable, Sequence

from mailservices.auth.credentials import Gate
from mailservices.config import Config
from mailservices.mail import codes
from mailservices.net import tls
from mailservices.net.bell import Bell
from mailservices.net.doors import Doors
from mailservices.net.health import Health
from mailservices.net.nudges import Nudges
from mailservices.net.worker import Listener
from mailservices.smtp.conversation import converse
from mailservices.smtp.session import LMTP, RECEPTION, SUBMISSION, SUBMISSIONS, Context, Profile, Session
from mailservices.smtp.wire import Wire
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.keys import KeyRing
from mailservices.store.trace import Journal

#: The ports that a worker serves, in the order in which they are bound.
PORTS = ("smtp", "submission", "submissions", "lmtp", "smtp_health")
#: Seconds that transactions in flight have to end when the service stops.
TRANSACTION_LIMIT = 10.0


class SmtpService:
    """One worker process of the SMTP service."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.doors = Doors()

    async def start(self) -> Sequence[Listener]:
        self.pool = await database.open_pool(self.config.database, "smtp")
        self.nudges = Nudges(self.config.redis_url)
        self.journal = Journal(self.pool)
        self.bell = Bell(self.config.redis_url)
        self.context = Context(
            self.config,
            self.pool,
            Appender(self.pool, self.nudges.tell),
            Gate(self.pool, "smtp"),
            self.journal,
            self.bell,
            KeyRing(self.pool, self.config.sealing_key),
        )
        self.tls = tls.server(self.config)
        health = Health({"database": lambda: database.check(self.pool)}, {"redis": self.nudges.ping})
        ports = self.config.ports
        return (
            Listener(ports["smtp"], self._wires(RECEPTION)),
            Listener(ports["submission"], self._wires(SUBMISSION)),
            Listener(ports["submissions"], self._wires(SUBMISSIONS), self.tls),
            # Whoever delivers by LMTP is a neighbour: no balancer speaks for it.
            Listener(ports["lmtp"], self._wires(LMTP), proxied=False),
            Listener(ports["smtp_health"], health.protocol, proxied=False),
        )

    async def stop(self) -> None:
        """Let transactions in flight end; whoever waits is told to come back (RFC 5321 §3.8)."""
        await self.doors.clear(TRANSACTION_LIMIT)
        await self.context.appender.stop()
        await self.journal.flush()
        await self.bell.close()
        await self.nudges.close()
        await self.pool.close()

    def _wires(self, profile: Profile) -> Callable[[], Wire]:
        loop = asyncio.get_running_loop()

        async def serve(wire: Wire) -> None:
            if not self.doors.enter(wire, profile.name):
                wire.write(bytes(codes.TOO_MANY_CONNECTIONS))
                return
            try:
                await converse(Session(self.context, profile, wire))
            finally:
                self.doors.leave(wire)

        context = self.tls if profile.starttls else None
        return lambda: Wire(serve, loop, self.config.hostname, context)


SERVICE = SmtpService
