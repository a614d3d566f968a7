"""Long acts: step by step, from where the last whole step ended; what fails says so."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions as directory
from webadmin.directory.models import Administrator
from webadmin.jobs import running
from webadmin.jobs.models import Job

pytestmark = pytest.mark.django_db


def count(job: Job, _actor: Actor) -> bool:
    """A step of a job that counts; at a number that it is told of, it objects."""
    if job.done == job.told.get("stumbles"):
        raise ValidationError("That is no number.")
    job.done += 1
    job.at = {"number": job.done}
    return job.done == job.total


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(running.STEPS, "count", f"{__name__}.count")
    monkeypatch.setattr(running, "import_string", lambda _: count)


@pytest.fixture
def root() -> Administrator:
    return directory.create_administrator("root", "a long passphrase")


def job(total: int = 3, actor: Actor = OPERATOR, **told: int) -> Job:
    return running.start(actor, "count", "Counting", told, total)


def test_a_job_is_done_step_by_step() -> None:
    row = job()
    assert (row.state, row.percent) == ("running", 0)
    running.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.done, row.at, row.percent) == ("done", 3, {"number": 3}, 100)
    running.run(row.pk)
    assert Job.objects.get().done == 3


def test_what_is_objected_to_stops_it_and_is_told() -> None:
    row = job(stumbles=2)
    running.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.done, row.errors) == ("failed", 2, ["That is no number."])


def test_a_surprise_stops_it_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_job: Job, _actor: Actor) -> bool:
        raise KeyError("secret")

    monkeypatch.setattr(running, "import_string", lambda _: broken)
    row = job()
    with pytest.raises(KeyError):
        running.run(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "secret" not in str(row.errors)


def test_one_whose_database_was_away_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [OperationalError("gone"), True]

    def step(_job: Job, _actor: Actor) -> bool:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(running, "import_string", lambda _: step)
    row = job()
    running.run(row.pk)
    row.refresh_from_db()
    assert row.state == "running"
    running.run(row.pk)
    row.refresh_from_db()
    assert row.state == "done"


def test_one_is_seen_by_its_owner_only_and_old_ones_go(client: Client, root: Administrator) -> None:
    mine, others = job(actor=Actor(root)), job()
    client.force_login(root)
    assert client.get(f"/jobs/{mine.pk}/").status_code == 200
    assert client.get(f"/jobs/{mine.pk}.json").json()["total"] == 3
    assert client.get(f"/api/v1/jobs/{mine.pk}/").json()["state"] == "running"
    assert client.get(f"/jobs/{others.pk}/").status_code == 404
    assert client.get(f"/api/v1/jobs/{others.pk}/").status_code == 404
    Job.objects.update(created_at=timezone.now() - timedelta(days=8))
    Job.objects.filter(pk=mine.pk).update(state="done")
    job()
    assert not Job.objects.filter(pk=mine.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_one_that_lost_its_thread_goes_on_when_it_is_looked_at(root: Administrator) -> None:
    row = Job.objects.create(kind="count", title="x", told={}, total=3, done=1)
    running.look_after(row)
    assert not [one for one in threading.enumerate() if one.name.startswith("job ")]
    row.touched_at = timezone.now() - timedelta(minutes=1)
    running.look_after(row)
    for thread in threading.enumerate():
        if thread.name.startswith("job "):
            thread.join(20)
    row.refresh_from_db()
    assert (row.state, row.done) == ("done", 3)
    connection.close()
