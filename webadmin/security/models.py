"""Who has signed in, or tried to, and whose sessions are to end (mailservices/store/signins.py)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mailservices.mail.vocabulary import SignInOutcome

OUTCOMES = [one.value for one in SignInOutcome]
#: What a rule of access does with a network (mailservices/store/access.py).
EFFECTS = ("deny", "allow")


class SignIn(models.Model):
    """One try to sign in, or several that were alike."""

    at = models.DateTimeField(db_default=Now())
    #: Known where it was accepted.
    account_id = models.BigIntegerField(null=True)
    #: As it was given.
    name = models.CharField(max_length=320)
    protocol = models.CharField(max_length=10)
    remote_host = models.GenericIPAddressField(null=True)
    outcome = models.CharField(max_length=8)
    times = models.IntegerField(default=1, db_default=1)

    class Meta:
        db_table = "security_sign_in"
        constraints = [models.CheckConstraint(condition=Q(outcome__in=OUTCOMES), name="sign_in_outcome")]
        indexes = [
            models.Index(fields=["at"], name="sign_in_by_time"),
            models.Index(fields=["account_id", "protocol", "at"], name="sign_in_by_account"),
            models.Index(fields=["at"], name="sign_in_failed", condition=~Q(outcome=SignInOutcome.ACCEPTED.value)),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.outcome}"


class SignOut(models.Model):
    """An account whose sessions are to end; the servers look for it (mailservices/store/signins.py)."""

    account_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "security_sign_out"

    def __str__(self) -> str:
        return str(self.account_id)


class AccessRule(models.Model):
    """A network that is shut out of every server, or that wrong passwords never block."""

    network = models.CharField(max_length=50, unique=True)
    effect = models.CharField(max_length=5)
    note = models.CharField(max_length=200, default="", db_default="", blank=True)
    #: Null: for good.
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "security_access_rule"
        ordering = ("network",)
        constraints = [models.CheckConstraint(condition=Q(effect__in=EFFECTS), name="access_effect")]

    def __str__(self) -> str:
        return f"{self.effect} {self.network}"
