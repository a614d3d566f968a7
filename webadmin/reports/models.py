"""Reports of others, and what ours are made of: schema only. Servers and workers write by SQL."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from mailservices.mail.returned import What
from webadmin.directory.models import Domain
from webadmin.queue.models import Recipient


class Suspect(models.Model):
    """A message that came in and may be a report: it waits for a worker to read it."""

    trace_id = models.UUIDField()
    #: Of its envelope; empty for the null path.
    sender = models.TextField(default="", db_default="")
    recipients = ArrayField(models.TextField())
    header = models.BinaryField()
    blob_id = models.UUIDField()
    body_size = models.BigIntegerField()
    #: Whether DMARC bears out that it is From's.
    proven = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    tries = models.SmallIntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "report_suspect"

    def __str__(self) -> str:
        return str(self.trace_id)


class Return(models.Model):
    """What somebody reports of a recipient to whom we relayed a message."""

    recipient = models.ForeignKey(Recipient, models.CASCADE, related_name="returns")
    at = models.DateTimeField(db_default=Now())
    what = models.CharField(max_length=10)
    #: RFC 3463; empty where none was said.
    status = models.CharField(max_length=12, default="", db_default="")
    #: The words of whoever refused it.
    text = models.TextField(default="", db_default="")
    #: What a failure is about (mailservices/mail/bounces.py).
    about = models.CharField(max_length=20, default="", db_default="")
    #: Who says so.
    reporter = models.CharField(max_length=255, default="", db_default="")
    #: Of the report, as it came in.
    trace_id = models.UUIDField()

    class Meta:
        db_table = "report_return"
        constraints = [
            models.UniqueConstraint(fields=["recipient", "what"], name="return_is_one_of_each"),
            models.CheckConstraint(condition=Q(what__in=[what.value for what in What]), name="return_what"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.status}"


class Tally(models.Model):
    """What was met on one day of one domain, and how often: it waits for the report to that domain."""

    pk = models.CompositePrimaryKey("kind", "day", "domain", "print")
    #: dmarc or tls (mailservices/store/tally.py).
    kind = models.CharField(max_length=5)
    #: In UTC.
    day = models.DateField()
    #: Whose record asks for the report.
    domain = models.CharField(max_length=255)
    #: SHA-256 of the facts.
    print = models.BinaryField()
    #: JSON (mailservices/mail/aggregate.py, mailservices/mail/tls_report.py).
    facts = models.TextField()
    count = models.BigIntegerField()

    class Meta:
        db_table = "report_tally"
        indexes = [models.Index(fields=["day"], name="tally_by_day")]

    def __str__(self) -> str:
        return f"{self.kind} {self.day} {self.domain}"


class Mailbox(models.Model):
    """Where reports on a domain of ours come, DMARC's and those on TLS: an address of ours."""

    domain = models.OneToOneField(Domain, models.CASCADE, related_name="report_mailbox")
    address = models.CharField(max_length=320)

    class Meta:
        db_table = "report_mailbox"
        indexes = [models.Index(Lower("address"), name="report_mailbox_address")]

    def __str__(self) -> str:
        return self.address


class DmarcReport(models.Model):
    """An aggregate report of somebody else on a domain of ours."""

    organisation = models.CharField(max_length=255)
    email = models.CharField(max_length=255)
    report_id = models.CharField(max_length=255)
    domain = models.CharField(max_length=255)
    begins = models.DateTimeField()
    ends = models.DateTimeField(db_index=True)
    #: What our record said, as they saw it.
    policy = models.CharField(max_length=10)
    #: Whether the mail that brought it passed DMARC.
    proven = models.BooleanField()
    #: Of that mail.
    trace_id = models.UUIDField()

    class Meta:
        db_table = "report_dmarc"
        constraints = [
            models.UniqueConstraint(fields=["domain", "organisation", "report_id"], name="dmarc_report_is_one")
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.report_id}"


class DmarcRow(models.Model):
    """Messages that had so much in common."""

    report = models.ForeignKey(DmarcReport, models.CASCADE, related_name="rows")
    source = models.GenericIPAddressField()
    count = models.BigIntegerField()
    disposition = models.CharField(max_length=10)
    #: Whether there was a pass that was aligned.
    dkim = models.BooleanField()
    spf = models.BooleanField()
    header_from = models.CharField(max_length=255)
    envelope_from = models.CharField(max_length=255)
    #: Why the disposition is not what the policy says.
    reasons = models.CharField(max_length=255)
    details = models.CharField(max_length=1000)

    class Meta:
        db_table = "report_dmarc_row"

    def __str__(self) -> str:
        return f"{self.source} {self.count}"


class TlsReport(models.Model):
    """A report of somebody else on TLS of a domain of ours (RFC 8460)."""

    organisation = models.CharField(max_length=255)
    contact = models.CharField(max_length=255)
    report_id = models.CharField(max_length=255)
    domain = models.CharField(max_length=255)
    begins = models.DateTimeField()
    ends = models.DateTimeField(db_index=True)
    #: Whether the mail that brought it passed DMARC.
    proven = models.BooleanField()
    #: Of that mail.
    trace_id = models.UUIDField()

    class Meta:
        db_table = "report_tls"
        constraints = [
            models.UniqueConstraint(fields=["domain", "organisation", "report_id"], name="tls_report_is_one")
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.report_id}"


class TlsRow(models.Model):
    """Sessions that had so much in common."""

    report = models.ForeignKey(TlsReport, models.CASCADE, related_name="rows")
    policy_type = models.CharField(max_length=20)
    policy = models.CharField(max_length=1000)
    count = models.BigIntegerField()
    #: Empty: they came about as they should.
    failure = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    address = models.CharField(max_length=255)
    own_address = models.CharField(max_length=255)
    reason = models.CharField(max_length=255)

    class Meta:
        db_table = "report_tls_row"

    def __str__(self) -> str:
        return f"{self.policy_type} {self.failure} {self.count}"
