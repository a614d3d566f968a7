"""Celery as it is used here: nudges only, nothing that Redis could deliver a second time later."""

from typing import Any, cast

from mailservices.config import Config
from mailservices.net.bell import DELIVERY_QUEUE, MAINTENANCE_QUEUE, REPORTS_QUEUE, WEBHOOKS_QUEUE
from workers import app as application


def test_no_results_and_what_a_dead_worker_had_goes_to_another(config: Config) -> None:
    conf = application.make(config, None).conf
    assert conf.result_backend is None
    assert conf.task_ignore_result
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1


def test_kinds_of_work_wait_in_queues_of_their_own(config: Config) -> None:
    schedule = application.make(config, None).conf.beat_schedule
    queues = {name: row["options"]["queue"] for name, row in schedule.items()}
    assert queues == {
        "sweep": DELIVERY_QUEUE,
        "report": REPORTS_QUEUE,
        "incoming": REPORTS_QUEUE,
        "report_days": REPORTS_QUEUE,
        "tell": WEBHOOKS_QUEUE,
        "tidy": MAINTENANCE_QUEUE,
        "tend_keys": MAINTENANCE_QUEUE,
        "read": MAINTENANCE_QUEUE,
        "private": MAINTENANCE_QUEUE,
    }
    # What nobody took in time is worth nothing: the next one says the same.
    assert all(row["options"]["expires"] for row in schedule.values())
    assert not [row for row in schedule.values() if {"eta", "countdown"} & set(row["options"])]


def test_every_order_of_the_timetable_is_a_task_that_is_never_retried(config: Config) -> None:
    app = application.make(config, cast("Any", object()))
    for row in app.conf.beat_schedule.values():
        task: Any = app.tasks[row["task"]]
        assert task.ignore_result
        assert not getattr(task, "autoretry_for", ())
