"""The Celery application: its tasks and its timetable. Tasks only wake the loop; PostgreSQL is the queue.

No eta, no countdown, no retry, no result: Redis would deliver those a second time, and a second delivery is a
second mail. What is lost here is found by the next sweep.
"""

from collections.abc import Coroutine
from typing import Any

from celery import Celery, Task

from mailservices import config as configuration
from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.net.bell import DELIVER, DELIVERY_QUEUE, celery
from mailservices.store import queue
from workers import maintenance, signing
from workers.engine import Engine
from workers.loop import Loop

#: Destinations that one sweep wakes.
SWEEP_DESTINATIONS = 1000
#: Seconds: a sweep, a round of maintenance; and when beat's orders are stale.
SWEEP_LIMIT = 60.0
MAINTENANCE_LIMIT = 1800.0
MAINTENANCE_SECONDS = 3600.0
#: Between two looks at the DKIM keys.
KEYS_SECONDS = 900.0

SWEEP = "facteur.sweep"
TIDY = "facteur.tidy"
TEND_KEYS = "facteur.tend_keys"

_log = log.get()


def make(settings: configuration.Config, loop: Loop | None) -> Celery:
    """The application of a worker; without a loop, of beat, which only sends."""
    app = celery(settings.redis_url)
    app.conf.update(
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_prefetch_multiplier=1,
        task_default_queue=DELIVERY_QUEUE,
        # An order that nobody took in time is not worth taking: the next one says the same.
        beat_schedule={
            "sweep": _every(SWEEP, float(settings.sweep_seconds), 3.0 * settings.sweep_seconds),
            "tidy": _every(TIDY, MAINTENANCE_SECONDS, MAINTENANCE_SECONDS),
            "tend_keys": _every(TEND_KEYS, KEYS_SECONDS, KEYS_SECONDS),
        },
    )
    if loop is not None:
        _add_tasks(app, loop)
    return app


def _every(task: str, seconds: float, expires: float) -> dict[str, object]:
    return {"task": task, "schedule": seconds, "options": {"expires": expires, "queue": DELIVERY_QUEUE}}


def _add_tasks(app: Celery, loop: Loop) -> None:
    def deliver(destination: str) -> None:
        """Somebody rang for a destination."""
        loop.call(loop.engine.wake, destination)

    def sweep() -> None:
        """Find what is due and whatever a dead worker held; write the reports that are due."""
        loop.call(loop.engine.reports_due)
        _quietly(loop, _sweep(loop.engine), SWEEP_LIMIT)

    def tidy() -> None:
        _quietly(loop, maintenance.tidy(loop.engine.pool), MAINTENANCE_LIMIT)

    def tend_keys() -> None:
        _quietly(loop, signing.tend(loop.engine), MAINTENANCE_LIMIT)

    for name, function in ((DELIVER, deliver), (SWEEP, sweep), (TIDY, tidy), (TEND_KEYS, tend_keys)):
        task: Task[..., None] = app.task(name=name)(function)
        task.ignore_result = True


async def _sweep(engine: Engine) -> None:
    engine.bell.ring(await queue.due(engine.pool, SWEEP_DESTINATIONS))


def _quietly(loop: Loop, coroutine: Coroutine[Any, Any, object], limit: float) -> None:
    try:
        loop.run(coroutine, limit)
    except (Unavailable, TimeoutError) as error:
        _log.warning("task interrupted", error=type(error).__name__)
