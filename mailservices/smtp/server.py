"""The SMTP service: ports 25 (reception), 587 and 465 (submission), LMTP; what happens at its start and end."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from mailservices.auth.credentials import Gate
from mailservices.auth.outs import SignOuts
from mailservices.config import Config
from mailservices.mail import codes
from mailservices.mail.errors import MailError, Unavailable
from mailservices.net.bell import Bell
from mailservices.net.certificates import Certificates
from mailservices.net.dns import Resolver
from mailservices.net.doors import Doors
from mailservices.net.gateway import Gateway
from mailservices.net.health import Health
from mailservices.net.limiter import Limiter
from mailservices.net.nudges import Nudges
from mailservices.net.rates import Rates
from mailservices.net.worker import Listener
from mailservices.smtp import pipeline
from mailservices.smtp.conversation import converse
from mailservices.smtp.directories import Directories
from mailservices.smtp.session import LMTP, RECEPTION, SUBMISSION, SUBMISSIONS, Context, Profile, Session
from mailservices.smtp.stages.arrival import Desk
from mailservices.smtp.stages.listings import Listings
from mailservices.smtp.wire import Wire
from mailservices.store import allowance, certificates, directory, policy
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.keys import KeyRing
from mailservices.store.leaving_keys import Wishes
from mailservices.store.tally import Tally
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
        rates = Rates(Limiter(self.config.redis_url))
        resolver, policies, self.tally = Resolver(self.config), policy.Policies(self.pool), Tally(self.pool)
        desk = Desk(self.pool, resolver, policies, Listings(), rates, Gateway(), self.tally)
        self.context = Context(
            self.config,
            self.pool,
            directory.lookups(self.pool),
            directory.owners(self.pool),
            allowance.charges(self.pool),
            Appender(self.pool, self.nudges.tell),
            Gate(self.pool, self.config, "smtp"),
            self.journal,
            self.bell,
            KeyRing(self.pool, self.config.sealing_key),
            desk,
            Directories(self.pool, resolver, self.config),
            Wishes(self.pool),
        )
        self.outs = SignOuts(self.pool, self.doors)
        read = partial(certificates.read, self.pool, self.config.sealing_key)
        self.certificates = Certificates(self.config, read)
        await self.certificates.start()
        self.tls = self.certificates.listening()
        self.submission_tls = self.certificates.listening(asks=True)
        health = Health({"database": lambda: database.check(self.pool)}, {"redis": self.nudges.ping})
        ports = self.config.ports
        return (
            Listener(ports["smtp"], self._wires(RECEPTION)),
            Listener(ports["submission"], self._wires(SUBMISSION)),
            Listener(ports["submissions"], self._wires(SUBMISSIONS), self.submission_tls),
            # Whoever delivers by LMTP is a neighbour: no balancer speaks for it.
            Listener(ports["lmtp"], self._wires(LMTP), proxied=False),
            Listener(ports["smtp_health"], health.protocol, proxied=False),
        )

    async def stop(self) -> None:
        """Let transactions in flight end; whoever waits is told to come back (RFC 5321 §3.8)."""
        await self.doors.clear(TRANSACTION_LIMIT)
        await self.outs.close()
        await self.context.appender.stop()
        await self.context.gate.close()
        await self.context.desk.rates.close()
        await self.certificates.close()
        await self.journal.flush()
        await self.tally.flush()
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
                session = Session(self.context, profile, wire)
                if await self._may_talk(session):
                    await converse(session)
            finally:
                self.doors.leave(wire)

        offered = self.submission_tls if profile.submission else self.tls
        context = offered if profile.starttls else None
        return lambda: Wire(serve, loop, self.config.hostname, context)

    async def _may_talk(self, session: Session) -> bool:
        """Whether this client may open one more session; if not, it is told so."""
        desk, wire = self.context.desk, session.wire
        if session.profile is RECEPTION and wire.proxied is None and desk.gateway.saw(wire.peer):
            # The log has told of it; the dashboard is told when the database is there again.
            with suppress(Unavailable):
                await policy.notice(self.pool, policy.GATEWAY, wire.peer)
        try:
            await pipeline.connected(session.arrive(await desk.policies.recent()))
        except MailError as error:
            session.refused(error.reply, reason=error.reason)
            wire.write(bytes(error.reply))
            return False
        return True


SERVICE = SmtpService
