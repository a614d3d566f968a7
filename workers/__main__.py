"""`python -m workers worker|beat` starts one of the two, with /healthz and /metrics beside it."""

import logging
import os
import sys
import threading
import time
from typing import Any

from celery import signals
from celery.apps.beat import Beat

from mailservices import config as configuration
from mailservices import log
from mailservices.net import worker
from mailservices.net.bell import DELIVERY_QUEUE, MAINTENANCE_QUEUE, REPORTS_QUEUE, WEBHOOKS_QUEUE
from workers import app as application
from workers.loop import Loop

USAGE = "usage: python -m workers worker|beat"
#: Celery's threads; their tasks only wake the loop, but a sweep and a round of maintenance may last.
THREADS = 4
#: Seconds that a worker has which has begun to end. Where Redis went, Celery may never come to it; whoever hangs
#: sends nothing, and nobody starts him anew.
END_LIMIT = 45.0
#: States of Celery's blueprint before that (celery/bootsteps.py).
RUNNING = (None, 0x1)


def work(settings: configuration.Config) -> None:
    """Carry out tasks until told to stop."""
    loop = Loop(settings, settings.ports["worker_health"])
    loop.start()
    app = application.make(settings, loop)
    signals.worker_ready.connect(lambda **_: loop.ready.set(), weak=False)
    signals.worker_ready.connect(_see_to_its_end, weak=False)
    try:
        app.worker_main(
            [
                "--quiet",
                "worker",
                "--pool=threads",
                f"--concurrency={THREADS}",
                f"--queues={DELIVERY_QUEUE},{REPORTS_QUEUE},{WEBHOOKS_QUEUE},{MAINTENANCE_QUEUE}",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
            ]
        )
    finally:
        loop.stop()


def _see_to_its_end(sender: Any, **_: Any) -> None:
    """Any process may be killed at any moment: so may one that does not end by itself."""

    def watch() -> None:
        while sender.controller.blueprint.state in RUNNING:
            time.sleep(1.0)
        time.sleep(END_LIMIT)
        log.get().warning("the worker did not end by itself")
        os._exit(1)

    threading.Thread(target=watch, name="end", daemon=True).start()


def beat(settings: configuration.Config) -> None:
    """Send the timetable's tasks until told to stop. What it sent is not kept: a sweep too many harms nobody."""
    loop = Loop(settings, settings.ports["beat_health"])
    loop.start()
    signals.beat_init.connect(lambda **_: loop.ready.set(), weak=False)
    try:
        Beat(
            app=application.make(settings, None), scheduler_cls="celery.beat:Scheduler", quiet=True,
            redirect_stdouts=False,
        ).run()  # fmt: skip
    finally:
        loop.stop()


def main(arguments: list[str]) -> None:
    settings = configuration.load()
    worker.take_files()
    # Celery leaves logging alone where somebody listens to this signal.
    signals.setup_logging.connect(lambda **_: None, weak=False)
    # Its own words on every task say nothing: the tasks of this room only wake the loop.
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    with worker.metrics_folder():
        match arguments:
            case ["worker"]:
                log.set_up("worker", settings.log_level)
                work(settings)
            case ["beat"]:
                log.set_up("beat", settings.log_level)
                beat(settings)
            case _:
                sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
