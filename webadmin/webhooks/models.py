"""Webhooks, what they are told, and every try: schema only. Engine and workers write by SQL."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from mailservices.mail.webhooks import KINDS, URL_CHARACTERS

WAITING, DONE, FAILED = STATES = ("waiting", "done", "failed")


class Webhook(models.Model):
    """A URL that is told what happens to recipients of our mail."""

    url = models.CharField(max_length=URL_CHARACTERS)
    #: Some of mailservices/mail/webhooks.py's KINDS.
    kinds = ArrayField(models.CharField(max_length=10))
    #: Only mail from or to this domain; empty: all.
    domain = models.CharField(max_length=255, default="", db_default="")
    note = models.CharField(max_length=200, default="", db_default="")
    #: Sealed (mailservices/mail/sealing.py).
    secret = models.BinaryField()
    active = models.BooleanField(default=True, db_default=True)
    #: Since when nobody took anything, and why it was switched off, if nobody of us did it.
    failing_since = models.DateTimeField(null=True)
    switched_off = models.CharField(max_length=100, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    #: Whose it is while it is told something.
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "webhook"
        ordering = ("url", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(kinds__len__gt=0, kinds__contained_by=[kind.value for kind in KINDS]),
                name="webhook_kinds",
            ),
            models.CheckConstraint(condition=Q(domain=Lower("domain")), name="webhook_domain_is_normal"),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, lease_until__isnull=True)
                | Q(lease__isnull=False, lease_until__isnull=False),
                name="webhook_lease_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def secure(self) -> bool:
        """Whether nobody on the way can read what it is told."""
        return self.url.startswith("https:")


class Delivery(models.Model):
    """What one hook is told of one happening."""

    delivery_id = models.UUIDField(primary_key=True, db_default=RandomUUID())
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10)
    #: JSON, as it is signed and sent.
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    state = models.CharField(max_length=7, default=WAITING, db_default=WAITING)
    tries = models.IntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_delivery"
        constraints = [models.CheckConstraint(condition=Q(state__in=STATES), name="webhook_delivery_state")]
        indexes = [
            models.Index(
                fields=["webhook", "next_try_at"], name="webhook_delivery_due", condition=Q(state=WAITING)
            ),
            models.Index(fields=["webhook", "created_at"], name="webhook_delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Try(models.Model):
    """One request, and the answer to it."""

    try_id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="history")
    at = models.DateTimeField(db_default=Now())
    seconds = models.FloatField()
    #: 0: nobody answered.
    code = models.SmallIntegerField()
    #: The answer's beginning, or why there was none.
    text = models.TextField(default="", db_default="")

    class Meta:
        db_table = "webhook_try"

    def __str__(self) -> str:
        return str(self.code)
