"""What a worker process works with: pool, resolver, appender, bell; and which destinations it drains now.

All of it lives in one event loop, which loop.py runs; Celery's tasks only wake it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mailservices import log
from mailservices.config import Config
from mailservices.mail.errors import Unavailable
from mailservices.net.bell import Bell
from mailservices.net.dns import Resolver
from mailservices.net.nudges import Nudges
from mailservices.store import pool as database
from mailservices.store.appender import Appender
from mailservices.store.keys import KeyRing

#: Destinations that one process drains at once, and lines to one of them.
DESTINATIONS = 200
LINES = 4
#: Destinations that may wait; the sweep finds the others again.
WAITING_DESTINATIONS = 20_000
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
        self.report = asyncio.Event()

    async def open(self) -> None:
        self.pool = await database.open_pool(self.config.database, "worker")
        self.nudges = Nudges(self.config.redis_url)
        self.bell = Bell(self.config.redis_url)
        self.resolver = Resolver(self.config)
        self.appender = Appender(self.pool, self.nudges.tell)
        self.keys = KeyRing(self.pool, self.config.sealing_key)

    async def check_database(self) -> None:
        await database.check(self.pool)

    def reports_due(self) -> None:
        """A report is to be written: look soon."""
        self.report.set()

    def wake(self, destination: str) -> None:
        """Drain a destination, unless enough of us do already. Returns at once."""
        if self.stopping or self._draining[destination] >= LINES or len(self._tasks) >= WAITING_DESTINATIONS:
            return
        self._draining[destination] += 1
        task = asyncio.create_task(self._drain_one(destination))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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

    async def close(self) -> None:
        """Let messages in flight be settled, give back the rest."""
        self.stopping = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=STOP_LIMIT)
            for task in self._tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.appender.stop()
        await self.bell.close()
        await self.nudges.close()
        await self.pool.close()
