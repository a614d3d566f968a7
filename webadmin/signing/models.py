"""DKIM keys: schema only, the verbs are in actions.py. The engine signs with them, the workers tend them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mailservices.mail.dkim import custody
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.vocabulary import KeyState
from webadmin.directory.models import Domain


class DkimKey(models.Model):
    """One key of a domain. Of each algorithm at most one signs, and at most one waits to."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="dkim_keys")
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    #: The private key, sealed by the appliance's master key for this domain and selector (mail/dkim/custody.py).
    sealed = models.BinaryField()
    #: The TXT record to publish.
    record = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)
    #: When the workers last asked the DNS for the record, and since when they have found it right each time.
    asked_at = models.DateTimeField(null=True, editable=False)
    seen_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "policy_dkim_key"
        ordering = ("domain__name", "pk")
        constraints = [
            models.UniqueConstraint(fields=["domain", "selector"], name="dkim_key_selector_is_unique"),
            models.UniqueConstraint(
                fields=["domain", "algorithm", "state"],
                condition=Q(state__in=[KeyState.NEXT.value, KeyState.ACTIVE.value]),
                name="dkim_key_is_the_only_one",
            ),
            models.CheckConstraint(
                condition=Q(algorithm__in=[one.value for one in Algorithm]), name="dkim_key_algorithm"
            ),
            models.CheckConstraint(
                condition=Q(state=KeyState.NEXT.value, activated_at__isnull=True, retired_at__isnull=True)
                | Q(state=KeyState.ACTIVE.value, activated_at__isnull=False, retired_at__isnull=True)
                | Q(state=KeyState.RETIRED.value, retired_at__isnull=False),
                name="dkim_key_state_has_its_times",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Where the record is published, without the last dot."""
        return custody.name(self.domain.name, self.selector)

    @property
    def strings(self) -> list[str]:
        """The record in strings of 255 octets, as name servers hold it."""
        return custody.strings(self.record)
