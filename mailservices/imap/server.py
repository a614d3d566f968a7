"""The IMAP service: ports 143 and 993, and what happens at its start and end."""

import asyncio
from collections.abc import Sequence
from functools import partial

from mailservices.auth.credentials import Gate
from mailservices.auth.outs import SignOuts
from mailservices.config import Config
from mailservices.imap.connection import ImapConnection
from mailservices.imap.inventories import Inventories
from mailservices.imap.kept import Indexed, Lines, Texts
from mailservices.imap.session import Context
from mailservices.imap.watch import Watch
from mailservices.net.certificates import Certificates
from mailservices.net.doors import Doors
from mailservices.net.health import Health
from mailservices.net.nudges import Nudges
from mailservices.net.worker import Listener
from mailservices.store import certificates
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.withheld import Withheld

#: The ports that a worker serves, in the order in which they are bound.
PORTS = ("imap", "imaps", "imap_health")
#: Seconds that commands in flight have to end when the service stops.
COMMAND_LIMIT = 10.0


class ImapService:
    """One worker process of the IMAP service."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.doors = Doors()

    async def start(self) -> Sequence[Listener]:
        self.loop = asyncio.get_running_loop()
        self.pool = await database.open_pool(self.config.database, "imap")
        self.nudges = Nudges(self.config.redis_url)
        self.watch = Watch(self.pool, self.nudges)
        read = partial(certificates.read, self.pool, self.config.sealing_key)
        self.certificates = Certificates(self.config, read)
        await self.certificates.start()
        self.tls = self.certificates.listening(asks=True)
        self.appender = Appender(self.pool, self.nudges.tell)
        self.gate = Gate(self.pool, self.config, "imap")
        self.outs = SignOuts(self.pool, self.doors)
        context = Context(
            self.config, self.pool, self.appender, self.gate, self.watch, self.nudges.tell,
            tls_offered=True, withheld=Withheld(self.pool), lines=Lines(), texts=Texts(), indexed=Indexed(),
            inventories=Inventories(),
        )  # fmt: skip
        health = Health({"database": lambda: database.check(self.pool)}, {"redis": self.nudges.ping})
        ports = self.config.ports
        return (
            Listener(ports["imap"], lambda: ImapConnection(self, context)),
            Listener(ports["imaps"], lambda: ImapConnection(self, context), self.tls),
            Listener(ports["imap_health"], health.protocol, proxied=False),
        )

    async def stop(self) -> None:
        """Let commands in flight end; whoever waits is told to come back (RFC 9051 §7.1.5)."""
        await self.doors.clear(COMMAND_LIMIT)
        await self.outs.close()
        await self.gate.close()
        await self.certificates.close()
        await self.appender.stop()
        await self.watch.close()
        await self.nudges.close()
        await self.pool.close()


SERVICE = ImapService
