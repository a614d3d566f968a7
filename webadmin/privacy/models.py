"""Keys for private mail, whose they are, and what is done by them: schema only. The engine reads it by SQL."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mailservices.mail.vocabulary import (
    Arrival,
    Encrypting,
    KeyKind,
    KeyOrigin,
    Signing,
    SpecialUse,
    Trust,
    WhenBroken,
)
from webadmin.directory.models import Account, Domain

#: Exactly one of them.
_OF_ONE = Q(account__isnull=False, domain__isnull=True) | Q(account__isnull=True, domain__isnull=False)


def _words(name: str, words: Any) -> models.CheckConstraint:
    """The field, named as the constraint ends, holds one of these words; null passes."""
    field = name.split("__")[1]
    return models.CheckConstraint(condition=Q(**{f"{field}__in": [word.value for word in words]}), name=name)


class Key(models.Model):
    """A certificate of OpenPGP or S/MIME for one address: ours, or that of somebody written to.

    Whose it is: an account's, or a domain's, which all of its accounts share.
    """

    kind = models.CharField(max_length=7)
    #: In normal form, as the directory's are.
    address = models.CharField(max_length=320)
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="privacy_keys")
    domain = models.ForeignKey(Domain, models.CASCADE, null=True, related_name="privacy_keys")
    #: The address is one of the account's or domain's own, not a correspondent's.
    ours = models.BooleanField()
    #: In lower-case hexadecimal digits: of OpenPGP its own, of S/MIME the SHA-256 of the certificate.
    fingerprint = models.CharField(max_length=128)
    #: Such as "RSA 3072".
    algorithm = models.CharField(max_length=100)
    #: The certificate: OpenPGP's packets, or DER.
    public = models.BinaryField()
    #: Of S/MIME, what leads to a root, in DER, one behind the other.
    chain = models.BinaryField(default=b"", db_default=b"")
    #: Of S/MIME, as the certificate names them; of OpenPGP, the user IDs in lines.
    subject = models.TextField(default="", db_default="")
    issuer = models.TextField(default="", db_default="")
    #: Sealed (mailservices/mail/sealing.py's privacy_context): OpenPGP's secret key, or PKCS #8 in DER.
    secret = models.BinaryField(null=True, editable=False)
    not_before = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    origin = models.CharField(max_length=9)
    trust = models.CharField(max_length=8)
    #: What leaves from the address is signed by it.
    signs = models.BooleanField(default=False, db_default=False)
    #: What arrives is encrypted to it, where the account wishes that.
    encrypts = models.BooleanField(default=False, db_default=False)
    #: What arrives encrypted to it is opened, where the policy wishes that.
    decrypts = models.BooleanField(default=False, db_default=False)
    #: Autocrypt's prefer-encrypt=mutual.
    prefers_encryption = models.BooleanField(default=False, db_default=False)
    #: The domain's directory of keys shows it (WKD, SMIMEA).
    published = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "privacy_key"
        ordering = ("address", "kind", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "fingerprint", "address", "account", "domain"],
                nulls_distinct=False,
                name="privacy_key_is_unique",
            ),
            models.CheckConstraint(condition=_OF_ONE, name="privacy_key_is_of_one"),
            models.CheckConstraint(condition=Q(address__contains="@"), name="privacy_key_is_for_an_address"),
            models.CheckConstraint(
                condition=Q(fingerprint__regex=r"^[0-9a-f]{40,128}$"), name="privacy_key_fingerprint"
            ),
            models.CheckConstraint(
                condition=Q(signs=False, decrypts=False) | Q(ours=True, secret__isnull=False),
                name="privacy_key_needs_its_secret",
            ),
            models.CheckConstraint(
                condition=Q(encrypts=False, published=False) | Q(ours=True), name="privacy_key_is_used_as_ours"
            ),
            models.CheckConstraint(
                condition=Q(ours=True, trust=Trust.OWN.value) | Q(ours=False) & ~Q(trust=Trust.OWN.value),
                name="privacy_key_own_is_ours",
            ),
            _words("privacy_key__kind", KeyKind),
            _words("privacy_key__origin", KeyOrigin),
            _words("privacy_key__trust", Trust),
        ]
        indexes = [
            models.Index(fields=["address"], name="privacy_key_by_address"),
            models.Index(fields=["expires_at"], name="privacy_key_by_expiry", condition=Q(ours=True)),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.fingerprint}"


class Request(models.Model):
    """A private key for S/MIME that waits for its certificate, and what was asked of whoever issues it."""

    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="privacy_requests")
    domain = models.ForeignKey(Domain, models.CASCADE, null=True, related_name="privacy_requests")
    address = models.CharField(max_length=320)
    algorithm = models.CharField(max_length=100)
    #: SHA-256 of the public key (SubjectPublicKeyInfo) in hexadecimal digits: the secret is sealed for it.
    fingerprint = models.CharField(max_length=64)
    #: PKCS #10 in DER.
    csr = models.BinaryField()
    #: PKCS #8 in DER, sealed.
    secret = models.BinaryField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "privacy_request"
        ordering = ("address", "pk")
        constraints = [
            models.CheckConstraint(condition=_OF_ONE, name="privacy_request_is_of_one"),
            models.CheckConstraint(condition=Q(address__contains="@"), name="privacy_request_is_for_an_address"),
            models.UniqueConstraint(fields=["fingerprint"], name="privacy_request_is_unique"),
        ]

    def __str__(self) -> str:
        return self.address


class Policy(models.Model):
    """What an account or a domain wishes; null is left to the domain, then to mail/privacy_policy.py."""

    account = models.OneToOneField(Account, models.CASCADE, null=True, related_name="privacy_policy")
    domain = models.OneToOneField(Domain, models.CASCADE, null=True, related_name="privacy_policy")
    #: Only of accounts; what it says is kept in Account.encrypts, too.
    on_arrival = models.CharField(max_length=7, null=True)
    when_broken = models.CharField(max_length=7, null=True)
    #: Roles of folders, as SpecialUse spells them.
    on_append = ArrayField(models.CharField(max_length=10), null=True)
    sign = models.CharField(max_length=7, null=True)
    encrypt = models.CharField(max_length=8, null=True)
    hide_subject = models.BooleanField(null=True)
    autocrypt = models.BooleanField(null=True)
    learn = models.BooleanField(null=True)
    decrypt = models.BooleanField(null=True)

    class Meta:
        db_table = "privacy_policy"
        constraints = [
            models.CheckConstraint(condition=_OF_ONE, name="privacy_policy_is_of_one"),
            models.CheckConstraint(
                condition=Q(domain__isnull=True) | Q(on_arrival__isnull=True), name="privacy_policy_arrival_is_own"
            ),
            models.CheckConstraint(
                condition=Q(on_append__isnull=True)
                | Q(on_append__contained_by=[role.value for role in SpecialUse]),
                name="privacy_policy_on_append",
            ),
            _words("privacy_policy__on_arrival", Arrival),
            _words("privacy_policy__when_broken", WhenBroken),
            _words("privacy_policy__sign", Signing),
            _words("privacy_policy__encrypt", Encrypting),
        ]

    def __str__(self) -> str:
        return str(self.account or self.domain)


class Directory(models.Model):
    """A domain's directory of keys (draft-koch-openpgp-webkey-service); without a row, as the defaults say."""

    domain = models.OneToOneField(Domain, models.CASCADE, primary_key=True, related_name="privacy_directory")
    #: Whether it is there at all.
    active = models.BooleanField(default=True, db_default=True)
    #: Where programs of owners send keys to be published; empty: nowhere. The domain holds a key that opens it.
    submission = models.CharField(max_length=320, default="", db_default="")
    #: Into whose INBOX that leads, and up to which UID the workers have read it.
    account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="+")
    read_uid = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "privacy_directory"
        constraints = [
            models.CheckConstraint(
                condition=Q(submission="", account__isnull=True) | ~Q(submission="") & Q(account__isnull=False),
                name="privacy_directory_reads_somewhere",
            )
        ]

    def __str__(self) -> str:
        return self.domain.name


class Submission(models.Model):
    """A key that came to a directory by mail, until its owner has confirmed it."""

    nonce = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="privacy_submissions")
    address = models.CharField(max_length=320)
    fingerprint = models.CharField(max_length=128)
    public = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "privacy_submission"
        constraints = [
            models.UniqueConstraint(fields=["account", "address"], name="privacy_submission_is_the_newest")
        ]

    def __str__(self) -> str:
        return self.address


class Notice(models.Model):
    """What an owner is to be told of her keys, once: the workers write it to her."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="privacy_notices")
    #: BROKEN: what came in could not be encrypted; EXPIRES: soon.
    about = models.CharField(max_length=10)
    #: Of the key; empty where there was none.
    fingerprint = models.CharField(max_length=128, default="", db_default="")
    #: Why, in words for its owner.
    words = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    told_at = models.DateTimeField(null=True, editable=False)

    BROKEN, EXPIRES = KINDS = ("broken", "expires")

    class Meta:
        db_table = "privacy_notice"
        constraints = [
            models.UniqueConstraint(fields=["account", "about", "fingerprint"], name="privacy_notice_is_once"),
            models.CheckConstraint(condition=Q(about__in=("broken", "expires")), name="privacy_notice_about"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="privacy_notice_untold", condition=Q(told_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.about} {self.fingerprint}"


class Root(models.Model):
    """Whom the appliance believes whose a certificate for mail is, besides those that the machine trusts."""

    fingerprint = models.CharField(max_length=64, unique=True)
    subject = models.TextField()
    #: DER.
    certificate = models.BinaryField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "privacy_root"
        ordering = ("subject", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(fingerprint__regex=r"^[0-9a-f]{64}$"), name="privacy_root_fingerprint"
            )
        ]

    def __str__(self) -> str:
        return self.subject
