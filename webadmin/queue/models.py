"""Messages on their way out, their recipients, and every try: schema only. The workers claim and settle by SQL."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from mailservices.mail.vocabulary import QueueState


class Message(models.Model):
    """One message as it will be sent: prefix + header + the blob's octets."""

    message_id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(db_default=Now())
    #: When trying ends and the sender is told.
    expires_at = models.DateTimeField()
    #: Who submitted it; null for what the appliance itself writes or forwards.
    account_id = models.BigIntegerField(null=True, db_index=True)
    #: RFC5321.MailFrom; empty for the null path.
    sender = models.CharField(max_length=320)
    #: RFC 3461 §4.4 and §4.3: as given, decoded once; empty where absent.
    envid = models.CharField(max_length=100, default="", db_default="")
    ret = models.CharField(max_length=4, default="", db_default="")
    eightbit = models.BooleanField(default=False, db_default=False)
    smtputf8 = models.BooleanField(default=False, db_default=False)
    #: The Message-ID field, for people who look for it.
    message_id_field = models.TextField(default="", db_default="")
    size = models.BigIntegerField()
    prefix = models.BinaryField()
    header = models.BinaryField()
    blob_id = models.UUIDField(db_index=True)
    #: RFC 6710: from -9 to 9.
    priority = models.SmallIntegerField(default=0, db_default=0)
    #: RFC 8689.
    require_tls = models.BooleanField(default=False, db_default=False)
    #: RFC 2852 §4: until when it is to be delivered, and what happens after (R or N, and T); empty without.
    deliver_by = models.DateTimeField(null=True)
    by_mode = models.CharField(max_length=2, default="", db_default="")
    #: RFC 4865: how its release was asked for; empty where it was not.
    future_release = models.CharField(max_length=40, default="", db_default="")

    class Meta:
        db_table = "queue_message"

    def __str__(self) -> str:
        return str(self.message_id)


class Recipient(models.Model):
    """One recipient of one message. Claimed by a lease, settled in one transaction that names the lease."""

    recipient_id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, models.CASCADE, related_name="recipients")
    #: RFC5321.RcptTo.
    address = models.CharField(max_length=320)
    #: The domain whose hosts take it.
    destination = models.CharField(max_length=255)
    #: RFC 3461 §4.2, as given, decoded once (type;address); empty where absent.
    orcpt = models.CharField(max_length=500, default="", db_default="")
    #: RFC 3461 §4.1: NEVER, or any of SUCCESS, FAILURE, DELAY; null where absent.
    notify = ArrayField(models.CharField(max_length=7), null=True)
    state = models.CharField(max_length=10, default=QueueState.WAITING.value, db_default=QueueState.WAITING.value)
    attempts = models.IntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    #: The message's, for the order in which its destination is served.
    priority = models.SmallIntegerField(default=0, db_default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    #: The last answer, for lists; the attempts have them all.
    last_reply = models.TextField(default="", db_default="")
    #: The delivery report still to be written, or empty: set by settling, cleared with the report's commit.
    report_due = models.CharField(max_length=10, default="", db_default="")
    #: When "still trying" was reported (RFC 3464 §2.3.3 delayed).
    delay_reported_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "queue_recipient"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in QueueState]), name="recipient_state"
            ),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, lease_until__isnull=True)
                | Q(lease__isnull=False, lease_until__isnull=False),
                name="recipient_lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="recipient_due", condition=Q(state=QueueState.WAITING.value)
            ),
            models.Index(
                F("destination"),
                F("priority").desc(),
                F("next_attempt_at"),
                name="recipient_due_by_destination",
                condition=Q(state=QueueState.WAITING.value),
            ),
            models.Index(fields=["settled_at"], name="recipient_settled"),
            models.Index(fields=["message"], name="recipient_report_due", condition=~Q(report_due="")),
        ]

    def __str__(self) -> str:
        return self.address


class Attempt(models.Model):
    """One try for one recipient, with the peer's words."""

    attempt_id = models.BigAutoField(primary_key=True)
    recipient = models.ForeignKey(Recipient, models.CASCADE, related_name="history")
    at = models.DateTimeField(db_default=Now())
    seconds = models.FloatField()
    #: relayed, deferred or failed: an Event.
    outcome = models.CharField(max_length=10)
    #: Name and address of the peer; empty where none was reached.
    host = models.CharField(max_length=255, default="", db_default="")
    address = models.CharField(max_length=64, default="", db_default="")
    #: TLS version and cipher, or empty for plain text.
    tls = models.CharField(max_length=100, default="", db_default="")
    #: What we were doing: connect, helo, starttls, mail, rcpt, data, dns.
    stage = models.CharField(max_length=10)
    #: 0 where the peer did not answer.
    code = models.SmallIntegerField(default=0, db_default=0)
    enhanced = models.CharField(max_length=12, default="", db_default="")
    text = models.TextField(default="", db_default="")

    class Meta:
        db_table = "queue_attempt"
        indexes = [models.Index(fields=["recipient", "at"], name="attempt_by_recipient")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.code}"


class Sending(models.Model):
    """What an account has sent on one day, in UTC; counted by the engine (mailservices/store/allowance.py)."""

    pk = models.CompositePrimaryKey("account_id", "day")
    account_id = models.BigIntegerField()
    day = models.DateField()
    messages = models.IntegerField()
    recipients = models.IntegerField()
    #: Recipients that it never wrote to before.
    newcomers = models.IntegerField()

    class Meta:
        db_table = "queue_sending"

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class Correspondent(models.Model):
    """Whom an account has written to; kept by the engine."""

    pk = models.CompositePrimaryKey("account_id", "address")
    account_id = models.BigIntegerField()
    address = models.CharField(max_length=320)

    class Meta:
        db_table = "queue_correspondent"

    def __str__(self) -> str:
        return self.address
