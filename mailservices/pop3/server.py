"""The POP3 service: ports 110 and 995, where it is wanted 109, and what happens at its start and end."""

import asyncio
from collections.abc import Sequence
from functools import partial

from mailservices.auth.credentials import Gate
from mailservices.auth.outs import SignOuts
from mailservices.config import Config
from mailservices.net.certificates import Certificates
from mailservices.net.doors import Doors
from mailservices.net.health import Health
from mailservices.net.nudges import Nudges
from mailservices.net.worker import Listener
from mailservices.pop3.connection import Pop3Connection
from mailservices.pop3.policies import Policies
from mailservices.pop3.pop2 import Pop2Connection
from mailservices.pop3.session import Context
from mailservices.store import certificates
from mailservices.store import pool as database
from mailservices.store.maildrops import Lists, Locks

#: The ports that a worker serves, in the order in which they are bound.
PORTS = ("pop3", "pop3s", "pop2", "pop3_health")
#: Seconds that commands in flight have to end when the service stops.
COMMAND_LIMIT = 10.0


class Pop3Service:
    """One worker process of the POP3 service."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.doors = Doors()

    async def start(self) -> Sequence[Listener]:
        self.loop = asyncio.get_running_loop()
        self.pool = await database.open_pool(self.config.database, "pop3")
        self.nudges = Nudges(self.config.redis_url)
        read = partial(certificates.read, self.pool, self.config.sealing_key)
        self.certificates = Certificates(self.config, read)
        await self.certificates.start()
        self.tls = self.certificates.listening(asks=True)
        self.gate = Gate(self.pool, self.config, "pop3")
        self.outs = SignOuts(self.pool, self.doors)
        self.policies = Policies(self.pool)
        self.locks = Locks(self.pool)
        context = Context(
            self.config, self.pool, self.gate, self.policies, self.locks, Lists(self.pool), self.nudges.tell
        )
        health = Health({"database": lambda: database.check(self.pool)}, {"redis": self.nudges.ping})
        ports = self.config.ports
        listeners = [
            Listener(ports["pop3"], lambda: Pop3Connection(self, context)),
            Listener(ports["pop3s"], lambda: Pop3Connection(self, context), self.tls),
        ]
        if "pop2" in ports:
            tls_or_none = self.tls if self.config.pop2 == "tls" else None
            listeners.append(Listener(ports["pop2"], lambda: Pop2Connection(self, context), tls_or_none))
        return (*listeners, Listener(ports["pop3_health"], health.protocol, proxied=False))

    async def stop(self) -> None:
        """Let commands in flight end; whoever waits is told to come back. What was marked stays."""
        await self.doors.clear(COMMAND_LIMIT)
        await self.outs.close()
        await self.locks.close()
        await self.gate.close()
        await self.certificates.close()
        await self.policies.close()
        await self.nudges.close()
        await self.pool.close()


SERVICE = Pop3Service
