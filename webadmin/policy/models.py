"""What domains wish done with mail from the world, and what the checks go by: schema only.

The engine reads these tables by SQL (mailservices/store/policy.py), so every default is the database's and every
rule a constraint. Words and defaults are those of mailservices/mail/policy.py.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from mailservices.mail.policy import DMARC_ACTIONS, PLAIN_ACTIONS, Inbound, ListEffect
from webadmin.directory.models import Account, Domain

DEFAULTS = Inbound()
PLAIN = [action.value for action in PLAIN_ACTIONS]
DMARC = [action.value for action in DMARC_ACTIONS]
EFFECTS = [effect.value for effect in ListEffect]
LIMITS = ("connections", "messages")


def _action(default: str) -> "models.CharField[str, str]":
    return models.CharField(max_length=6, default=default, db_default=default)


class InboundPolicy(models.Model):
    """What one domain wishes; without a domain, what holds for all that have no row of their own."""

    domain = models.OneToOneField(Domain, models.CASCADE, null=True, blank=True, related_name="inbound_policy")
    spf = _action(DEFAULTS.spf.value)
    dkim = _action(DEFAULTS.dkim.value)
    dmarc = _action(DEFAULTS.dmarc.value)
    iprev = _action(DEFAULTS.iprev.value)
    helo = _action(DEFAULTS.helo.value)
    #: Whether the DNS lists are asked.
    dnslists = models.BooleanField(default=DEFAULTS.dnslists, db_default=DEFAULTS.dnslists)
    greylist = models.BooleanField(default=DEFAULTS.greylist, db_default=DEFAULTS.greylist)
    #: Whether domains that ask for reports get them: of the appliance's row, those on TLS too.
    reports = models.BooleanField(default=DEFAULTS.reports, db_default=DEFAULTS.reports)

    class Meta:
        db_table = "policy_inbound"
        constraints = [
            models.UniqueConstraint(fields=["domain"], nulls_distinct=False, name="inbound_is_one_for_each"),
            models.CheckConstraint(
                condition=Q(spf__in=PLAIN, dkim__in=PLAIN, iprev__in=PLAIN, helo__in=PLAIN, dmarc__in=DMARC),
                name="inbound_actions",
            ),
        ]

    def __str__(self) -> str:
        return self.domain.name if self.domain else "the appliance"


class DnsList(models.Model):
    """A DNS blocklist or allowlist (RFC 5782)."""

    zone = models.CharField(max_length=200, unique=True)
    #: Return codes that count, such as 127.0.0.2 or 127.0.0.4-7; empty: all.
    codes = models.CharField(max_length=1000, default="", db_default="", blank=True)
    effect = models.CharField(max_length=6)
    active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "policy_dnslist"
        ordering = ("zone",)
        constraints = [
            models.CheckConstraint(
                condition=Q(zone=Lower("zone")) & Q(zone__regex=r"^[a-z0-9._-]+$"), name="dnslist_zone_is_normal"
            ),
            models.CheckConstraint(condition=Q(effect__in=EFFECTS), name="dnslist_effect"),
        ]

    def __str__(self) -> str:
        return self.zone


class Withheld(models.Model):
    """Capabilities of IMAP that are not offered: to an account, to a client, or to an account with that client.

    A client is known by the name that it tells (RFC 2971). A row without either holds for everybody.
    """

    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True)
    #: In small letters; empty: any.
    client = models.CharField(max_length=100, default="", db_default="", blank=True)
    #: In capitals, as CAPABILITY shows them; QUOTA is all that begin with QUOTA=, too.
    capabilities = ArrayField(models.CharField(max_length=40))

    class Meta:
        db_table = "policy_withheld"
        ordering = ("account__address", "client")
        constraints = [
            models.UniqueConstraint(fields=["account", "client"], nulls_distinct=False, name="withheld_once"),
            models.CheckConstraint(condition=Q(client=Lower("client")), name="withheld_client_is_normal"),
        ]

    def __str__(self) -> str:
        return f"{self.account or 'everybody'}, {self.client or 'any client'}"


class TrustedSealer(models.Model):
    """A domain whose ARC seal may stand for SPF and DKIM that were lost on the way, as on a mailing list."""

    domain = models.CharField(max_length=255, unique=True)

    class Meta:
        db_table = "policy_trusted_sealer"
        ordering = ("domain",)
        constraints = [
            models.CheckConstraint(
                condition=Q(domain=Lower("domain")) & Q(domain__regex=r"^[a-z0-9.-]+$"), name="sealer_is_normal"
            )
        ]

    def __str__(self) -> str:
        return self.domain


class TrustedNetwork(models.Model):
    """A network whose clients are not checked on port 25."""

    network = models.CharField(max_length=49, unique=True)

    class Meta:
        db_table = "policy_trusted_network"
        ordering = ("network",)
        constraints = [
            # As wide as no network of this world is: a slip of the pen must not trust everybody.
            models.CheckConstraint(
                condition=Q(network__regex=r"^[0-9a-f.:]+/([89]|[1-9][0-9]|1[0-2][0-9])$"), name="network_is_one"
            )
        ]

    def __str__(self) -> str:
        return self.network


class Limit(models.Model):
    """How often one address may come in a minute: "connections" or "messages". No row: the default."""

    name = models.CharField(max_length=20, primary_key=True)
    per_minute = models.IntegerField()

    class Meta:
        db_table = "policy_limit"
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(condition=Q(name__in=LIMITS) & Q(per_minute__gt=0), name="limit_is_known")
        ]

    def __str__(self) -> str:
        return self.name


class Greylisted(models.Model):
    """Who wrote from where to whom; kept by the engine (mailservices/store/greylist.py)."""

    pk = models.CompositePrimaryKey("network", "sender", "recipient")
    network = models.CharField(max_length=49)
    #: The sender's domain; empty for the null sender.
    sender = models.CharField(max_length=255)
    recipient = models.CharField(max_length=320)
    first_seen = models.DateTimeField(db_default=Now())
    last_seen = models.DateTimeField(db_default=Now())
    #: How often it came again after the wait.
    successes = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "policy_greylist"
        indexes = [
            models.Index(fields=["last_seen"], name="greylist_by_age"),
            models.Index(fields=["sender"], condition=Q(successes__gt=0), name="greylist_by_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.sender} {self.recipient}"


class Notice(models.Model):
    """Something that the engine wants the administrator to know; old ones no longer hold."""

    name = models.CharField(max_length=20, primary_key=True)
    detail = models.CharField(max_length=500)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "policy_notice"

    def __str__(self) -> str:
        return self.name
