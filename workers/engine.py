"""What a worker process works with: pool, resolver, appender, bell; and which destinations it drains now.

All of it lives in one event loop, which loop.py runs; Celery's tasks only wake it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from mailservices import log
from mailservices.config import Config
from mailservices.mail.errors import Unavailable
from mailservices.net.bell import Bell
from mailservices.net.dns import Resolver
from mailservices.net.nudges import Nudges
from mailservices.store import bodies, queue, settling, suppression
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.gathering import Gathering
from mailservices.store.keys import KeyRing
from mailservices.store.queue import Claim, Wanted
from mailservices.store.routing import Rules
from mailservices.store.tally import Tally
from mailservices.store.webhooks import Hooks
from workers.outbound.sts import Policies
from workers.webhooks import Messengers

#: Drains that one process carries out at once, and those of one destination: how many of them get a line is
#: store/lanes.py's to say.
DESTINATIONS = 400
LINES = 20
#: Destinations that may wait; the sweep finds the others again.
WAITING_DESTINATIONS = 20_000
#: Seconds that whoever has sent everything stays at a destination, for there may be more; and that somebody who is
#: busy there has to come round.
IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.05
#: Seconds that messages in flight have when the worker stops.
STOP_LIMIT = 10.0

_log = log.get()


class Engine:
    """One worker process. Made by `open` inside the event loop."""

    def __init__(self, config: Config, drain: Callable[["Engine", str], Awaitable[None]]) -> None:
        self.config = config
        self.stopping = False
        self._drain = drain
        self._draining: Counter[str] = Counter()
        self._places = asyncio.Semaphore(DESTINATIONS)
        self._tasks: set[asyncio.Task[None]] = set()
        #: Those who have nothing to do for a destination at the moment; when one was last asked for; and for which
        #: somebody may come round.
        self._idle: dict[str, list[asyncio.Future[bool]]] = {}
        self._claimed_at: dict[str, float] = {}
        self._awaited: set[str] = set()
        self._crowded_until = 0.0
        self.report = asyncio.Event()
        self.webhook = asyncio.Event()
        self.incoming = asyncio.Event()
        self.answer = asyncio.Event()
        #: Lanes that are full or down -> until when they are not asked for (outbound/lane.py).
        self.closed_lanes: dict[str, float] = {}

    async def open(self) -> None:
        self.pool = await database.open_pool(self.config.database, "worker")
        self.nudges = Nudges(self.config.redis_url)
        self.bell = Bell(self.config.redis_url)
        self.resolver = Resolver(self.config)
        self.appender = Appender(self.pool, self.nudges.tell)
        self.keys = KeyRing(self.pool, self.config.sealing_key)
        self.rules = Rules(self.pool, self.config.sealing_key)
        self.sts = Policies(self)
        self.hooks = Hooks(self.pool)
        self.tally = Tally(self.pool)
        self.messengers = Messengers(self)
        self._claims: Gathering[Wanted, Claim | None] = Gathering(partial(queue.claim_all, self.pool))
        self.settlements = settling.settlements(self.pool)
        self.suppressed = suppression.together(self.pool)
        self.smalls = bodies.smalls(self.pool)

    async def check_database(self) -> None:
        await database.check(self.pool)

    def reports_due(self) -> None:
        """A report is to be written: look soon."""
        self.report.set()

    def webhooks_due(self) -> None:
        """Something may be to be told: look soon."""
        self.webhook.set()

    def incoming_due(self) -> None:
        """Reports, and mail for whoever is away, may have come in: look soon."""
        self.incoming.set()
        self.answer.set()

    def wake(self, destination: str) -> None:
        """Drain a destination, or let somebody who does look again. Returns at once.

        Whoever is busy there may come round in a moment: only else another line is of use.
        """
        if self._rouse(destination) or destination in self._awaited:
            return
        if not self._draining[destination]:
            self.help(destination)
            return
        self._awaited.add(destination)
        loop = asyncio.get_running_loop()
        loop.call_later(BUSY_SECONDS, self._wake_late, destination, loop.time())

    def _wake_late(self, destination: str, since: float) -> None:
        self._awaited.discard(destination)
        if self._claimed_at.get(destination, 0.0) < since and not self._rouse(destination):
            self.help(destination)

    def _rouse(self, destination: str) -> bool:
        """Whether somebody had nothing to do there, and now looks again."""
        for waiter in self._idle.get(destination, ()):
            if not waiter.done():
                waiter.set_result(True)
                return True
        return False

    def help(self, destination: str) -> None:
        """Another line for a destination, unless it has enough. Returns at once."""
        if self.stopping or self._draining[destination] >= LINES or len(self._tasks) >= WAITING_DESTINATIONS:
            return
        self._draining[destination] += 1
        task = asyncio.create_task(self._drain_one(destination))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def claim(self, destination: str, limit: int) -> Claim | None:
        """Take what is due for a destination, if anything is."""
        self._claimed_at[destination] = asyncio.get_running_loop().time()
        return await self._claims.answer(Wanted(destination, limit))

    def make_room(self) -> None:
        """All workers together have as many connections as they may: for a while, nobody keeps one for nothing."""
        self._crowded_until = asyncio.get_running_loop().time() + IDLE_SECONDS
        self._send_home()

    def _send_home(self) -> None:
        for waiter in [one for waiters in self._idle.values() for one in waiters]:
            if not waiter.done():
                waiter.set_result(False)

    async def idle(self, destination: str) -> bool:
        """Wait a moment for more for this destination; False: there is none."""
        if asyncio.get_running_loop().time() < self._crowded_until:
            return False
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiters = self._idle.setdefault(destination, [])
        waiters.append(waiter)
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                return await waiter
        except TimeoutError:
            return False
        finally:
            waiters.remove(waiter)
            if not waiters:
                self._idle.pop(destination, None)

    async def _drain_one(self, destination: str) -> None:
        try:
            async with self._places:
                await self._drain(self, destination)
        except Unavailable:
            _log.warning("drain interrupted", destination=destination)
        except Exception as error:  # noqa: BLE001 - one destination's surprise must not end the worker
            _log.exception("drain failed", destination=destination, error=type(error).__name__)
        finally:
            self._draining[destination] -= 1
            if not self._draining[destination]:
                del self._draining[destination]
                self._claimed_at.pop(destination, None)

    async def close(self) -> None:
        """Let messages in flight be settled, give back the rest."""
        self.stopping = True
        self._send_home()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=STOP_LIMIT)
            for task in self._tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.messengers.stop()
        await self.tally.flush()
        await self.appender.stop()
        await self.bell.close()
        await self.nudges.close()
        await self.pool.close()
