"""Tenants, domains, accounts, addresses, sign-ins, administrators and their tokens: schema only, no verbs.

Addresses are kept in normal form (mailservices/mail/address.py): the domain as A-label in lower case, the local
part NFC and in lower case. The engine reads these tables by SQL, so every default is the database's and every
rule a constraint.
"""

from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now, Upper
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy

from mailservices.mail.report_texts import ENGLISH, LANGUAGES
from mailservices.mail.vocabulary import INBOX, KeyKind, Posting, Protocol

#: The most days that POP's choices may name, and seconds between two of its sign-ins.
POP_DAYS = 36_500
POP_DELAY = 86_400


class Role(models.TextChoices):
    """What somebody is, from which follows what she may do (webadmin/scope.py)."""

    APPLIANCE = "appliance", gettext_lazy("Appliance administrator")
    TENANT = "tenant", gettext_lazy("Tenant administrator")
    DOMAIN = "domain", gettext_lazy("Domain administrator")
    HELPDESK = "helpdesk", gettext_lazy("Helpdesk")
    USER = "user", gettext_lazy("User")


class Tenant(models.Model):
    """An organisation with domains of its own, and how much of the appliance is handed down to it."""

    name = models.CharField(max_length=100, unique=True)
    #: Of all its domains together; null is without limit.
    most_domains = models.IntegerField(null=True, blank=True)
    most_accounts = models.IntegerField(null=True, blank=True)
    #: Octets: the sum of its accounts' quotas, each of which then needs one.
    most_bytes = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "directory_tenant"
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="tenant_has_a_name"),
            # null passes
            models.CheckConstraint(
                condition=Q(most_domains__gte=0) & Q(most_accounts__gte=0) & Q(most_bytes__gte=0),
                name="tenant_limits",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Administrator(AbstractBaseUser, PermissionsMixin):
    """Who may sign in to the dashboard: an administrator of some role, or the owner of an account."""

    #: Without an @, which names of accounts have. The owner of an account has it from the account's key.
    username = models.CharField(max_length=150, unique=True)
    role = models.CharField(max_length=10, choices=Role)
    #: Whose domains a tenant administrator has; of helpdesk: whose domains, where none are named.
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, blank=True, related_name="administrators")
    #: Which a domain administrator, or helpdesk, has.
    domains: "models.ManyToManyField[Domain, Any]" = models.ManyToManyField(
        "Domain", db_table="directory_administrator_domain", blank=True, related_name="administrators"
    )
    #: Whose owner a user is: the account's password is hers.
    account = models.OneToOneField(
        "Account", models.CASCADE, null=True, blank=True, related_name="owner", editable=False
    )
    #: By which an identity provider knows her; empty: by none.
    email = models.CharField(max_length=320, default="", db_default="", blank=True)
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = BaseUserManager["Administrator"]()

    USERNAME_FIELD = "username"

    class Meta:
        db_table = "directory_administrator"
        ordering = ("username",)
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="administrator_role"),
            models.CheckConstraint(
                condition=Q(role=Role.USER, account__isnull=False)
                | (~Q(role=Role.USER) & Q(account__isnull=True)),
                name="administrator_user_has_an_account",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.HELPDESK)
                | Q(role=Role.TENANT, tenant__isnull=False)
                | (~Q(role=Role.TENANT) & Q(tenant__isnull=True)),
                name="administrator_tenant",
            ),
            models.UniqueConstraint(fields=["email"], condition=~Q(email=""), name="administrator_email"),
        ]

    def __str__(self) -> str:
        return self.account.address if self.account else self.username

    # A user's password is her account's, and a new one ends her sessions like anybody's.

    def check_password(self, raw_password: str | None) -> bool:
        return (
            check_password(raw_password, self.account.password)
            if self.account
            else super().check_password(raw_password)
        )

    def has_usable_password(self) -> bool:
        return self.account is not None or super().has_usable_password()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        salt = "webadmin.directory.models.Administrator"
        password = self.account.password if self.account else self.password
        return salted_hmac(salt, password, secret=secret, algorithm="sha256").hexdigest()


class ApiToken(models.Model):
    """A bearer token of the REST API. Only its SHA-256 is kept; the token itself is shown once."""

    administrator = models.ForeignKey(Administrator, models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=100)
    #: What it may do at most, in words of webadmin/scope.py; none named: whatever its administrator may.
    rights = ArrayField(models.CharField(max_length=10), default=list, db_default=[], blank=True)
    #: In which domains at most, if it is narrowed (they may be gone since); else wherever its administrator may.
    narrowed = models.BooleanField(default=False, db_default=False)
    domains: "models.ManyToManyField[Domain, Any]" = models.ManyToManyField(
        "Domain", db_table="directory_api_token_domain", blank=True, related_name="+"
    )
    #: From which networks it is good; none named: from anywhere.
    networks = ArrayField(models.CharField(max_length=50), default=list, db_default=[], blank=True)
    #: First characters of the token, so that a person recognises it.
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(unique=True, max_length=32)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_from = models.GenericIPAddressField(null=True, editable=False)

    class Meta:
        db_table = "directory_api_token"
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.label


class Domain(models.Model):
    """A domain that this appliance takes mail for."""

    name = models.CharField(max_length=255, unique=True)
    #: Whose it is; null: the appliance's own.
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, blank=True, related_name="domains")
    active = models.BooleanField(default=True, db_default=True)
    #: An alias domain: each of its addresses is the one of the same name there.
    alias_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="alias_domains")
    #: user+detail: the detail names a folder of the user's that is there already; else it is ignored.
    detail_folders = models.BooleanField(default=False, db_default=False)
    #: What one account may send in a day: messages, recipients, and recipients that it never wrote to before.
    sending_messages = models.IntegerField(default=1000, db_default=1000)
    sending_recipients = models.IntegerField(default=1000, db_default=1000)
    sending_newcomers = models.IntegerField(default=200, db_default=200)
    #: The same of all its accounts together; null is without limit.
    total_messages = models.IntegerField(null=True, blank=True)
    total_recipients = models.IntegerField(null=True, blank=True)
    total_newcomers = models.IntegerField(null=True, blank=True)
    #: Of delivery reports to its people (mailservices/mail/report_texts.py).
    language = models.CharField(max_length=2, default=ENGLISH, db_default=ENGLISH)
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
            # null passes
            models.CheckConstraint(
                condition=Q(total_messages__gt=0) & Q(total_recipients__gt=0) & Q(total_newcomers__gt=0),
                name="domain_sends_in_all",
            ),
            models.CheckConstraint(condition=Q(language__in=list(LANGUAGES)), name="domain_language"),
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
    #: Messages in all folders; null is no limit.
    quota_messages = models.BigIntegerField(null=True, blank=True)
    #: What it may send in a day; null is as its domain says of each account.
    sending_messages = models.IntegerField(null=True, blank=True)
    sending_recipients = models.IntegerField(null=True, blank=True)
    sending_newcomers = models.IntegerField(null=True, blank=True)
    active = models.BooleanField(default=True, db_default=True)
    #: What its mail is encrypted by before it is stored; empty: nothing. The verb of its privacy policy keeps it.
    encrypts = models.CharField(max_length=7, default="", db_default="", editable=False)
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
            models.CheckConstraint(
                condition=Q(quota_messages__isnull=True) | Q(quota_messages__gt=0),
                name="account_quota_of_messages",
            ),
            # null passes
            models.CheckConstraint(
                condition=Q(sending_messages__gt=0) & Q(sending_recipients__gt=0) & Q(sending_newcomers__gt=0),
                name="account_sends",
            ),
            models.CheckConstraint(
                condition=Q(encrypts__in=["", *(kind.value for kind in KeyKind)]), name="account_encrypts"
            ),
        ]
        indexes = [
            # For parts of them, which people look for.
            GinIndex(fields=["address"], opclasses=["gin_trgm_ops"], name="account_by_address"),
            GinIndex(OpClass(Upper("display_name"), "gin_trgm_ops"), name="account_by_name"),
        ]

    def __str__(self) -> str:
        return self.address


class PopChoices(models.Model):
    """How POP serves an account; an account without a row is served as the defaults say."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="pop")
    active = models.BooleanField(default=True, db_default=True)
    #: The name of the folder that is served, as IMAP shows it.
    folder = models.CharField(max_length=1000, default=INBOX, db_default=INBOX)
    #: Only what came in the last so many days is served; null is everything.
    newest_days = models.IntegerField(null=True, blank=True)
    #: What was retrieved whole is removed with QUIT, as if the client had marked it.
    delete_retrieved = models.BooleanField(default=False, db_default=False)
    #: What is removed goes to Trash.
    to_trash = models.BooleanField(default=False, db_default=False)
    #: Seconds from one sign-in to the next.
    login_delay = models.IntegerField(default=0, db_default=0)
    #: What came more than so many days ago is removed with QUIT; null is never.
    expire_days = models.IntegerField(null=True, blank=True)

    class Meta:
        db_table = "directory_pop_choices"
        constraints = [
            models.CheckConstraint(condition=~Q(folder=""), name="pop_serves_a_folder"),
            models.CheckConstraint(
                condition=Q(newest_days__isnull=True) | Q(newest_days__range=(1, POP_DAYS)), name="pop_newest_days"
            ),
            models.CheckConstraint(
                condition=Q(expire_days__isnull=True) | Q(expire_days__range=(1, POP_DAYS)), name="pop_expire_days"
            ),
            models.CheckConstraint(condition=Q(login_delay__range=(0, POP_DELAY)), name="pop_login_delay"),
        ]

    def __str__(self) -> str:
        return self.account.address


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
    #: Made to be given away, by the owner of the account that it leads to or for her: she may delete it.
    disposable = models.BooleanField(default=False, db_default=False)
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
    #: The password itself, sealed, where CRAM-MD5 and APOP shall be possible with it.
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
