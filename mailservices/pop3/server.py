"""The POP3 service: ports 110 and 995, and what happens at its start and end."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from mailservices.auth.credentials import Gate
from mailservices.config import Config
from mailservices.net import metrics, tls
from mailservices.net.doors import Doors
from mailservices.net.health import Health
from mailservices.net.nudges import Nudges
from mailservices.net.worker import Listener
from mailservices.pop3.connection import Pop3Connection
from mailservices.pop3.session import Context
from mailservices.protocols.pop3 import responses
from mailservices.store import pool as database

#: The ports that a worker serves, in the order in which they are bound.
PORTS = ("pop3", "pop3s", "pop3_health")
#: Seconds that commands in flight have to end when the service stops.
COMMAND_LIMIT = 10.0


class Pop3Service:
    """One worker process of the POP3 service."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.doors = Doors()
        self.connections: set[Pop3Connection] = set()
        self._connected = metrics.CONNECTED.labels("pop3")
        self._connections = metrics.CONNECTIONS.labels("pop3")

    async def start(self) -> Sequence[Listener]:
        self.loop = asyncio.get_running_loop()
        self.pool = await database.open_pool(self.config.database, "pop3")
        self.nudges = Nudges(self.config.redis_url)
        self.tls = tls.server(self.config)
        context = Context(self.config, self.pool, Gate(self.pool, "pop3"), self.nudges.tell)
        health = Health({"database": lambda: database.check(self.pool), "redis": self.nudges.ping})
        ports = self.config.ports
        return (
            Listener(ports["pop3"], lambda: Pop3Connection(self, context)),
            Listener(ports["pop3s"], lambda: Pop3Connection(self, context), self.tls),
            Listener(ports["pop3_health"], health.protocol, proxied=False),
        )

    async def stop(self) -> None:
        """Let commands in flight end; whoever waits is told to come back. What was marked stays."""
        for connection in list(self.connections):
            connection.session.ending = True
            if connection.session.idle:
                connection.write(responses.error("The service is restarting.", "SYS/TEMP"))
                connection.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.doors.emptied(), COMMAND_LIMIT)
        await self.nudges.close()
        await self.pool.close()

    def enter(self, connection: Pop3Connection) -> bool:
        """Whether one more client may come in."""
        if not self.doors.enter(connection.peer):
            return False
        self.connections.add(connection)
        self._connections.inc()
        self._connected.inc()
        return True

    def leave(self, connection: Pop3Connection) -> None:
        """A client that came in, or that was not let in, is gone."""
        if connection in self.connections:
            self.connections.discard(connection)
            self._connected.dec()
            self.doors.leave(connection.peer)


SERVICE = Pop3Service
