"""Answering for whoever is away (RFC 3834): whether a message may be answered by machine, and the answer.

Nothing here knows of clocks or of who was answered before: that is the database's (store/answers.py).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from mailservices.mail import address, addresses, headers
from mailservices.mail.address import Address
from mailservices.mail.errors import ProtocolError
from mailservices.mail.text import decode_field

#: Days within which nobody is answered twice (RFC 3834 §2 wants it limited, and names seven).
DAYS_USUAL: Final = 7
DAYS_MOST: Final = 90
#: Recipients of a message that are looked at; octets of the fields that are kept, and message ids of an answer.
RECIPIENTS: Final = 100
KEPT_OCTETS: Final = 32 * 1024
REFERENCES: Final = 20
SUBJECT_LETTERS: Final = 200

#: RFC 3834 §2: where the recipient's own address has to stand.
ADDRESSED: Final = (b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc")
#: What is kept of a header until it is answered.
NAMES: Final = (*ADDRESSED, b"subject", b"message-id", b"references", b"in-reply-to")

#: RFC 3834 §2: names of programs and of those who look after lists. The others are customary.
_MACHINES: Final = re.compile(
    r"owner-.*|.*-(owner|request|bounces?|errors?)|mailer-daemon|bounces?([-+=.].*)?|majordomo|listserv"
    r"|mailman|(do-?)?no[-_.]?t?-?reply([-+=.].*)?|prvs=.*"
)
#: RFC 2369 §3, RFC 2919 §3: fields of lists all begin so.
_OF_LISTS: Final = b"list-"
#: RFC 2076 §3.9: bulk mail says so.
_PRECEDENCE: Final = frozenset({b"bulk", b"list", b"junk"})
#: What programs of Microsoft's say: words of which any asks for silence.
_SUPPRESSED: Final = frozenset({b"all", b"oof", b"autoreply"})
_MESSAGE_ID: Final = re.compile(rb"<[!-;=?-~]{1,250}>")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, in whose name and to whom."""

    #: Her address and name, and where the answer goes: the return path (RFC 3834 §4).
    author: Address
    name: str
    to: Address
    #: Empty: that of the message, behind "Auto: ".
    subject: str
    text: str


def may_be_answered(header: bytes, sender: str) -> bool:
    """Whether a message may be answered by machine at all (RFC 3834 §2).

    Args:
        sender: its return path.
    """
    # No answer to the null path: reports would be answered, and answers themselves.
    if not sender or _MACHINES.fullmatch(sender.rpartition("@")[0].lower()):
        return False
    for name, value in headers.fields(header):
        told = headers.unfold(value).lower()
        match name:
            case b"auto-submitted":
                # RFC 3834 §5: a word, and perhaps parameters and comments; "no" is a person.
                if re.split(rb"[;\s(]", told, maxsplit=1)[0] != b"no":
                    return False
            case b"precedence" if told in _PRECEDENCE:
                return False
            case b"x-auto-response-suppress":
                if not _SUPPRESSED.isdisjoint(re.split(rb"[,;\s]+", told)):
                    return False
            case b"content-type" if told.startswith(b"multipart/report"):
                return False
            case b"x-loop" | b"feedback-id" | b"x-autoreply" | b"x-autorespond":
                return False
            case _ if name.startswith(_OF_LISTS):
                return False
    return True


def kept(header: bytes) -> bytes:
    """Those fields that an answer is made of."""
    found = b"".join(field for name, field in headers.whole_fields(header) if name in NAMES)
    return found[:KEPT_OCTETS]


def addressed(header: bytes) -> list[Address]:
    """Whom a message says that it is to, as far as these are addresses (RFC 3834 §2)."""
    found: list[Address] = []
    for name, value in headers.fields(header):
        for one in addresses.parse(headers.unfold(value)) if name in ADDRESSED else ():
            if len(found) >= RECIPIENTS:
                return found
            try:
                spelt = f"{one.mailbox.decode()}@{one.host.decode()}" if one.mailbox and one.host else ""
                found.append(address.parse(spelt))
            except (ProtocolError, UnicodeDecodeError):
                continue
    return found


def build(answer: Answer, header: bytes, message_id: str, now: datetime) -> bytes:
    """The answer, with CRLF, to the message of this header.

    Args:
        message_id: of the answer, with its angle brackets.
    """
    wide = answer.author.needs_smtputf8 or answer.to.needs_smtputf8
    message = EmailMessage(SMTPUTF8 if wide else SMTP)
    message["From"] = _mailbox(answer.author, answer.name)
    message["To"] = _mailbox(answer.to)
    message["Subject"] = _line(answer.subject) or _subject(header)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    # RFC 3834 §5.
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    # RFC 3834 §3.1.6, as RFC 5322 §3.6.4 says of any reply.
    ids = _MESSAGE_ID.findall(headers.first(header, b"message-id") or b"")[:1]
    if ids:
        message["In-Reply-To"] = ids[0].decode()
        before = _MESSAGE_ID.findall(
            headers.first(header, b"references") or headers.first(header, b"in-reply-to") or b""
        )
        message["References"] = " ".join(one.decode() for one in [*before[-REFERENCES:], *ids])
    message.set_content(answer.text.replace("\r\n", "\n") + "\n", charset="utf-8", cte="base64")
    return message.as_bytes()


def _mailbox(one: Address, name: str = "") -> Mailbox:
    return Mailbox(_line(name), one.local, one.domain)


def _subject(header: bytes) -> str:
    """RFC 3834 §3.1.5: behind "Auto: ", which tells a person what it is."""
    subject = _line(decode_field(headers.first(header, b"subject") or b""))
    return f"Auto: {subject or 'your message'}"[:SUBJECT_LETTERS]


def _line(told: str) -> str:
    return _CONTROLS.sub(" ", told).strip()
