"""Domains, accounts, addresses, app passwords, issuers, administrators: schema only, the verbs are in actions.py.

Addresses are kept in normal form (mailservices/mail/address.py): the domain as A-label in lower case, the local
part NFC and in lower case. The engine reads these tables by SQL, so every default is the database's and every
rule a constraint.
"""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from mailservices.mail.vocabulary import Posting, Protocol


class Administrator(AbstractBaseUser, PermissionsMixin):
    """Who may sign in to the dashboard."""

    username = models.CharField(max_length=150, unique=True)
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BaseUserManager["Administrator"]()

    USERNAME_FIELD = "username"

    class Meta:
        db_table = "directory_administrator"

    def __str__(self) -> str:
        return self.username


class ApiToken(models.Model):
    """A bearer token of the REST API. Only its SHA-256 is kept; the token itself is shown once."""

    administrator = models.ForeignKey(Administrator, models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=100)
    #: First characters of the token, so that a person recognises it.
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(unique=True, max_length=32)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "directory_api_token"

    def __str__(self) -> str:
        return self.label


class Domain(models.Model):
    """A domain that this appliance takes mail for."""

    name = models.CharField(max_length=255, unique=True)
    active = models.BooleanField(default=True, db_default=True)
    #: An alias domain: each of its addresses is the one of the same name there.
    alias_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="alias_domains")
    #: user+detail: the detail names a folder of the user's that is there already; else it is ignored.
    detail_folders = models.BooleanField(default=False, db_default=False)
    #: What one account may send in a day: messages, recipients, and recipients that it never wrote to before.
    sending_messages = models.IntegerField(default=1000, db_default=1000)
    sending_recipients = models.IntegerField(default=1000, db_default=1000)
    sending_newcomers = models.IntegerField(default=200, db_default=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "directory_domain"
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=Q(name=Lower("name")) & Q(name__regex=r"^[a-z0-9.-]+$"), name="domain_is_normal"
            ),
            models.CheckConstraint(
                condition=Q(sending_messages__gt=0, sending_recipients__gt=0, sending_newcomers__gt=0),
                name="domain_sends",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A person or a role with a mailbox. A deleted one keeps its mail until maintenance removes it."""

    domain = models.ForeignKey(Domain, models.PROTECT, related_name="accounts")
    #: The primary address, which is also the name to sign in with.
    address = models.CharField(max_length=320)
    display_name = models.CharField(max_length=200, default="", db_default="", blank=True)
    #: In Django's format (mailservices/mail/passwords.py).
    password = models.CharField(max_length=200)
    #: What SCRAM checks the same password by, sealed (mailservices/mail/scram.py); null where it cannot.
    scram = models.BinaryField(null=True, editable=False)
    #: Octets; null is without limit.
    quota_bytes = models.BigIntegerField(null=True, blank=True)
    active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "directory_account"
        ordering = ("address",)
        constraints = [
            models.UniqueConstraint(
                fields=["address"], condition=Q(deleted_at__isnull=True), name="account_address_is_unique"
            ),
            models.CheckConstraint(
                condition=Q(address=Lower("address")) & Q(address__contains="@"),
                name="account_address_is_normal",
            ),
            models.CheckConstraint(
                condition=Q(quota_bytes__isnull=True) | Q(quota_bytes__gt=0), name="account_quota_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class Address(models.Model):
    """A local address. It leads to one account, or (an alias) to the addresses in its targets."""

    domain = models.ForeignKey(Domain, models.PROTECT, related_name="addresses")
    #: Empty for the catch-all: what no other address of the domain takes. An asterisk at its end is any text.
    local_part = models.CharField(max_length=64, blank=True)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="addresses")
    #: What it is for, in its owner's words.
    note = models.CharField(max_length=200, default="", db_default="", blank=True)
    #: From then on its mail is refused; null is never.
    expires_at = models.DateTimeField(null=True, blank=True)
    #: Who may write to it.
    posting = models.CharField(max_length=8, default=Posting.EVERYONE.value, db_default=Posting.EVERYONE.value)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "directory_address"
        ordering = ("domain__name", "local_part")
        constraints = [
            models.UniqueConstraint(fields=["domain", "local_part"], name="address_is_unique"),
            models.CheckConstraint(condition=Q(local_part=Lower("local_part")), name="address_is_normal"),
            models.CheckConstraint(
                condition=Q(posting__in=[posting.value for posting in Posting]), name="address_posting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain.name}"


class Target(models.Model):
    """Where an alias leads: an address in normal form, here or elsewhere."""

    alias = models.ForeignKey(Address, models.CASCADE, related_name="targets")
    address = models.CharField(max_length=320)

    class Meta:
        db_table = "directory_target"
        ordering = ("address",)
        constraints = [
            models.UniqueConstraint(fields=["alias", "address"], name="target_is_unique"),
            models.CheckConstraint(condition=Q(address__contains="@"), name="target_is_address"),
        ]

    def __str__(self) -> str:
        return self.address


class Poster(models.Model):
    """Who may write to an alias whose posting is "named": the address of an account here."""

    alias = models.ForeignKey(Address, models.CASCADE, related_name="posters")
    address = models.CharField(max_length=320)

    class Meta:
        db_table = "directory_poster"
        ordering = ("address",)
        constraints = [models.UniqueConstraint(fields=["alias", "address"], name="poster_is_unique")]

    def __str__(self) -> str:
        return self.address


class SendAs(models.Model):
    """An address that is not the account's own, but that it may send as; @example.org: any of the domain."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="send_as")
    address = models.CharField(max_length=320)

    class Meta:
        db_table = "directory_send_as"
        ordering = ("address",)
        constraints = [models.UniqueConstraint(fields=["account", "address"], name="send_as_is_unique")]

    def __str__(self) -> str:
        return self.address


class AppPassword(models.Model):
    """A random password of one program of an account's owner. Its text is shown once, and kept as a digest."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="app_passwords")
    label = models.CharField(max_length=100)
    #: Keyed (mailservices/mail/passwords.py): the password is random, so that nothing slower is needed.
    digest = models.BinaryField(unique=True, max_length=32)
    #: As of an account.
    scram = models.BinaryField(null=True, editable=False)
    #: The password itself, sealed, where CRAM-MD5 shall be possible with it.
    secret = models.BinaryField(null=True, editable=False)
    protocols = ArrayField(models.CharField(max_length=10))
    #: Networks from which it is good; none: from anywhere.
    networks = ArrayField(models.CharField(max_length=50), db_default=[], blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_from = models.GenericIPAddressField(null=True, editable=False)

    class Meta:
        db_table = "directory_app_password"
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(protocols__len__gt=0) & Q(protocols__contained_by=[one.value for one in Protocol]),
                name="app_password_is_good_for_something",
            )
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(secret__isnull=False), name="app_password_readable")
        ]

    def __str__(self) -> str:
        return self.label


class Issuer(models.Model):
    """Who gives out tokens (OAuth) by which people sign in, checked by its keys or by asking it."""

    issuer = models.CharField(max_length=300, unique=True)
    #: What a token must have been made for.
    audience = models.CharField(max_length=300)
    jwks_url = models.CharField(max_length=500, default="", db_default="", blank=True)
    introspection_url = models.CharField(max_length=500, default="", db_default="", blank=True)
    client_id = models.CharField(max_length=300, default="", db_default="", blank=True)
    #: Sealed.
    client_secret = models.BinaryField(null=True, editable=False)
    #: The claim that holds the address.
    claim = models.CharField(max_length=100, default="email", db_default="email")
    active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "directory_issuer"
        ordering = ("issuer",)
        constraints = [
            models.CheckConstraint(
                condition=Q(jwks_url="") ^ Q(introspection_url=""), name="issuer_is_checked_one_way"
            )
        ]

    def __str__(self) -> str:
        return self.issuer
