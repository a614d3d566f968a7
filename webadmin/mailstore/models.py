"""Folders, messages and contents: schema only. The engine (mailservices/store) writes these tables.

Every key of a mail table begins with the account, so that the store can be partitioned without touching a query.
The hot tables name accounts, folders, contents and blobs without foreign keys: the engine holds the account's or
the folder's row lock while it writes, and a check per row would cost more than the row.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now
from django.db.models.lookups import Exact

from webadmin.directory.models import Account


def _next(sequence: str) -> Func:
    """The next value of a sequence that the first migration makes."""
    return Func(Value(sequence), function="nextval", output_field=models.BigIntegerField())


def _flag(bit: int) -> models.GeneratedField:
    """Whether a bit of mailservices/mail/flags.py is set.

    A column, so that an index of some of the messages need not look at all flags: PostgreSQL writes a row into all
    of its indexes as soon as one of them looks at anything that has changed.
    """
    return models.GeneratedField(
        expression=Exact(F("flags").bitand(bit), bit), output_field=models.BooleanField(), db_persist=True
    )


class Multirange(models.Field):  # type: ignore[type-arg]
    """Ranges of numbers; only the engine reads and writes them."""

    def db_type(self, connection: object) -> str:
        return "int8multirange"


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
    account = models.ForeignKey(Account, models.CASCADE, related_name="mailboxes", db_index=False)
    mailbox_id = models.BigIntegerField(db_default=_next("mail_mailbox_id"))
    #: Levels joined by "/", NFC; "INBOX" in capitals.
    name = models.CharField(max_length=1000)
    #: RFC 6154 role without the backslash, or empty.
    special_use = models.CharField(max_length=20, default="", db_default="")
    uidvalidity = models.BigIntegerField(db_default=_next("mail_uidvalidity"))
    uidnext = models.BigIntegerField(default=1, db_default=1)
    #: RFC 7162: at least 1; drawn anew by every change.
    modseq = models.BigIntegerField(default=1, db_default=1)
    #: No modseq above this one was told before it was on the disk, in this epoch (mailservices/store/modseqs.py).
    reserved = models.BigIntegerField(default=0, db_default=0)
    epoch = models.UUIDField(null=True)
    #: Tombstones up to this modseq may have been removed: what was expunged before is not known any more.
    forgotten = models.BigIntegerField(default=0, db_default=0)
    #: Likewise of the rows of mail_change; and the modseq that was last drawn with a word there. Another one than
    #: `modseq` means that a release has drawn since that knows nothing of mail_change.
    unlogged = models.BigIntegerField(default=0, db_default=0)
    logged = models.BigIntegerField(default=1, db_default=1)
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


class Epoch(models.Model):
    """The time since PostgreSQL last crashed: the table is not logged (0010_epochs), and a crash empties it."""

    here = models.BooleanField(primary_key=True)
    epoch = models.UUIDField()

    class Meta:
        db_table = "mail_epoch"
        constraints = [models.CheckConstraint(condition=Q(here=True), name="one_epoch_at_a_time")]

    def __str__(self) -> str:
        return str(self.epoch)


class Subscription(models.Model):
    """A name that LSUB lists; it outlives the folder (RFC 9051 §6.3.7)."""

    pk = models.CompositePrimaryKey("account_id", "name")
    account = models.ForeignKey(Account, models.CASCADE)
    name = models.CharField(max_length=1000)

    class Meta:
        db_table = "mail_subscription"

    def __str__(self) -> str:
        return self.name


class Acl(models.Model):
    """Rights in a folder that its owner has given to another account (RFC 4314); 0 is everybody of its domain."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "grantee_id")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    grantee_id = models.BigIntegerField()
    #: Letters of mailservices/mail/rights.py, in order.
    rights = models.CharField(max_length=20)

    class Meta:
        db_table = "mail_acl"
        indexes = [models.Index(fields=["grantee_id"], name="acl_by_grantee")]

    def __str__(self) -> str:
        return self.rights


class Seen(models.Model):
    """Somebody else's message that an account has seen, where that is each reader's own (RFC 4314 §4)."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "uid", "reader_id")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    uid = models.BigIntegerField()
    reader_id = models.BigIntegerField()

    class Meta:
        db_table = "mail_seen"

    def __str__(self) -> str:
        return f"UID {self.uid}"


class Annotation(models.Model):
    """What a client notes about a folder, or about the account where the folder is 0 (RFC 5464)."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "entry")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    #: As /private/comment, in small letters.
    entry = models.TextField()
    value = models.BinaryField()

    class Meta:
        db_table = "mail_annotation"

    def __str__(self) -> str:
        return self.entry


class Message(models.Model):
    """One message in one folder: narrow and mutable.

    No index holds what changes with most flags, and each page has room for a few rows more (migration 0016): such
    a change is written once, into the page where the row is, and into no index.
    """

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "uid")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    uid = models.BigIntegerField()
    modseq = models.BigIntegerField()
    #: Bits of mailservices/mail/flags.py.
    flags = models.SmallIntegerField(default=0, db_default=0)
    seen = _flag(1)
    deleted = _flag(8)
    keywords = ArrayField(models.CharField(max_length=100), null=True)
    internaldate = models.DateTimeField()
    savedate = models.DateTimeField(db_default=Now())
    size = models.BigIntegerField()
    content_id = models.UUIDField()
    #: It is a copy of a message that lay in the folder when it came: the content's id is that one's already.
    twin = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "mail_message"
        indexes = [
            models.Index(fields=["account_id", "content_id"], name="message_by_content"),
            # What clients look for all the time, and few have in large folders; what EXPUNGE takes. Others are
            # looked for in all of a folder. With the account they answer alone, and no row is read.
            models.Index(
                fields=["mailbox_id", "uid"],
                include=["account_id"],
                name="message_unseen",
                condition=Q(seen=False),
            ),
            models.Index(
                fields=["mailbox_id", "uid"],
                include=["account_id"],
                name="message_deleted",
                condition=Q(deleted=True),
            ),
        ]

    def __str__(self) -> str:
        return f"UID {self.uid}"


class Change(models.Model):
    """What a modseq of a folder was drawn for: messages that came, or whose flags were changed."""

    pk = models.CompositePrimaryKey("account_id", "mailbox_id", "modseq")
    account_id = models.BigIntegerField()
    mailbox_id = models.BigIntegerField()
    modseq = models.BigIntegerField()
    uids = Multirange()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mail_change"
        indexes = [models.Index(fields=["changed_at"], name="change_by_age")]

    def __str__(self) -> str:
        return f"modseq {self.modseq}"


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


class Gist(models.Model):
    """What SORT and THREAD compare of a content (mailservices/mail/gist.py); written when they first ask."""

    pk = models.CompositePrimaryKey("account_id", "content_id")
    account_id = models.BigIntegerField()
    content_id = models.UUIDField()
    #: Mapped by i;unicode-casemap (RFC 5051), and compared octet by octet.
    subject = models.TextField(db_collation="C")
    is_reply = models.BooleanField()
    sender = models.TextField(db_collation="C")
    to = models.TextField(db_collation="C", db_column="recipient")
    cc = models.TextField(db_collation="C")
    shown_sender = models.TextField(db_collation="C")
    shown_to = models.TextField(db_collation="C")
    message_id = models.TextField(db_collation="C")
    #: Ids that it refers to, a line each.
    references = models.TextField(db_collation="C", db_column="refers_to")

    class Meta:
        db_table = "mail_gist"

    def __str__(self) -> str:
        return self.subject


class Preview(models.Model):
    """The first words of a content (RFC 8970); written when somebody asks, empty where there are none."""

    pk = models.CompositePrimaryKey("account_id", "content_id")
    account_id = models.BigIntegerField()
    content_id = models.UUIDField()
    text = models.CharField(max_length=256)

    class Meta:
        db_table = "mail_preview"

    def __str__(self) -> str:
        return self.text


class Wording(models.Model):
    """What a content says (mailservices/mail/wording.py), with an index of its trigrams; a worker reads it."""

    pk = models.CompositePrimaryKey("account_id", "content_id")
    account_id = models.BigIntegerField()
    content_id = models.UUIDField()
    header = models.TextField(db_collation="C")
    body = models.TextField(db_collation="C")
    #: False where the text was too long to be kept: it must still be looked through.
    whole = models.BooleanField()

    class Meta:
        db_table = "mail_wording"
        indexes = [
            GinIndex(
                fields=["account_id", "header", "body"],
                opclasses=["int8_ops", "gin_trgm_ops", "gin_trgm_ops"],
                name="wording_by_trigram",
            ),
            models.Index(fields=["account_id", "content_id"], name="wording_in_part", condition=Q(whole=False)),
        ]

    def __str__(self) -> str:
        return str(self.content_id)


class Reading(models.Model):
    """How far the wording of an account's contents has been read: all that are older than this one."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True)
    content_id = models.UUIDField()

    class Meta:
        db_table = "mail_reading"

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
    """The exclusive lock of a maildrop (RFC 1939 §4): whoever holds it renews it; a crash lets it run out.

    The table is not logged (0002_maildrops): a lock that is lost with the database was nobody's longer than that.
    """

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True)
    owner = models.UUIDField()
    #: In the past where nobody holds it.
    until = models.DateTimeField()
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mail_lease"

    def __str__(self) -> str:
        return str(self.owner)
