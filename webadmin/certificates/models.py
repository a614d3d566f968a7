"""Certificates: schema only, the verbs are in actions.py. The servers present them (net/certificates.py)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Certificate(models.Model):
    """One chain and its key, for the hosts that are named in it."""

    names = ArrayField(models.CharField(max_length=255))
    #: SHA-256 in hexadecimal.
    fingerprint = models.CharField(max_length=64, unique=True)
    issuer = models.CharField(max_length=200)
    #: When it begins and ends to be valid.
    since = models.DateTimeField()
    until = models.DateTimeField()
    #: PEM.
    chain = models.TextField()
    #: The private key, sealed by the appliance's master key for this certificate (mail/certificate.py).
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "policy_certificate"
        ordering = ("until", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(names__len__gt=0), name="certificate_is_for_somebody"),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="certificate_is_valid_for_a_while"),
        ]

    def __str__(self) -> str:
        return self.names[0] if self.names else self.fingerprint
