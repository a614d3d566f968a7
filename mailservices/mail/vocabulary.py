"""Words that the database, the engine, the workers and the dashboard must agree on."""

from enum import StrEnum


class HeldBy(StrEnum):
    """Why an outgoing recipient is held: who lets go what one held leaves alone what the other did."""

    ADMINISTRATOR = "administrator"
    #: Its sender has sent too much in a day.
    LIMIT = "limit"


class QueueState(StrEnum):
    """Where one recipient of an outgoing message stands; mail/life.py has what may happen to it."""

    WAITING = "waiting"
    HELD = "held"
    RELAYED = "relayed"
    #: It lies in a mailbox here.
    DELIVERED = "delivered"
    #: It was sent on to all that it stands for.
    EXPANDED = "expanded"
    FAILED = "failed"
    #: It was tried for too long.
    EXPIRED = "expired"
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
    #: A report came in: it did not arrive after all, or its reader called it spam.
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class SignInOutcome(StrEnum):
    """What a try to sign in came to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    #: Too much had failed: it was not looked at.
    BLOCKED = "blocked"


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


class KeyKind(StrEnum):
    """What a key for private mail is of."""

    OPENPGP = "openpgp"
    SMIME = "smime"


class KeyOrigin(StrEnum):
    """Where a key for private mail comes from."""

    UPLOADED = "uploaded"
    GENERATED = "generated"
    #: Found in the directory of its domain (draft-koch-openpgp-webkey-service).
    WKD = "wkd"
    #: In the header of a message.
    AUTOCRYPT = "autocrypt"
    #: With the signature of a message, after its chain was checked.
    SIGNED = "signed"


class Trust(StrEnum):
    """How sure it is that a key is its address's. Nothing is encrypted to, or verified by, one that is refused."""

    #: Its address is ours.
    OWN = "own"
    #: Somebody of us has said so.
    VERIFIED = "verified"
    #: It was found, and nobody has looked at it.
    SEEN = "seen"
    REFUSED = "refused"


class Arrival(StrEnum):
    """What an account's mail is encrypted by before it is stored."""

    OFF = "off"
    OPENPGP = "openpgp"
    SMIME = "smime"


class WhenBroken(StrEnum):
    """What becomes of mail that cannot be encrypted as it should be."""

    #: It is told to come again later.
    WAIT = "wait"
    #: It is stored as it came.
    DELIVER = "deliver"


class Signing(StrEnum):
    """What leaving mail is signed by."""

    OFF = "off"
    OPENPGP = "openpgp"
    SMIME = "smime"
    #: By S/MIME where there is a key for it, else by OpenPGP.
    EITHER = "either"


class Encrypting(StrEnum):
    """Whether leaving mail is encrypted."""

    NEVER = "never"
    #: Where the keys of all recipients are known.
    POSSIBLE = "possible"
    #: It leaves encrypted, or not at all.
    REQUIRED = "required"


class Protocol(StrEnum):
    """What an app password may be good for."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"


INBOX = "INBOX"
#: Under this name the folders of others are seen (RFC 2342 §3).
OTHERS = "Other Users"
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
