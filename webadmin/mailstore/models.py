"""Folders, messages and contents: schema only. The engine (mailservices/store) writes these tables.

Every key of a mail table begins with the account, so that the store can be partitioned without touching a query.
The hot tables name accounts, folders, contents and blobs without foreign keys: the engine holds the account's or
the folder's row lock while it writes, and a check per row would cost more than the row.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Now

from webadmin.directory.models import Account


def _next(sequence: str) -> Func:
    """The next value of a sequence that the first migration makes."""
    return Func(Value(sequence), function="nextval", output_field=models.BigIntegerField())


class Usage(models.Model):
    """What an account uses; the row that a transaction locks before it changes several folders."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True, related_name="usage")
    bytes = models.BigIntegerField(default=0, db_default=0)
    messages = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "mail_usage"

    def __str__(self) -> str:
        return f"{self.bytes} octets"


class Mailbox(models.Model):
    """A folder. Its counts are kept by the transaction that changes them, so that STATUS reads one row."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id")
    account = models.ForeignKey(Account, models.CASCADE, related_name="mailboxes")
    mailbox_id = models.BigIntegerField(db_default=_next("mail_mailbox_id"))
    #: Levels joined by "/", NFC; "INBOX" in capitals.
    name = models.CharField(max_length=1000)
    #: RFC 6154 role without the backslash, or empty.
    special_use = models.CharField(max_length=20, default="", db_default="")
    uidvalidity = models.BigIntegerField(db_default=_next("mail_uidvalidity"))
    uidnext = models.BigIntegerField(default=1, db_default=1)
    #: RFC 7162: at least 1; drawn anew by every change.
    modseq = models.BigIntegerField(default=1, db_default=1)
    messages = models.BigIntegerField(default=0, db_default=0)
    unseen = models.BigIntegerField(default=0, db_default=0)
    deleted = models.BigIntegerField(default=0, db_default=0)
    bytes = models.BigIntegerField(default=0, db_default=0)
    #: UIDs from here on were shown as \\Recent to no session yet (RFC 3501 §2.3.2).
    recent_from = models.BigIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "mail_mailbox"
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="mailbox_name_is_unique"),
            models.CheckConstraint(
                condition=Q(messages__gte=0, unseen__gte=0, deleted__gte=0, bytes__gte=0),
                name="mailbox_counts",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A name that LSUB lists; it outlives the folder (RFC 9051 §6.3.7)."""

    pk = models.CompositePrimaryKey("account_id", "name")
    account = models.ForeignKey(Account, models.CASCADE)
    name = models.CharField(max_length=1000)

    class Meta:
        db_table = "mail_subscription"

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """One message in one folder: narrow and mutable."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "uid")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    uid = models.BigIntegerField()
    modseq = models.BigIntegerField()
    #: Bits of mailservices/mail/flags.py.
    flags = models.SmallIntegerField(default=0, db_default=0)
    keywords = ArrayField(models.CharField(max_length=100), null=True)
    internaldate = models.DateTimeField()
    savedate = models.DateTimeField(db_default=Now())
    size = models.BigIntegerField()
    content_id = models.UUIDField()

    class Meta:
        db_table = "mail_message"
        indexes = [
            models.Index(fields=["account_id", "mailbox_id", "modseq"], name="message_by_modseq"),
            models.Index(fields=["account_id", "content_id"], name="message_by_content"),
        ]

    def __str__(self) -> str:
        return f"UID {self.uid}"


class Content(models.Model):
    """One immutable message as one account keeps it. The message is prefix + header + the blob's octets."""

    pk = models.CompositePrimaryKey("account_id", "content_id")
    account_id = models.BigIntegerField()
    content_id = models.UUIDField()
    blob_id = models.UUIDField(db_index=True)
    #: Octets of the body, which is what the blob holds.
    body_size = models.BigIntegerField()
    #: The trace fields that we prepended (RFC 5321 §4.4).
    prefix = models.BinaryField()
    #: The header as it was received, with the empty line that ends it.
    header = models.BinaryField()
    #: RFC 9051 §7.5.2 ENVELOPE and BODYSTRUCTURE, ready to send.
    envelope = models.BinaryField()
    bodystructure = models.BinaryField()
    #: The Date field's moment; null where there is none to read.
    sent_at = models.DateTimeField(null=True)
    #: Its day in the zone that the field names, which is what SENTSINCE means (RFC 9051 §6.4.4).
    sent_on = models.DateField(null=True)

    class Meta:
        db_table = "mail_content"

    def __str__(self) -> str:
        return str(self.content_id)


class Blob(models.Model):
    """The octets of a body in pieces; shared by all recipients of a transaction and by copies.

    The id is a UUIDv7 (RFC 9562 §5.7), so that it tells when the blob was written.
    """

    pk = models.CompositePrimaryKey("blob_id", "piece")
    blob_id = models.UUIDField()
    piece = models.IntegerField()
    #: Whether `data` is a zstd frame.
    zstd = models.BooleanField()
    data = models.BinaryField()

    class Meta:
        db_table = "mail_blob"

    def __str__(self) -> str:
        return f"{self.blob_id}/{self.piece}"


class Expunged(models.Model):
    """A tombstone: what was removed, and when (RFC 7162 VANISHED; the undelete window)."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "uid")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    uid = models.BigIntegerField()
    modseq = models.BigIntegerField()
    content_id = models.UUIDField()
    expunged_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mail_expunged"
        indexes = [
            models.Index(fields=["account_id", "mailbox_id", "modseq"], name="expunged_by_modseq"),
            models.Index(fields=["account_id", "content_id"], name="expunged_by_content"),
            models.Index(fields=["expunged_at"], name="expunged_by_age"),
        ]

    def __str__(self) -> str:
        return f"UID {self.uid}"


class Lease(models.Model):
    """The exclusive lock of a maildrop (RFC 1939 §4): whoever holds it renews it; a crash lets it run out."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True)
    owner = models.UUIDField()
    until = models.DateTimeField()

    class Meta:
        db_table = "mail_lease"

    def __str__(self) -> str:
        return str(self.owner)
