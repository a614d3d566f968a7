"""The event loop of a worker process, in a thread of its own: Celery's threads hand it work and go on.

Celery knows no asyncio. A task that only wakes this loop takes microseconds, so one process serves hundreds of
destinations at once, and a slow host holds up nobody.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import uvloop

from mailservices import log
from mailservices.config import Config
from mailservices.mail.errors import Unavailable
from mailservices.net.health import Health
from mailservices.net.worker import keep_what_stands
from workers import answers, incoming, reports
from workers.engine import Engine
from workers.outbound.drain import drain

_log = log.get()


class Loop:
    """Started once for a process; `stop` ends it."""

    def __init__(self, config: Config, health_port: int) -> None:
        self._config = config
        self._health_port = health_port
        self._started = threading.Event()
        self._failed: Exception | None = None
        #: Set once Celery listens, or beats.
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="facteur loop", daemon=True)

    def start(self) -> None:
        """Returns when the engine is ready; raises what kept it from that."""
        self._thread.start()
        self._started.wait()
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.engine = Engine(self._config, drain)
        try:
            await self.engine.open()
            health = Health(
                {
                    "database": self.engine.check_database,
                    "redis": self.engine.nudges.ping,
                    "celery": self._check_ready,
                }
            )
            server = await self._loop.create_server(health.protocol, self._config.listen, self._health_port)
        except Exception as error:  # noqa: BLE001 - told to whoever started us
            self._failed = error
            return
        finally:
            self._started.set()
        keep_what_stands()
        waiting = [
            asyncio.create_task(self._whenever(self.engine.report, partial(reports.write_due, self.engine))),
            asyncio.create_task(self._whenever(self.engine.incoming, partial(incoming.read_due, self.engine))),
            asyncio.create_task(self._whenever(self.engine.answer, partial(answers.write_due, self.engine))),
            asyncio.create_task(self._whenever(self.engine.webhook, self.engine.messengers.send_due)),
        ]
        await self._stop.wait()
        server.close()
        for task in waiting:
            task.cancel()
        await self.engine.close()

    async def _check_ready(self) -> None:
        if not self.ready.is_set():
            raise OSError("Celery has not begun")

    async def _whenever(self, asked: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        """Whenever a settlement asks for it, and with each sweep."""
        while True:
            await asked.wait()
            asked.clear()
            try:
                await work()
            except Unavailable:
                _log.warning("what was due is interrupted")
            except Exception as error:  # noqa: BLE001 - one's surprise must not end the others
                _log.exception("what was due failed", error=type(error).__name__)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Run a function in the loop, soon."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def run(self, coroutine: Coroutine[Any, Any, object], limit: float) -> None:
        """Run a coroutine in the loop and wait for its end.

        Raises:
            TimeoutError: it took longer than so many seconds, and was cancelled.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            future.result(limit)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
