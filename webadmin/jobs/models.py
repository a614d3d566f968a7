"""One long act: what is to be done, how far it is. Its steps lock the row, so that no two run at once."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webadmin.directory.models import Administrator, ApiToken

RUNNING, DONE, FAILED = "running", "done", "failed"
#: Looked at, and not begun.
PREPARED = "prepared"
STATES = (PREPARED, RUNNING, DONE, FAILED)


class Job(models.Model):
    """A long act of an administrator. Each step is one transaction, which moves `at` as well."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: A name of running.STEPS.
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    administrator = models.ForeignKey(Administrator, models.SET_NULL, null=True, related_name="jobs")
    #: By which token, if by one: the job reaches no further, and ends with it.
    token = models.ForeignKey(ApiToken, models.CASCADE, null=True, related_name="jobs")
    remote_host = models.GenericIPAddressField(null=True)
    #: What is to be done, and where the next step begins: each kind's own.
    told = models.JSONField()
    at = models.JSONField(default=dict, db_default={})
    total = models.IntegerField()
    done = models.IntegerField(default=0, db_default=0)
    state = models.CharField(max_length=8, default=RUNNING, db_default=RUNNING)
    #: Sentences; what was objected to.
    errors = models.JSONField(default=list, db_default=[])
    #: What became of it, in a sentence.
    outcome = models.CharField(max_length=300, default="", db_default="")
    #: The page that shows what it is about.
    back = models.CharField(max_length=300, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    touched_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "web_job"
        constraints = [models.CheckConstraint(condition=Q(state__in=STATES), name="job_state")]
        indexes = [models.Index(fields=["created_at"], name="job_by_time")]

    def __str__(self) -> str:
        return self.title

    @property
    def percent(self) -> int:
        return 100 if self.state == DONE or not self.total else min(99, self.done * 100 // self.total)
