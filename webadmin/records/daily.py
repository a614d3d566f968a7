"""Once a day the records of all domains are looked up, so that the overview tells what has changed there.

Each process of the web sees from time to time whether it is due; the first one begins the job.
"""

import threading
import time
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from mailservices import log
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Domain
from webadmin.jobs.models import RUNNING, Job
from webadmin.jobs.running import look_after
from webadmin.records import jobs

DAY = timedelta(days=1)
#: Seconds between two looks of one process.
PAUSE = 900.0
LOCK = "SELECT pg_advisory_xact_lock(hashtext('daily records'))"

_log = log.get()


def begin_if_due() -> Job | None:
    """The job that was begun; None where none is due. One that lost its process goes on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        last = Job.objects.filter(kind="records").order_by("-created_at").first()
        if last is not None and last.state == RUNNING:
            look_after(last)
        if last is not None and timezone.now() - last.created_at < DAY:
            return None
        return jobs.begin(OPERATOR, "") if Domain.objects.filter(active=True).exists() else None


def start() -> None:
    """Look now and then, as long as the process lives."""

    def look() -> None:
        while True:
            time.sleep(PAUSE)
            try:
                begin_if_due()
            except (DatabaseError, InterfaceError) as error:
                _log.warning("daily look waits", cause=type(error).__name__)
            finally:
                connection.close()

    threading.Thread(target=look, name="daily records", daemon=True).start()
