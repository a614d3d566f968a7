"""What owners have said is done with their mail, and whom the engine has answered in their name."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from mailservices.mail.vacation import DAYS_MOST, DAYS_USUAL
from webadmin.directory.models import Account

#: Where one account's mail may be forwarded to.
TARGETS = 10
#: Letters of what is answered.
TEXT = 10_000


class Forwarding(models.Model):
    """Where an account's mail goes on to (mailservices/store/directory.py). Without a row, all of it stays."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="forwarding")
    #: Addresses in normal form, here or elsewhere.
    targets = ArrayField(models.CharField(max_length=320))
    #: A copy stays in the account.
    keep = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "own_forwarding"
        constraints = [
            models.CheckConstraint(
                condition=Q(targets__len__range=(1, TARGETS)), name="forwarding_leads_somewhere"
            )
        ]

    def __str__(self) -> str:
        return self.account.address


class Vacation(models.Model):
    """What those are answered who write to an account while its owner is away (workers/answers.py)."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="vacation")
    active = models.BooleanField(default=False, db_default=False)
    #: Between these moments; null: at once, and without end.
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    #: Empty: that of the message, behind "Auto: ".
    subject = models.CharField(max_length=200, default="", db_default="", blank=True)
    text = models.CharField(max_length=TEXT)
    #: Nobody is answered twice within so many days.
    days = models.IntegerField(default=DAYS_USUAL, db_default=DAYS_USUAL)

    class Meta:
        db_table = "own_vacation"
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="vacation_says_something"),
            models.CheckConstraint(condition=Q(days__range=(1, DAYS_MOST)), name="vacation_days"),
            # null passes
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="vacation_ends_after_it_begins"),
        ]

    def __str__(self) -> str:
        return self.account.address


class Recovery(models.Model):
    """Where an owner who has forgotten her password is sent a link to set another one."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="recovery")
    address = models.CharField(max_length=320)
    #: When a link that was sent there was followed; null: it is good for nothing yet.
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "own_recovery"
        constraints = [models.CheckConstraint(condition=Q(address__contains="@"), name="recovery_is_address")]

    def __str__(self) -> str:
        return self.account.address


class Answered(models.Model):
    """Whom an account has answered, and when last: nobody is answered twice within the days of its vacation."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    #: In lower case.
    sender = models.CharField(max_length=320)
    at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "own_answered"
        constraints = [models.UniqueConstraint(fields=["account", "sender"], name="answered_once")]

    def __str__(self) -> str:
        return self.sender


class Answer(models.Model):
    """A message that came in and may be answered; kept with its delivery until a worker has looked at it.

    No key leads to the account: that it is gone must not keep a delivery from being committed.
    """

    account_id = models.BigIntegerField()
    trace_id = models.UUIDField()
    #: The return path.
    sender = models.TextField()
    #: Those of its fields that matter (mailservices/mail/vacation.py).
    header = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    next_try_at = models.DateTimeField(db_default=Now(), db_index=True)
    tries = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "own_answer"

    def __str__(self) -> str:
        return self.sender
