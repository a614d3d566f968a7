"""APPEND and REPLACE: messages that a client brings (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import Flags
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.reader import Literal, Part

#: Messages of one APPEND.
MESSAGES: Final = 1000
#: Pieces of one message.
PIECES: Final = 1000

_BRINGS: Final = re.compile(rb"[^ ]+ (?:APPEND|(?:UID )?REPLACE [\d:,*]+) (.*)", re.IGNORECASE | re.DOTALL)
_CATENATE: Final = re.compile(rb"CATENATE \(", re.IGNORECASE)
_TEXT: Final = re.compile(rb"TEXT ", re.IGNORECASE)
_URL: Final = re.compile(rb"URL ", re.IGNORECASE)
_UTF8: Final = re.compile(rb"UTF8 \(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Brought:
    """The message went where the shell sent it.

    Attributes:
        size: its octets, where it came in one literal.
        binary: they may be any octets (RFC 3516 §4.4).
        pieces: what it is made of (RFC 4469 §3): URLs, and None for each literal; None where it is one literal.
    """

    flags: Flags
    moment: datetime | None
    size: int
    binary: bool = False
    pieces: tuple[bytes | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """One message, or several that are kept together or not at all."""

    mailbox: str
    messages: tuple[Brought, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """RFC 8508: the message of this number, or UID, gives way to another one."""

    messages: NumberSet
    mailbox: str
    message: Brought
    by_uid: bool


Request = Append | Replace


class Expected(Enum):
    """What a literal is that is ahead."""

    WORD = auto()
    MESSAGE = auto()
    #: Of a message that is made of several (RFC 4469).
    PIECE = auto()


def read_append(scanner: Scanner) -> Append:
    scanner.space()
    mailbox = scanner.mailbox()
    messages: list[Brought] = []
    while not messages or scanner.at_any_of(b" "):
        messages.append(_message(scanner))
        if len(messages) > MESSAGES:
            raise ProtocolError("These are too many messages.")
    return Append(mailbox, tuple(messages))


def read_replace(*, by_uid: bool) -> Callable[[Scanner], Replace]:
    def read(scanner: Scanner) -> Replace:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        return Replace(messages, scanner.mailbox(), _message(scanner), by_uid)

    return read


def _message(scanner: Scanner) -> Brought:
    flags, moment = Flags(), None
    scanner.space()
    if scanner.at_any_of(b"("):
        flags = scanner.flag_list()
        scanner.space()
    if scanner.at_any_of(b'"'):
        moment = scanner.date_time()
        scanner.space()
    if scanner.take(_CATENATE):
        return Brought(flags, moment, 0, pieces=_pieces(scanner))
    # RFC 6855 §4: so says who knows that there is UTF-8 in the header; it is kept as any other.
    wrapped = bool(scanner.take(_UTF8))
    literal = scanner.literal()
    if wrapped:
        scanner.expect(b")")
    return Brought(flags, moment, literal.size, literal.binary)


def _pieces(scanner: Scanner) -> tuple[bytes | None, ...]:
    """RFC 4469 §5 cat-part, up to the closing parenthesis."""
    found: list[bytes | None] = []
    while True:
        if scanner.take(_TEXT):
            scanner.literal()
            found.append(None)
        elif scanner.take(_URL):
            found.append(scanner.astring())
        else:
            raise ProtocolError("TEXT or URL is needed.")
        if len(found) > PIECES:
            raise ProtocolError("These are too many pieces.")
        if scanner.skip(b")"):
            return tuple(found)
        scanner.space()


def expected(parts: tuple[Part, ...]) -> Expected:
    """What the literal is that is ahead of these parts.

    The mailbox of an APPEND or REPLACE may be a literal too, which then is the first one.
    """
    head = parts[0] if isinstance(parts[0], bytes) else b""
    match = _BRINGS.match(head)
    if not match or not (match[1] or any(isinstance(part, Literal) for part in parts)):
        return Expected.WORD
    # Most bring messages and no pieces: all that came is looked through only where a piece may follow.
    last = parts[-1].upper() if isinstance(parts[-1], bytes) else b""
    is_url, is_text = last.endswith((b" URL ", b"(URL ")), last.endswith(b"TEXT ")
    if not (is_url or is_text) or not any(_CATENATE.search(part) for part in parts if isinstance(part, bytes)):
        return Expected.MESSAGE
    return Expected.WORD if is_url else Expected.PIECE
