"""Starting long acts, and going on with them: a thread of the web does one step after the other.

A step is a function of the job and its actor: it does a bounded part in the caller's transaction, moves `at` and
`done`, and says whether that was all. The row is locked meanwhile, so any number of processes may try to go on. A
job whose process died goes on where its last whole step ended, as soon as somebody looks at it.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from mailservices import log
from webadmin.audit.record import Actor
from webadmin.jobs.models import DONE, FAILED, RUNNING, Job

Step: TypeAlias = Callable[[Job, Actor], bool]
#: Kind -> where its step is; imported when it is needed, for these rooms start jobs themselves.
STEPS = {
    "queue": "webadmin.queue.jobs.step",
    "records": "webadmin.records.jobs.step",
    "import": "webadmin.directory.importing.step",
    "accounts": "webadmin.directory.bulk.step",
}
#: A job that no step has touched for so long has lost its thread.
STILL = timedelta(seconds=20)
#: How long a finished one can be looked at.
KEPT = timedelta(days=7)

_log = log.get()


def start(actor: Actor, kind: str, title: str, told: dict[str, Any], total: int, back: str = "") -> Job:
    """The job, which goes on by itself once this transaction is committed."""
    Job.objects.filter(created_at__lt=timezone.now() - KEPT).exclude(state=RUNNING).delete()
    job = Job.objects.create(
        kind=kind, title=title[:200], administrator=actor.administrator, token=actor.token,
        remote_host=actor.remote_host, told=told, total=total, back=back,
    )  # fmt: skip
    transaction.on_commit(lambda: _in_thread(job.pk))
    return job


def set_going(job: Job) -> Job:
    """One that was prepared."""
    job.state, job.touched_at = RUNNING, timezone.now()
    job.save()
    transaction.on_commit(lambda: _in_thread(job.pk))
    return job


def look_after(job: Job) -> None:
    """Go on with it where nobody does."""
    if job.state == RUNNING and timezone.now() - job.touched_at > STILL:
        _in_thread(job.pk)


def _in_thread(pk: UUID) -> None:
    def carry_out() -> None:
        try:
            run(pk)
        finally:
            connection.close()

    threading.Thread(target=carry_out, name=f"job {pk.hex}", daemon=True).start()


def run(pk: UUID) -> None:
    """Step by step to the end; at once where somebody else is at it."""
    try:
        while _step(pk):
            pass
    except ValidationError as error:
        _fail(pk, error.messages)
    except (OperationalError, InterfaceError) as error:
        # The database is away: its last whole step stands, and whoever looks at it lets it go on.
        _log.warning("job interrupted", job=pk.hex, cause=type(error).__name__)
    except Exception as error:
        _log.exception("job failed", job=pk.hex, error=type(error).__name__)
        _fail(pk, [gettext("Something went wrong; it is noted in the log.")])
        raise


@transaction.atomic
def _step(pk: UUID) -> bool:
    """Whether there is more to do."""
    job = Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, state=RUNNING).first()
    if job is None:
        return False
    step: Step = import_string(STEPS[job.kind])
    if step(job, Actor(job.administrator, job.remote_host, job.token)):
        job.state = DONE
    job.touched_at = timezone.now()
    job.save()
    return job.state == RUNNING


def _fail(pk: UUID, words: list[str]) -> None:
    job = Job.objects.get(pk=pk)
    job.state, job.errors, job.touched_at = FAILED, [*job.errors, *words], timezone.now()
    job.save()
