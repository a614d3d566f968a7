"""Webhooks: what is told of a recipient, to whom, how it is signed, and when it is told again.

The form of a request is that of Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from mailservices.mail import address
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import QueueState

#: Of a secret, drawn at random, and what stands before it where it is shown.
SECRET_OCTETS: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - no secret by itself
URL_CHARACTERS: Final = 1000
#: Characters of a peer's words that are told.
REPLY_CHARACTERS: Final = 1000
#: Before the second try, the third, and so on; then it is given up, after three days and four hours.
PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)  # fmt: skip
#: A hook that nobody has answered for so long is switched off.
PATIENCE: Final = timedelta(days=5)
#: How long what was told, and every try, is shown.
KEPT: Final = timedelta(days=14)
#: RFC 9110 §15.5.11: nobody wants it there any more.
GONE: Final = 410
#: RFC 6052 §2.1: IPv4 within IPv6, as some gateways speak it.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class Kind(StrEnum):
    """What a hook may be told of; each is about one recipient of one message that we send."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    EXPANDED = "expanded"
    FAILED = "failed"
    EXPIRED = "expired"
    HELD = "held"
    RELEASED = "released"
    CANCELLED = "cancelled"
    #: A report from elsewhere came back on what was relayed.
    BOUNCED = "bounced"
    #: Its reader called it spam.
    COMPLAINED = "complained"
    #: The administrator wants to see whether it arrives.
    TEST = "test"


#: What may be chosen.
KINDS: Final = tuple(kind for kind in Kind if kind is not Kind.TEST)
#: What becomes of a recipient by a try -> what is told.
OF_STATE: Final[Mapping[QueueState, Kind]] = {
    QueueState.WAITING: Kind.DEFERRED,
    QueueState.HELD: Kind.HELD,
    QueueState.RELAYED: Kind.RELAYED,
    QueueState.DELIVERED: Kind.DELIVERED,
    QueueState.EXPANDED: Kind.EXPANDED,
    QueueState.FAILED: Kind.FAILED,
    QueueState.EXPIRED: Kind.EXPIRED,
    QueueState.CANCELLED: Kind.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to one recipient."""

    kind: Kind
    at: datetime
    #: Of the queue's message, in hexadecimal; empty for a test.
    message: str = ""
    sender: str = ""
    recipient: str = ""
    message_id_field: str = ""
    envid: str = ""
    #: The last answer of a host, or why.
    reply: str = ""

    @property
    def domains(self) -> tuple[str, str]:
        """The sender's and the recipient's, in lower case: a hook for one of them is told."""
        return domain_of(self.sender), domain_of(self.recipient)

    def body(self) -> str:
        """The request's, as JSON."""
        data = {
            "message": self.message,
            "sender": self.sender,
            "recipient": self.recipient,
            "message_id": self.message_id_field,
            "envid": self.envid,
            "reply": self.reply[:REPLY_CHARACTERS],
        }
        kind = "test" if self.kind is Kind.TEST else f"recipient.{self.kind}"
        # In ASCII, with escapes: text that a database takes, whatever stood in a message.
        return json.dumps({"type": kind, "timestamp": self.at.isoformat(), "data": data})


def domain_of(text: str) -> str:
    """Of an address; empty for the null path."""
    return text.rpartition("@")[2].lower()


def told_secret(secret: bytes) -> str:
    """A secret as its owner is told it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of webhook-signature.

    Args:
        timestamp: seconds since the epoch, as webhook-timestamp says it.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def next_try(tries: int, at: datetime) -> datetime | None:
    """When it is told again after so many tries in vain, the last of them at this moment; None: never."""
    return at + PAUSES[tries - 1] if tries <= len(PAUSES) else None


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: the parts of a URL."""

    secure: bool
    #: A domain as A-label, or an address without brackets.
    host: str
    port: int
    #: Path and query.
    path: str

    @property
    def authority(self) -> str:
        """As it stands in a Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"


def target(url: str) -> Target:
    """The parts of a URL, in normal form.

    Raises:
        ProtocolError: it is none that a request may go to.
    """
    if len(url) > URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise ProtocolError(f"A URL is of ASCII, without blanks, {URL_CHARACTERS} characters at most")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ProtocolError(f"That is no URL: {error}") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ProtocolError("A URL begins with https://, or http://, and a host")
    if parts.username is not None or parts.fragment:
        raise ProtocolError("A URL has no password and no # here")
    try:
        host = str(ipaddress.ip_address(parts.hostname))
    except ValueError:
        host = address.normal_domain(parts.hostname)
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path)


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the world, rather than to this machine, its neighbours, or nobody."""
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address):
        within = found.ipv4_mapped or found.sixtofour
        if within is None and found in _NAT64:
            within = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if within is not None:
            return is_public(str(within))
        if found.teredo is not None or found.is_site_local:
            return False
    return found.is_global and not found.is_multicast
