"""Words that the database, the engine, the workers and the dashboard must agree on."""

from enum import StrEnum


class QueueState(StrEnum):
    """Where one recipient of an outgoing message stands. The last four never change again."""

    WAITING = "waiting"
    HELD = "held"
    RELAYED = "relayed"
    #: It lies in a mailbox here, or its list was expanded.
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a message; the kind of a trace row."""

    #: A recipient, sender or message was turned away; `detail` has the reply.
    REFUSED = "refused"
    #: A message came in and was committed.
    ACCEPTED = "accepted"
    #: It lies in a local mailbox.
    DELIVERED = "delivered"
    #: A recipient waits in the outgoing queue.
    QUEUED = "queued"
    #: Another host took it.
    RELAYED = "relayed"
    #: Another host said "later", or could not be reached.
    DEFERRED = "deferred"
    #: It will never arrive there.
    FAILED = "failed"
    #: A delivery report was written.
    REPORTED = "reported"


class Posting(StrEnum):
    """Who may write to an alias. All but the first have to sign in: a stranger's sender address proves nothing."""

    EVERYONE = "everyone"
    #: Accounts of its domain.
    DOMAIN = "domain"
    #: Accounts that it leads to.
    MEMBERS = "members"
    #: Accounts that are named.
    NAMED = "named"


class SpecialUse(StrEnum):
    """Roles of folders (RFC 6154 §2), without the backslash."""

    ARCHIVE = "Archive"
    DRAFTS = "Drafts"
    JUNK = "Junk"
    SENT = "Sent"
    TRASH = "Trash"


class KeyState(StrEnum):
    """Where a DKIM key stands in its life, in this order."""

    #: To be published; nothing is signed with it yet.
    NEXT = "next"
    #: Signs.
    ACTIVE = "active"
    #: Signs no more; still published, for mail that is on its way.
    RETIRED = "retired"


class Protocol(StrEnum):
    """What an app password may be good for."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"


INBOX = "INBOX"
#: Between the levels of a folder's name.
HIERARCHY = "/"
#: Folders that a new account starts with, and their roles.
FIRST_FOLDERS: tuple[tuple[str, SpecialUse | None], ...] = (
    (INBOX, None),
    ("Archive", SpecialUse.ARCHIVE),
    ("Drafts", SpecialUse.DRAFTS),
    ("Junk", SpecialUse.JUNK),
    ("Sent", SpecialUse.SENT),
    ("Trash", SpecialUse.TRASH),
)
#: At the end of an alias's local part: any text.
WILDCARD = "*"
#: Local part of the address that takes what no other address of a domain takes.
CATCH_ALL = ""
