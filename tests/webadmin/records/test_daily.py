"""Once a day, by one process, and never twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from webadmin.audit.record import OPERATOR
from webadmin.directory import actions
from webadmin.jobs import running
from webadmin.jobs.models import DONE, RUNNING, Job
from webadmin.records import daily, live
from webadmin.records.models import LastLook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(live, "look_up", lambda domain: found.append(domain.name))
    # The job goes on in the test's own thread.
    monkeypatch.setattr(running, "_in_thread", running.run)
    return found


def test_it_is_begun_once_a_day(looked: list[str]) -> None:
    assert daily.begin_if_due() is None
    for name in ("a.test", "b.test"):
        actions.create_domain(OPERATOR, name)
    job = daily.begin_if_due()
    assert job is not None
    assert (Job.objects.get().state, looked, LastLook.objects.count()) == (DONE, ["a.test", "b.test"], 0)
    assert daily.begin_if_due() is None
    Job.objects.update(created_at=timezone.now() - daily.DAY)
    assert daily.begin_if_due() is not None
    assert len(looked) == 4


def test_one_that_lost_its_process_goes_on(looked: list[str]) -> None:
    actions.create_domain(OPERATOR, "a.test")
    job = daily.begin_if_due()
    assert job is not None
    Job.objects.update(
        state=RUNNING, at={}, done=0, touched_at=timezone.now() - running.STILL - timedelta(seconds=1)
    )
    assert daily.begin_if_due() is None
    assert (Job.objects.get().state, looked) == (DONE, ["a.test", "a.test"])


def test_many_processes_begin_one(monkeypatch: pytest.MonkeyPatch) -> None:
    actions.create_domain(OPERATOR, "a.test")
    monkeypatch.setattr(running, "_in_thread", lambda _pk: None)

    def begin(_number: int) -> bool:
        try:
            return daily.begin_if_due() is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(begin, range(6))) == 1
