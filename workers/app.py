"""The Celery application: its tasks and its timetable. Tasks only wake the loop; PostgreSQL is the queue.

No eta, no countdown, no retry, no result: Redis would deliver those a second time, and a second delivery is a
second mail. What is lost here is found by the next sweep.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from celery import Celery, Task

from mailservices import config as configuration
from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.net.bell import DELIVER, DELIVERY_QUEUE, MAINTENANCE_QUEUE, REPORTS_QUEUE, WEBHOOKS_QUEUE, celery
from mailservices.store import expiry, queue
from workers import aggregates, finding, keydirectory, maintenance, notices, reading, signing
from workers.engine import Engine
from workers.loop import Loop

#: Destinations that one sweep wakes.
SWEEP_DESTINATIONS = 1000
#: Recipients that one sweep gives up, or tells of, though nobody could try them.
SWEEP_EXPIRED = 500
#: Seconds: a sweep, a round of maintenance; and when beat's orders are stale.
SWEEP_LIMIT = 60.0
MAINTENANCE_LIMIT = 1800.0
MAINTENANCE_SECONDS = 3600.0
#: Between two looks at the DKIM keys.
KEYS_SECONDS = 900.0
#: Between two looks at what the text index lacks, and how long one may take.
READ_SECONDS = 30.0
READ_LIMIT = 60.0
#: Between two looks at what owners are to be told of their keys.
PRIVATE_SECONDS = 60.0
#: Between two looks for reports on days that are over.
DAYS_SECONDS = 1800.0

SWEEP = "facteur.sweep"
REPORT = "facteur.report"
INCOMING = "facteur.incoming"
REPORT_DAYS = "facteur.report_days"
TELL = "facteur.tell"
TIDY = "facteur.tidy"
TEND_KEYS = "facteur.tend_keys"
READ = "facteur.read"
PRIVATE = "facteur.private"

_log = log.get()


def make(settings: configuration.Config, loop: Loop | None) -> Celery:
    """The application of a worker; without a loop, of beat, which only sends."""
    app = celery(settings.redis_url)
    app.conf.update(
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_prefetch_multiplier=1,
        # Whoever dies over a task leaves it to another: all of them may be carried out twice, for the leases in
        # PostgreSQL say who does what.
        task_acks_late=True,
        task_default_queue=DELIVERY_QUEUE,
        # An order that nobody took in time is not worth taking: the next one says the same.
        beat_schedule={
            "sweep": _every(SWEEP, float(settings.sweep_seconds), 3.0 * settings.sweep_seconds),
            "report": _every(REPORT, float(settings.sweep_seconds), 3.0 * settings.sweep_seconds, REPORTS_QUEUE),
            "incoming": _every(
                INCOMING, float(settings.sweep_seconds), 3.0 * settings.sweep_seconds, REPORTS_QUEUE
            ),
            "report_days": _every(REPORT_DAYS, DAYS_SECONDS, DAYS_SECONDS, REPORTS_QUEUE),
            "tell": _every(TELL, float(settings.sweep_seconds), 3.0 * settings.sweep_seconds, WEBHOOKS_QUEUE),
            "tidy": _every(TIDY, MAINTENANCE_SECONDS, MAINTENANCE_SECONDS, MAINTENANCE_QUEUE),
            "read": _every(READ, READ_SECONDS, READ_SECONDS, MAINTENANCE_QUEUE),
            "private": _every(PRIVATE, PRIVATE_SECONDS, PRIVATE_SECONDS, MAINTENANCE_QUEUE),
            "tend_keys": _every(TEND_KEYS, KEYS_SECONDS, KEYS_SECONDS, MAINTENANCE_QUEUE),
        },
    )
    if loop is not None:
        _add_tasks(app, loop)
    return app


def _every(task: str, seconds: float, expires: float, queue_name: str = DELIVERY_QUEUE) -> dict[str, object]:
    return {"task": task, "schedule": seconds, "options": {"expires": expires, "queue": queue_name}}


def _add_tasks(app: Celery, loop: Loop) -> None:
    def deliver(destinations: list[str]) -> None:
        """Somebody rang for these."""
        for destination in destinations:
            loop.call(loop.engine.wake, destination)

    def sweep() -> None:
        """Find what is due and whatever a dead worker held."""
        _quietly(loop, _sweep(loop.engine), SWEEP_LIMIT)

    def report_days() -> None:
        """Tell domains what was seen of them on days that are over."""
        _quietly(loop, aggregates.report(loop.engine), MAINTENANCE_LIMIT)

    def tidy() -> None:
        _quietly(loop, maintenance.tidy(loop.engine.pool), MAINTENANCE_LIMIT)

    def tend_keys() -> None:
        """Our DKIM keys, and those that were found of correspondents."""
        _quietly(loop, signing.tend(loop.engine), MAINTENANCE_LIMIT)
        _quietly(loop, finding.look_again(loop.engine), MAINTENANCE_LIMIT)

    def read() -> None:
        """Bring the text index up to date."""
        _quietly(loop, reading.read(loop.engine.pool), READ_LIMIT)

    def private() -> None:
        """Tell owners of their keys; read what came to directories of keys."""
        _quietly(loop, notices.tell(loop.engine), MAINTENANCE_LIMIT)
        _quietly(loop, keydirectory.read(loop.engine), MAINTENANCE_LIMIT)

    tasks: tuple[tuple[str, Callable[..., None]], ...] = (
        (DELIVER, deliver), (SWEEP, sweep), (REPORT_DAYS, report_days), (TIDY, tidy), (TEND_KEYS, tend_keys),
        (READ, read), (PRIVATE, private), *_bells(loop),
    )  # fmt: skip
    for name, function in tasks:
        task: Task[..., None] = app.task(name=name)(function)
        task.ignore_result = True


def _bells(loop: Loop) -> Iterator[tuple[str, Callable[[], None]]]:
    """Look now, though nobody rang for it."""

    def report() -> None:
        """Write the delivery reports that are due."""
        loop.call(loop.engine.reports_due)

    def incoming() -> None:
        """Read the reports that came in; answer for whoever is away."""
        loop.call(loop.engine.incoming_due)

    def tell() -> None:
        """Tell webhooks what is due."""
        loop.call(loop.engine.webhooks_due)

    yield from ((REPORT, report), (INCOMING, incoming), (TELL, tell))


async def _sweep(engine: Engine) -> None:
    if await expiry.expire(engine.pool, SWEEP_EXPIRED) + await expiry.tell_of_delay(engine.pool, SWEEP_EXPIRED):
        engine.reports_due()
    engine.bell.ring(await queue.due(engine.pool, SWEEP_DESTINATIONS))


def _quietly(loop: Loop, coroutine: Coroutine[Any, Any, object], limit: float) -> None:
    try:
        loop.run(coroutine, limit)
    except (Unavailable, TimeoutError) as error:
        _log.warning("task interrupted", error=type(error).__name__)
