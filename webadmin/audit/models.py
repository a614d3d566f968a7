"""Who changed what, from where: rows that the verbs write in the same transaction.

They are only added: the database refuses everything else (the third migration).
"""

from django.db import models
from django.db.models.functions import Now

from webadmin.directory.models import Administrator


class Entry(models.Model):
    """One change. `before` and `after` hold only what changed, and never a secret."""

    at = models.DateTimeField(db_default=Now(), editable=False)
    administrator = models.ForeignKey(Administrator, models.SET_NULL, null=True, related_name="+")
    #: Outlives the administrator's row.
    username = models.CharField(max_length=320)
    remote_host = models.GenericIPAddressField(null=True)
    verb = models.CharField(max_length=50)
    subject = models.CharField(max_length=400)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        db_table = "audit_entry"
        ordering = ("-at", "-pk")
        indexes = [models.Index(fields=["-at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.username} {self.verb} {self.subject}"
