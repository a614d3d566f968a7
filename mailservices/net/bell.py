"""The bell of the outgoing queue: wakes a Celery worker for a destination. Only a nudge: PostgreSQL is the queue.

Ringing never waits and may be lost; the sweep finds whatever nobody rang for.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from mailservices import log

#: Names that workers/ gives to its tasks and queues.
DELIVER = "facteur.deliver"
DELIVERY_QUEUE = "delivery"
REPORTS_QUEUE = "reports"
MAINTENANCE_QUEUE = "maintenance"
WEBHOOKS_QUEUE = "webhooks"
#: Destinations that may wait to be rung for, and that one task names.
WAITING_DESTINATIONS = 10_000
TASK_DESTINATIONS = 20
#: Seconds after a ring in which others gather: a task costs more than a message. After so many it is rung less
#: often: workers that are busy look by themselves for what comes.
GATHER_SECONDS = 0.05
MANY_RINGS, MANY_SECONDS = 10, 0.2

_log = log.get()


def celery(redis_url: str) -> Celery:
    """A Celery that sends and never asks back: no results, and short limits towards Redis."""
    # No fixups: whatever DJANGO_SETTINGS_MODULE says, the engine has no Django in it.
    app = Celery("facteur", broker=redis_url, fixups=[])
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: Redis comes back
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 3, "socket_keepalive": True},
    )
    return app


class Bell:
    """Rings for destinations: at once after a pause, else together with others, each once."""

    def __init__(self, redis_url: str) -> None:
        self._app = celery(redis_url)
        self._waiting: dict[str, None] = {}
        self._rings = 0
        self._ringing: asyncio.Task[None] | None = None

    def ring(self, destinations: Iterable[str]) -> None:
        """Let a worker look at these destinations soon. Returns at once."""
        self._rings += 1
        for destination in destinations:
            if len(self._waiting) < WAITING_DESTINATIONS:
                self._waiting[destination] = None
        if self._waiting and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring())

    async def _ring(self) -> None:
        while self._waiting:
            destinations, self._waiting = list(self._waiting), {}
            rings, self._rings = self._rings, 0
            try:
                await asyncio.to_thread(self._send, destinations)
            except (OperationalError, RedisError, OSError) as error:
                _log.warning("bell not heard", destinations=len(destinations), cause=type(error).__name__)
            await asyncio.sleep(GATHER_SECONDS if rings < MANY_RINGS else MANY_SECONDS)

    def _send(self, destinations: Sequence[str]) -> None:
        left = iter(destinations)
        with self._app.producer_pool.acquire(block=True) as producer:
            while named := list(islice(left, TASK_DESTINATIONS)):
                self._app.send_task(
                    DELIVER, (named,), queue=DELIVERY_QUEUE, producer=producer, retry=False, ignore_result=True
                )

    async def close(self) -> None:
        if self._ringing is not None:
            await asyncio.wait([self._ringing], timeout=5)
        self._app.close()
