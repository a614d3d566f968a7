"""Messages on their way out, their recipients, and every try: schema only. The workers claim and settle by SQL."""

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from mailservices.mail.mta_sts import Mode
from mailservices.mail.routing import MECHANISMS, TlsMode
from mailservices.mail.vocabulary import HeldBy, QueueState
from webadmin.expressions import domain_of

OPPORTUNISTIC = TlsMode.OPPORTUNISTIC.value


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
    #: Sender and recipients, in lower case: what the queue's search looks through.
    words = models.TextField(default="", db_default="")
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
        indexes = [
            # For reports of others on what we sent.
            models.Index(fields=["message_id_field"], name="message_by_field"),
            models.Index(fields=["envid"], name="message_by_envid", condition=~Q(envid="")),
            GinIndex(fields=["words"], opclasses=["gin_trgm_ops"], name="message_by_words"),
        ]

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
    #: The address by which it came to us, where it led to this one; empty: the same.
    received_as = models.CharField(max_length=320, default="", db_default="")
    #: RFC 3461 §4.1: NEVER, or any of SUCCESS, FAILURE, DELAY; null where absent.
    notify = ArrayField(models.CharField(max_length=7), null=True)
    state = models.CharField(max_length=10, default=QueueState.WAITING.value, db_default=QueueState.WAITING.value)
    #: Who holds it (HeldBy); empty where nobody does.
    held_by = models.CharField(max_length=13, default="", db_default="")
    attempts = models.IntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    #: For the order in which its destination is served (mailservices/mail/urgency.py).
    priority = models.SmallIntegerField(default=0, db_default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    #: The last answer, for lists; the attempts have them all.
    last_reply = models.TextField(default="", db_default="")
    #: The delivery report still to be written, or empty: set by settling, cleared with the report's commit.
    report_due = models.CharField(max_length=10, default="", db_default="")
    #: A kind of report that nobody was there to read.
    report_lost = models.CharField(max_length=10, default="", db_default="")
    #: When "still trying" was reported (RFC 3464 §2.3.3 delayed).
    delay_reported_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    #: When it is given up: the message's end, unless an administrator has chosen another; null: the message's.
    expires_at = models.DateTimeField(null=True)
    #: The route that an administrator has chosen for just this mail; null: whichever fits.
    route = models.ForeignKey("queue.Route", models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        db_table = "queue_recipient"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in QueueState]), name="recipient_state"
            ),
            models.CheckConstraint(condition=Q(held_by__in=["", *HeldBy]), name="recipient_held_by"),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, lease_until__isnull=True)
                | Q(lease__isnull=False, lease_until__isnull=False),
                name="recipient_lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                F("destination"),
                F("priority").desc(),
                F("next_attempt_at"),
                name="recipient_due_by_destination",
                condition=Q(state=QueueState.WAITING.value),
            ),
            models.Index(
                fields=["destination", "next_attempt_at"],
                name="recipient_next_by_destination",
                condition=Q(state=QueueState.WAITING.value),
            ),
            models.Index(
                fields=["expires_at"], name="recipient_expires", condition=Q(state=QueueState.WAITING.value)
            ),
            models.Index(fields=["settled_at"], name="recipient_settled", condition=Q(settled_at__isnull=False)),
            models.Index(fields=["message"], name="recipient_report_due", condition=~Q(report_due="")),
            # Ids of messages begin with the time. What is waiting or relayed is found soon enough among all.
            models.Index(
                fields=["state", "message"],
                name="recipient_by_state",
                condition=~Q(state__in=[QueueState.WAITING.value, QueueState.RELAYED.value]),
            ),
            # Whose administrators see it: little is forwarded.
            models.Index(domain_of("received_as"), name="recipient_came_to", condition=~Q(received_as="")),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def ends_at(self) -> datetime:
        """When it is given up, where no route says otherwise."""
        return self.expires_at or self.message.expires_at


class Attempt(models.Model):
    """One try for one recipient, with the peer's words."""

    attempt_id = models.BigAutoField(primary_key=True)
    recipient = models.ForeignKey(Recipient, models.CASCADE, related_name="history", db_index=False)
    at = models.DateTimeField(db_default=Now())
    seconds = models.FloatField()
    #: relayed, deferred or failed: an Event.
    outcome = models.CharField(max_length=10)
    #: Name and address of the peer; empty where none was reached.
    host = models.CharField(max_length=255, default="", db_default="")
    address = models.CharField(max_length=64, default="", db_default="")
    #: TLS version and cipher, or empty for plain text.
    tls = models.CharField(max_length=100, default="", db_default="")
    #: What we were doing: source (no address of ours may send today), dns, connect, helo, starttls, auth, mail,
    #: rcpt, data, chunk, rset, or final: the answer to the whole message was lost (RFC 1047).
    stage = models.CharField(max_length=10)
    #: 0 where the peer did not answer.
    code = models.SmallIntegerField(default=0, db_default=0)
    enhanced = models.CharField(max_length=12, default="", db_default="")
    text = models.TextField(default="", db_default="")
    #: What TLS came to, and who wanted it to, such as "route: verified"; empty where it did not come to that.
    verdict = models.CharField(max_length=60, default="", db_default="")
    #: What a failure is about (mailservices/mail/bounces.py); empty where it was none.
    about = models.CharField(max_length=20, default="", db_default="")

    class Meta:
        db_table = "queue_attempt"
        indexes = [models.Index(fields=["recipient", "at"], name="attempt_by_recipient")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.code}"


class Suppression(models.Model):
    """An address that does not exist, as its hosts have said more than once: nothing is sent there for a while."""

    address = models.CharField(max_length=320, primary_key=True)
    #: How often hosts said so, and what they said last; 0: an administrator wishes it.
    hits = models.IntegerField()
    reason = models.CharField(max_length=500)
    since = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "queue_suppression"
        constraints = [models.CheckConstraint(condition=Q(hits__gte=0), name="suppression_hits")]

    def __str__(self) -> str:
        return self.address


class Lane(models.Model):
    """The way to one destination, or to a route's host, as all workers share it (mailservices/store/lanes.py)."""

    lane = models.CharField(max_length=270, primary_key=True)
    #: How many lines may stand at once: grows while all goes well.
    width = models.FloatField(default=4, db_default=4)
    #: How often in a row nobody could be reached there, and until when nobody tries again.
    failures = models.IntegerField(default=0, db_default=0)
    down_until = models.DateTimeField(null=True)
    down_since = models.DateTimeField(null=True)
    #: The last failure, in words.
    reason = models.CharField(max_length=300, default="", db_default="")
    changed_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "queue_lane"
        constraints = [
            models.CheckConstraint(condition=Q(width__gte=1, failures__gte=0), name="lane_is_open"),
        ]

    def __str__(self) -> str:
        return self.lane


class Line(models.Model):
    """One worker's line on a lane, while it lasts or its worker renews it."""

    line = models.UUIDField(primary_key=True)
    lane = models.CharField(max_length=270, db_index=True)
    until = models.DateTimeField()

    class Meta:
        db_table = "queue_line"

    def __str__(self) -> str:
        return self.lane


class Route(models.Model):
    """How some mail leaves: a rule of the administrator (mailservices/mail/routing.py says which one holds)."""

    #: The recipients' domain, with a dot before it those below it, and the sender's address or domain; empty: all.
    recipient = models.CharField(max_length=255, default="", db_default="", blank=True)
    sender = models.CharField(max_length=320, default="", db_default="", blank=True)
    #: A name or an address; empty: the hosts that the DNS names.
    host = models.CharField(max_length=255, default="", db_default="", blank=True)
    #: 0: the usual one.
    port = models.IntegerField(default=0, db_default=0)
    tls = models.CharField(
        max_length=13, default=TlsMode.OPPORTUNISTIC.value, db_default=TlsMode.OPPORTUNISTIC.value
    )
    username = models.CharField(max_length=255, default="", db_default="", blank=True)
    #: Sealed (mailservices/mail/sealing.py).
    secret = models.BinaryField(null=True)
    #: Empty: the best that both sides know.
    mechanism = models.CharField(max_length=13, default="", db_default="", blank=True)
    #: Our own addresses to connect from, and the name that goes with them; empty: any, and the host's own.
    source4 = models.CharField(max_length=15, default="", db_default="", blank=True)
    source6 = models.CharField(max_length=45, default="", db_default="", blank=True)
    helo = models.CharField(max_length=255, default="", db_default="", blank=True)
    #: Or the name of a pool of them (Source); empty: none.
    pool = models.CharField(max_length=40, default="", db_default="", blank=True)
    #: Lines to one destination at most; 0: as many as turn out well.
    connections = models.IntegerField(default=0, db_default=0)
    #: Between tries, and until it is given up; null: as for all mail.
    first_pause = models.DurationField(null=True, blank=True)
    longest_pause = models.DurationField(null=True, blank=True)
    lifetime = models.DurationField(null=True, blank=True)
    active = models.BooleanField(default=True, db_default=True)
    note = models.CharField(max_length=200, default="", db_default="", blank=True)

    class Meta:
        db_table = "policy_route"
        ordering = ("recipient", "sender")
        constraints = [
            models.UniqueConstraint(fields=["recipient", "sender"], name="route_is_one_for_each"),
            models.CheckConstraint(
                condition=Q(recipient=Lower("recipient"), sender=Lower("sender"), host=Lower("host")),
                name="route_is_normal",
            ),
            models.CheckConstraint(condition=Q(tls__in=[mode.value for mode in TlsMode]), name="route_tls"),
            models.CheckConstraint(condition=Q(mechanism__in=["", *MECHANISMS]), name="route_mechanism"),
            models.CheckConstraint(
                condition=Q(port__gte=0, port__lte=65535, connections__gte=0), name="route_numbers"
            ),
            # A name without a secret signs in nowhere, and neither goes to hosts that strangers name.
            models.CheckConstraint(
                condition=Q(username="", secret__isnull=True)
                | (~Q(username="") & ~Q(host="") & Q(secret__isnull=False)),
                name="route_signs_in_at_its_host",
            ),
            models.CheckConstraint(
                condition=(Q(first_pause__isnull=True) | Q(first_pause__gte=timedelta(seconds=1)))
                & (Q(longest_pause__isnull=True) | Q(longest_pause__gte=timedelta(seconds=1)))
                & (Q(lifetime__isnull=True) | Q(lifetime__gte=timedelta(minutes=1))),
                name="route_times",
            ),
        ]

    def __str__(self) -> str:
        whom = f"mail for {self.recipient}" if self.recipient else "mail"
        return f"{whom} from {self.sender}" if self.sender else whom if self.recipient else "all mail"


class Source(models.Model):
    """One of our own addresses in a pool, from which routes let mail leave (mailservices/mail/routing.py)."""

    pool = models.CharField(max_length=40)
    address = models.CharField(max_length=45, unique=True)
    #: The name that goes with it; empty: the host's own.
    helo = models.CharField(max_length=255, default="", db_default="", blank=True)
    #: Messages of its first day, of the second, and so on; then of each day after, 0: no limit.
    warmup = ArrayField(models.IntegerField(), default=list, db_default=[], blank=True)
    began = models.DateField(db_default=Now())
    daily = models.IntegerField(default=0, db_default=0)
    #: The lowest that may still send is taken.
    position = models.IntegerField(default=0, db_default=0)
    active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "policy_source"
        ordering = ("pool", "position", "id")
        constraints = [
            models.CheckConstraint(condition=~Q(pool="") & Q(daily__gte=0), name="source_is_in_a_pool"),
        ]

    def __str__(self) -> str:
        return f"{self.address} of {self.pool}"


class SourceDay(models.Model):
    """How many messages left from an address on one day, in UTC; counted by the engine (store/sources.py)."""

    pk = models.CompositePrimaryKey("source_id", "day")
    source_id = models.BigIntegerField()
    day = models.DateField()
    messages = models.IntegerField()

    class Meta:
        db_table = "queue_source_day"

    def __str__(self) -> str:
        return f"{self.source_id} {self.day}"


class StsPolicy(models.Model):
    """An MTA-STS policy that was fetched (RFC 8461); kept by the workers (mailservices/store/sts.py)."""

    domain = models.CharField(max_length=255, primary_key=True)
    #: Which version of the domain's record led to it.
    record_id = models.CharField(max_length=32)
    mode = models.CharField(max_length=7)
    hosts = ArrayField(models.CharField(max_length=255))
    max_age = models.DurationField()
    fetched_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "policy_sts"
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=[mode.value for mode in Mode]), name="sts_mode")
        ]

    def __str__(self) -> str:
        return self.domain


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
