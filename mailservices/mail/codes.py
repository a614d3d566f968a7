"""SMTP replies by name: basic code, enhanced status code and words, each with its RFC.

RFC 5321 §4.2 for the basic codes, RFC 3463 and RFC 5248 for the enhanced ones. The words are for a stranger:
they say what to do, never what happened inside.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply. `enhanced` is empty where RFC 2034 §3 wants none (greeting, HELO, EHLO, 354)."""

    code: int
    enhanced: str
    text: str
    #: As it is sent.
    _octets: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        head = f"{self.code} {self.enhanced} " if self.enhanced else f"{self.code} "
        object.__setattr__(self, "_octets", (head + self.text + "\r\n").encode())

    @property
    def permanent(self) -> bool:
        return self.code >= 500

    def __bytes__(self) -> bytes:
        return self._octets


# RFC 5321 §4.2.3
OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient OK")
PRIORITY_LOWERED = Reply(250, "2.3.6", "0 is the priority, for you have not signed in")  # RFC 6710 §4.1
CANNOT_VERIFY = Reply(252, "2.5.0", "Cannot verify, but will take mail and try to deliver")
HELP = Reply(214, "2.0.0", "RFC 5321 tells all commands")
BYE = Reply(221, "2.0.0", "Bye")
START_MAIL = Reply(354, "", "Send the message, end with <CRLF>.<CRLF>")

SHUTTING_DOWN = Reply(421, "4.3.2", "Service is restarting, please try again")  # RFC 5321 §3.8
TIMED_OUT = Reply(421, "4.4.2", "Waited too long")  # RFC 5321 §4.5.3.2
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections from your address")
UNAVAILABLE = Reply(451, "4.3.0", "Temporarily unavailable, please try again later")
MAILBOX_FULL = Reply(452, "4.2.2", "Mailbox is full")
#: RFC 3463 §3.8: X.7.5 is for keys that are missing or not valid.
KEY_BROKEN = Reply(451, "4.7.5", "The owner's key cannot be used at the moment, please try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the rest in another transaction")

LINE_TOO_LONG = Reply(500, "5.5.2", "Line is too long")
UNKNOWN_COMMAND = Reply(500, "5.5.2", "Command is not known")
SYNTAX_ERROR = Reply(501, "5.5.4", "Arguments could not be understood")
BARE_LINE_END = Reply(500, "5.5.2", "Lines must end with CRLF")  # RFC 5321 §2.3.8
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command is not offered")
BAD_SEQUENCE = Reply(503, "5.5.1", "Command is out of order")
BINARY_NEEDS_BDAT = Reply(503, "5.5.1", "A message of BODY=BINARYMIME comes by BDAT")  # RFC 3030 §3
EARLY_TALKER = Reply(554, "5.5.1", "Wait for the greeting before you speak")  # RFC 5321 §3.1
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "Parameter is not known or not offered")
BAD_SENDER = Reply(553, "5.1.7", "Sender address is not valid")
BAD_RECIPIENT = Reply(553, "5.1.3", "Recipient address is not valid")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "Address needs SMTPUTF8")  # RFC 6531 §3.5
NO_SUCH_RECIPIENT = Reply(550, "5.1.1", "No such mailbox here")
NO_SUCH_DOMAIN = Reply(550, "5.1.2", "The recipient's domain does not exist: check its spelling")
NULL_MX = Reply(550, "5.1.10", "The recipient's domain takes no mail")  # RFC 7505 §4.1
RECIPIENT_DISABLED = Reply(550, "5.2.1", "Mailbox is disabled")
RELAY_DENIED = Reply(554, "5.7.1", "Relaying denied: sign in on the submission port to send to other hosts")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
TOO_LARGE = Reply(552, "5.3.4", "Message is too large")  # RFC 1870 §6.1
TOO_LARGE_FOR_MAILBOX = Reply(552, "5.2.2", "Message is larger than the mailbox may grow")
TOO_MANY_HELD = Reply(552, "5.7.16", "Too many of your messages wait for their release")  # RFC 4865 §6
HAS_NUL = Reply(550, "5.6.0", "Message holds NUL octets")  # RFC 5321 §4.5.2 forbids them
BARE_IN_DATA = Reply(550, "5.6.0", "Message holds a bare CR or LF; lines must end with CRLF")  # RFC 5321 §2.3.8
HEADER_TOO_LARGE = Reply(552, "5.3.4", "Message header is too large")
LOOP = Reply(554, "5.4.6", "Message has passed too many hosts: mail loop")  # RFC 5321 §6.3
TOO_MANY_FIELDS = Reply(554, "5.6.0", "Message header has too many fields, or one that is too long")
TOO_MANY_PARTS = Reply(554, "5.6.0", "Message has too many parts, or they are nested too deeply")
ALIAS_LOOP = Reply(554, "5.4.6", "Alias leads back to itself")

MAY_NOT_POST = Reply(550, "5.7.2", "You may not write to this list; sign in if you are one of its members")
EXPN_DENIED = Reply(550, "5.7.1", "Sign in to ask for the members of a list")  # RFC 5321 §7.3
NO_LIST = Reply(550, "5.1.1", "That is no list of your domain")

# RFC 4954 §6
AUTH_OK = Reply(235, "2.7.0", "Signed in")
AUTH_REQUIRED = Reply(530, "5.7.0", "Sign in first")
AUTH_FAILED = Reply(535, "5.7.8", "Name or password is wrong")
AUTH_UNAVAILABLE = Reply(454, "4.7.0", "Temporarily unavailable, please try again later")
AUTH_CANCELLED = Reply(501, "5.7.0", "Sign-in cancelled")
AUTH_MECHANISM = Reply(504, "5.5.4", "Mechanism is not offered")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "Start TLS first")
AUTH_ALREADY = Reply(503, "5.5.1", "Already signed in")
NOT_YOUR_ADDRESS = Reply(553, "5.7.1", "Sender address does not belong to your account")
# RFC 3207 §4
TLS_READY = Reply(220, "2.0.0", "Ready to start TLS")
TLS_UNAVAILABLE = Reply(454, "4.7.0", "TLS is not available now")
TLS_ACTIVE = Reply(503, "5.5.1", "TLS is active already")
TLS_BUFFERED = Reply(501, "5.5.2", "Nothing may follow STARTTLS before TLS is up")  # RFC 3207 §4.2, no injection

# What a domain's policy says of mail from the world; RFC 7372 §3 has the codes of SPF, reverse DNS and DMARC.
SPF_FAILED = Reply(550, "5.7.23", "SPF: this address may not send for the sender's domain")
DKIM_FAILED = Reply(550, "5.7.20", "DKIM: no signature of this message holds")
IPREV_FAILED = Reply(550, "5.7.25", "Your address has no name that leads back to it")
HELO_FAILED = Reply(550, "5.7.1", "HELO or EHLO must name your host, which the one you gave does not")
LISTED = Reply(554, "5.7.1", "Your address is on a blocklist")
DMARC_FAILED = Reply(550, "5.7.26", "DMARC: the domain in From wishes that this message is refused")
AUTHOR_UNCLEAR = Reply(550, "5.7.26", "From must name one author's domain")  # RFC 7489 §6.6.1
UNDECIDED = Reply(451, "4.7.0", "A policy check could not be made, please try again later")
GREYLISTED = Reply(451, "4.7.1", "Not known yet, please try again")
SLOW_DOWN = Reply(450, "4.7.1", "Too many messages from your address, please slow down")
ONE_POLICY = Reply(452, "4.5.3", "Recipient's domain has another policy, send to it in another transaction")


def chunk_received(octets: int) -> Reply:
    """RFC 3030 §2: so many octets of the message are here."""
    return Reply(250, "2.0.0", f"{octets} octets received")
