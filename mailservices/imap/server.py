"""The IMAP service: ports 143 and 993, and what happens at its start and end."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from mailservices.auth.credentials import Gate
from mailservices.config import Config
from mailservices.imap.connection import ImapConnection
from mailservices.imap.session import Context
from mailservices.imap.watch import Watch
from mailservices.net import metrics, tls
from mailservices.net.doors import Doors
from mailservices.net.health import Health
from mailservices.net.nudges import Nudges
from mailservices.net.worker import Listener
from mailservices.protocols.imap import responses
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.delivery import Placed

#: The ports that a worker serves, in the order in which they are bound.
PORTS = ("imap", "imaps", "imap_health")
#: Seconds that commands in flight have to end when the service stops.
COMMAND_LIMIT = 10.0


class ImapService:
    """One worker process of the IMAP service."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.doors = Doors()
        self.connections: set[ImapConnection] = set()
        self._connected = metrics.CONNECTED.labels("imap")
        self._connections = metrics.CONNECTIONS.labels("imap")

    async def start(self) -> Sequence[Listener]:
        self.loop = asyncio.get_running_loop()
        self.pool = await database.open_pool(self.config.database, "imap")
        self.nudges = Nudges(self.config.redis_url)
        self.watch = Watch(self.pool, self.nudges)
        self.tls = tls.server(self.config)
        self.appender = Appender(self.pool, self._tell)
        context = Context(
            self.config, self.pool, self.appender, Gate(self.pool, "imap"), self.watch, self.nudges.tell,
            tls_offered=True,
        )  # fmt: skip
        health = Health({"database": lambda: database.check(self.pool), "redis": self.nudges.ping})
        ports = self.config.ports
        return (
            Listener(ports["imap"], lambda: ImapConnection(self, context)),
            Listener(ports["imaps"], lambda: ImapConnection(self, context), self.tls),
            Listener(ports["imap_health"], health.protocol, proxied=False),
        )

    async def stop(self) -> None:
        """Let commands in flight end; whoever waits is told to come back (RFC 9051 §7.1.5)."""
        for connection in list(self.connections):
            connection.session.ending = True
            if connection.session.idle:
                connection.write(responses.untagged("BYE", "The service is restarting.", "UNAVAILABLE"))
                connection.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.doors.emptied(), COMMAND_LIMIT)
        await self.appender.stop()
        await self.watch.close()
        await self.nudges.close()
        await self.pool.close()

    def enter(self, connection: ImapConnection) -> bool:
        """Whether one more client may come in."""
        if not self.doors.enter(connection.peer):
            return False
        self.connections.add(connection)
        self._connections.inc()
        self._connected.inc()
        return True

    def leave(self, connection: ImapConnection) -> None:
        """A client that came in, or that was not let in, is gone."""
        if connection in self.connections:
            self.connections.discard(connection)
            self._connected.dec()
            self.doors.leave(connection.peer)

    def _tell(self, placed: Sequence[Placed]) -> None:
        for where in placed:
            self.nudges.tell(where.account_id, where.mailbox_id, where.modseq)


SERVICE = ImapService
