"""URLs of messages and their parts (RFC 5092), as far as CATENATE needs them: on this server, of this account."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from mailservices.mail.errors import ProtocolError
from mailservices.mail.uidset import LARGEST
from mailservices.protocols.imap import fetch, names
from mailservices.protocols.imap.fetch import Section
from mailservices.protocols.imap.grammar import Scanner

#: Octets of a URL.
OCTETS: Final = 4096

#: RFC 5092 §11 imessagepart; the mailbox's own semicolons are encoded.
_URL = re.compile(
    rb"/?([^;]*?)(?:;UIDVALIDITY=([1-9]\d{0,9}))?/?;UID=([1-9]\d{0,9})"
    rb"(?:/;SECTION=([^;]+?))?(?:/;PARTIAL=(\d{1,18})(?:\.([1-9]\d{0,17}))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """RFC 5092 §7.

    Attributes:
        mailbox: empty where it is the one that is selected (RFC 4469 §3).
        uidvalidity: 0 where the URL says nothing of it.
        section: with its partial, which tells the first octet and how many (RFC 5550 §2.9 URL-PARTIAL).
    """

    mailbox: str
    uidvalidity: int
    uid: int
    section: Section


def parse(url: bytes) -> MessageUrl:
    """A relative URL of a message or a part.

    Raises:
        ProtocolError: it is none.
    """
    match = _URL.fullmatch(url) if len(url) <= OCTETS else None
    if not match:
        raise ProtocolError("The URL is none of a message on this server.")
    mailbox, uidvalidity, uid, section, first, count = match.groups()
    if int(uid) > LARGEST:
        raise ProtocolError("The UID is too large.")
    scanner = Scanner((unquote_to_bytes(section or b"") + b"]",))
    chosen = fetch.section(scanner, marks_seen=False)
    scanner.end()
    if first is not None:
        chosen = Section(chosen.label, chosen.part, chosen.kind, chosen.fields, _partial(first, count), False)
    return MessageUrl(names.decode(unquote_to_bytes(mailbox), utf8=True), int(uidvalidity or 0), int(uid), chosen)


def _partial(first: bytes, count: bytes | None) -> tuple[int, int]:
    """RFC 5092 §11 partial-range: without a count, up to the end."""
    return int(first), int(count) if count else 2**63 - 1
