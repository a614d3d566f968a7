"""What a domain of ours says of TLS at its hosts (MTA-STS, RFC 8461); what was wrong when last looked up."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mailservices.mail.mta_sts import Mode
from webadmin.directory.models import Domain


class StsOffer(models.Model):
    """The policy that the web serves at https://mta-sts.<domain>; a domain without one has none."""

    domain = models.OneToOneField(Domain, models.CASCADE, primary_key=True, related_name="sts_offer")
    mode = models.CharField(max_length=7, default=Mode.TESTING.value, db_default=Mode.TESTING.value)
    max_age_days = models.IntegerField(default=7, db_default=7)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "policy_sts_offer"
        constraints = [
            models.CheckConstraint(
                condition=Q(mode__in=[mode.value for mode in Mode], max_age_days__range=(1, 365)), name="sts_offer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain.name}: {self.mode}"

    @property
    def record_id(self) -> str:
        """RFC 8461 §3.1: tells this version from others; it is new with each change."""
        return f"{self.changed_at:%Y%m%d%H%M%S}"


class LastLook(models.Model):
    """What was not right when the records of a domain were last looked up."""

    domain = models.OneToOneField(Domain, models.CASCADE, primary_key=True, related_name="last_look")
    at = models.DateTimeField(db_default=Now())
    #: Such as "MX missing"; what only could be better is left out.
    problems = models.JSONField(default=list, db_default=[])

    class Meta:
        db_table = "web_last_look"

    def __str__(self) -> str:
        return self.domain.name
