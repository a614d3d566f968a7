"""What can go wrong with mail, as one tree. Each leaf carries its answer in every protocol.

    MailError
    ├── Temporary                  try again later
    │   ├── Unavailable            anything unknown: never lie with a permanent code
    │   ├── MailboxFull
    │   ├── TooManyRecipients
    │   ├── KeyBroken              mail could not be encrypted as its owner wishes
    │   ├── ComeBack               a check could not be made, or wants to see the client again
    │   ├── TooManySignIns         wrong ones, from there or for that name
    │   ├── InUse                  another session holds the maildrop
    │   └── TooSoon                after the last sign-in
    └── Permanent
        ├── SignInFailed
        ├── EncryptionRequired
        ├── SwitchedOff            the account is not served by this protocol
        ├── NoSuchRecipient
        ├── NoSuchDomain           of a recipient elsewhere, or one that takes no mail
        ├── RecipientDisabled
        ├── RelayDenied
        ├── NotYourAddress
        ├── MayNotPost             to this list
        ├── NoKey                  it may leave encrypted only, and that is not possible
        ├── AliasLoop
        ├── TooLarge
        ├── TooLargeForMailbox
        ├── TurnedAway             the domain's policy: the reply says which check
        ├── BadMessage             NUL, bare CR or LF, loop ...: the reply says which
        ├── NoSuchFolder
        ├── FolderExists
        ├── FolderNameInvalid
        ├── RoleTaken              of a special-use folder
        ├── NotPossible            legal command, but not for this folder
        └── MessageGone            another session expunged it

`ProtocolError` stands apart: it is the other side's syntax, not a fate of mail.
"""

from typing import ClassVar

from mailservices.mail import codes
from mailservices.mail.codes import Reply


class ProtocolError(Exception):
    """The other side broke the protocol's grammar. The words may be shown to it."""


class MailError(Exception):
    """An outcome that a client must be told.

    Attributes:
        smtp: the SMTP reply.
        imap: IMAP response code without brackets (RFC 5530), or empty.
        pop3: POP3 response code without brackets (RFC 2449, RFC 3206), or empty.
        words: a sentence for a stranger.
        reason: what was found out, for log and trace; never for a stranger.
    """

    smtp: ClassVar[Reply] = codes.UNAVAILABLE
    imap: ClassVar[str] = ""
    pop3: ClassVar[str] = ""

    def __init__(self, reply: Reply | None = None, words: str = "", reason: str = "") -> None:
        self.reply = reply or self.smtp
        self.reason = reason
        self.words = words or self.reply.text
        super().__init__(self.words)


class Temporary(MailError):
    """Trying again later may succeed."""


class Permanent(MailError):
    """Trying again unchanged will fail."""


class Unavailable(Temporary):
    """The store did not answer in time, or something unforeseen happened."""

    imap = "UNAVAILABLE"
    pop3 = "SYS/TEMP"


class MailboxFull(Temporary):
    smtp = codes.MAILBOX_FULL
    imap = "OVERQUOTA"
    pop3 = "SYS/TEMP"


class TooManyRecipients(Temporary):
    smtp = codes.TOO_MANY_RECIPIENTS
    imap = "LIMIT"
    pop3 = "SYS/TEMP"


class KeyBroken(Temporary):
    """The owner has her mail encrypted, but her key has expired, say; she is told."""

    smtp = codes.KEY_BROKEN
    imap = "UNAVAILABLE"
    pop3 = "SYS/TEMP"


class ComeBack(Temporary):
    smtp = codes.UNDECIDED
    imap = "UNAVAILABLE"
    pop3 = "SYS/TEMP"


class TooManySignIns(Temporary):
    """Nothing was looked at: a right password is told the same. RFC 4954 §6, RFC 5530 §3, RFC 3206 §4."""

    smtp = codes.AUTH_UNAVAILABLE
    imap = "UNAVAILABLE"
    pop3 = "SYS/TEMP"


class InUse(Temporary):
    smtp = Reply(450, "4.2.0", "Mailbox is in use by another session")
    imap = "INUSE"
    pop3 = "IN-USE"


class TooSoon(Temporary):
    """RFC 2449 §8.1.1: the account signs in more often than it may."""

    smtp = Reply(450, "4.7.0", "Signed in a moment ago already")
    imap = "LIMIT"
    pop3 = "LOGIN-DELAY"


class SignInFailed(Permanent):
    smtp = codes.AUTH_FAILED
    imap = "AUTHENTICATIONFAILED"
    pop3 = "AUTH"


class EncryptionRequired(Permanent):
    smtp = codes.AUTH_NEEDS_TLS
    imap = "PRIVACYREQUIRED"
    pop3 = "SYS/PERM"


class SwitchedOff(Permanent):
    """RFC 3206 §4: who it is, is clear; only an administrator can help."""

    smtp = Reply(550, "5.7.0", "This account is not served by this protocol")
    imap = "CONTACTADMIN"
    pop3 = "SYS/PERM"


class NoSuchRecipient(Permanent):
    smtp = codes.NO_SUCH_RECIPIENT
    imap = "NONEXISTENT"
    pop3 = "SYS/PERM"


class NoSuchDomain(Permanent):
    smtp = codes.NO_SUCH_DOMAIN
    imap = "NONEXISTENT"
    pop3 = "SYS/PERM"


class RecipientDisabled(Permanent):
    smtp = codes.RECIPIENT_DISABLED
    imap = "CONTACTADMIN"
    pop3 = "SYS/PERM"


class RelayDenied(Permanent):
    smtp = codes.RELAY_DENIED
    imap = "NOPERM"
    pop3 = "SYS/PERM"


class NotYourAddress(Permanent):
    smtp = codes.NOT_YOUR_ADDRESS
    imap = "NOPERM"
    pop3 = "SYS/PERM"


class MayNotPost(Permanent):
    smtp = codes.MAY_NOT_POST
    imap = "NOPERM"
    pop3 = "SYS/PERM"


class NoKey(Permanent):
    """The reply names the recipients."""

    smtp = Reply(550, "5.7.10", "Not sent: it may leave encrypted only, and that is not possible")
    imap = "CANNOT"
    pop3 = "SYS/PERM"


class AliasLoop(Permanent):
    smtp = codes.ALIAS_LOOP
    imap = "CONTACTADMIN"
    pop3 = "SYS/PERM"


class TooLarge(Permanent):
    smtp = codes.TOO_LARGE
    imap = "TOOBIG"
    pop3 = "SYS/PERM"


class TooLargeForMailbox(Permanent):
    smtp = codes.TOO_LARGE_FOR_MAILBOX
    imap = "OVERQUOTA"
    pop3 = "SYS/PERM"


class TurnedAway(Permanent):
    smtp = codes.DMARC_FAILED
    imap = "NOPERM"
    pop3 = "SYS/PERM"


class BadMessage(Permanent):
    smtp = codes.HAS_NUL
    imap = "CANNOT"
    pop3 = "SYS/PERM"


class NoSuchFolder(Permanent):
    smtp = Reply(550, "5.2.0", "There is no such folder")
    imap = "NONEXISTENT"
    pop3 = "SYS/PERM"


class FolderExists(Permanent):
    smtp = Reply(550, "5.2.0", "A folder of that name exists already")
    imap = "ALREADYEXISTS"
    pop3 = "SYS/PERM"


class FolderNameInvalid(Permanent):
    smtp = Reply(550, "5.2.0", "That name cannot be a folder's")
    imap = "CANNOT"
    pop3 = "SYS/PERM"


class RoleTaken(Permanent):
    smtp = Reply(550, "5.2.0", "Another folder has that role")
    imap = "USEATTR"
    pop3 = "SYS/PERM"


class NotPossible(Permanent):
    smtp = Reply(550, "5.2.0", "That is not possible with this folder")
    imap = "CANNOT"
    pop3 = "SYS/PERM"


class MessageGone(Permanent):
    smtp = Reply(550, "5.2.0", "Another session has removed that message")
    imap = "EXPUNGEISSUED"
    pop3 = "SYS/PERM"
