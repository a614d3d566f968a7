"""What happened to each message: rows written by the engine, partitioned by day (see the migration)."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Now


class TraceEvent(models.Model):
    """One thing that happened to one message, or to one of its recipients."""

    pk = models.CompositePrimaryKey("at", "event_id")
    at = models.DateTimeField(db_default=Now())
    event_id = models.BigIntegerField(
        db_default=Func(Value("trace_event_id"), function="nextval", output_field=models.BigIntegerField())
    )
    #: Joins the rows of one SMTP transaction or APPEND, and of what follows from it.
    trace_id = models.UUIDField()
    #: An Event of mailservices/mail/vocabulary.py.
    kind = models.CharField(max_length=10)
    service = models.CharField(max_length=10)
    account_id = models.BigIntegerField(null=True)
    remote_host = models.GenericIPAddressField(null=True)
    sender = models.TextField(default="", db_default="")
    recipient = models.TextField(default="", db_default="")
    message_id_field = models.TextField(default="", db_default="")
    size = models.BigIntegerField(null=True)
    #: The reply, or why.
    detail = models.TextField(default="", db_default="")
    subject = models.TextField(default="", db_default="")
    #: RFC 3461 §4.4: as its sender named the whole message.
    envid = models.TextField(default="", db_default="")
    #: What the search finds the whole trace by, in lower case; empty where this row has nothing new for that.
    words = models.TextField(default="", db_default="")
    #: How it came: helo, tls, checks and the like (mailservices/store/trace.py).
    facts = models.JSONField(null=True)
    #: Whose administrators see it: the recipients', and the one of ours whose account sent it or sends it on.
    domains = ArrayField(
        models.TextField(), default=list, db_default=Value([], output_field=ArrayField(models.TextField()))
    )

    class Meta:
        db_table = "trace_event"
        indexes = [
            models.Index(fields=["trace_id"], name="trace_by_trace_id"),
            models.Index(fields=["recipient", "at"], name="trace_by_recipient"),
            models.Index(fields=["sender", "at"], name="trace_by_sender"),
            models.Index(fields=["message_id_field"], name="trace_by_message_id"),
            models.Index(fields=["remote_host", "at"], name="trace_by_remote_host"),
            GinIndex(fields=["words"], opclasses=["gin_trgm_ops"], name="trace_by_words", condition=~Q(words="")),
            GinIndex(fields=["domains"], name="trace_by_domains"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.recipient}"


class TraceCount(models.Model):
    """How much of a kind happened in an hour that is over; a row of no kind says that the hour is counted."""

    pk = models.CompositePrimaryKey("hour", "kind")
    hour = models.DateTimeField()
    kind = models.CharField(max_length=10)
    events = models.BigIntegerField()

    class Meta:
        db_table = "trace_count"

    def __str__(self) -> str:
        return f"{self.hour} {self.kind}: {self.events}"
