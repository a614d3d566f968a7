"""What others report of mail that we sent: bounces (RFC 3464, in UTF-8 by RFC 6533), complaints (RFC 5965), and
bounces of hosts that keep to no form but quote the header.

Whatever a stranger wrote, nothing here is an error: what cannot be read says nothing. Nothing here is believed
either: whether we sent such a message, and to whom, is for the database to say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Final

from mailservices.mail import headers, mime, transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: Octets of a message that are looked at, of one field of a report that are kept, and recipients of one report.
LOOKED_AT: Final = 2**20
VALUE_OCTETS: Final = 500
RECIPIENTS: Final = 1000

_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n[ \t]*)+\r?\n")
#: RFC 6533 §3
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_MESSAGE_ID: Final = re.compile(
    rb"^[> \t]{0,8}message-id:[ \t\r\n]{0,8}(<[^<>\r\n]{1,500}>)", re.MULTILINE | re.IGNORECASE
)
#: As most programs write whom they speak of, at the beginning of a line.
_SPOKEN_OF: Final = re.compile(
    rb"^[ \t]{0,20}(?:[\"'*-][ \t]?)?<?([^\s<>@:;,\"']{1,64}@[A-Za-z0-9.-]{1,255})>?[\"']?[ \t]*:?", re.MULTILINE
)
_STATUS: Final = re.compile(rb"\b5\.\d{1,3}\.\d{1,3}\b")
_CODE: Final = re.compile(rb"\b5[0-5]\d[ -]")


class What(StrEnum):
    """What is reported of a recipient."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    #: Its reader called it spam, or worse.
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says of one recipient."""

    #: In lower case: the one that we sent to may be any of them. Empty: of the only one that there was.
    addresses: tuple[str, ...]
    what: What
    #: RFC 3463; empty where none was said.
    status: str = ""
    #: The words of whoever refused it.
    text: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """A report, as far as it can be read: on which message, and on whom."""

    told: tuple[Told, ...]
    #: RFC 3464 §2.2.1; empty where absent.
    envid: str = ""
    #: Of the message that came back, with its angle brackets; empty where absent.
    message_id: str = ""
    #: Who says so: a host or a program.
    reporter: str = ""


#: RFC 5965 §7.3, RFC 6430: kinds of feedback that complain of a message.
_COMPLAINTS: Final = frozenset({"abuse", "fraud", "virus", "other"})
_RETURNED_TYPES: Final = frozenset({
    (b"message", b"rfc822"), (b"message", b"global"), (b"text", b"rfc822-headers"),
    (b"message", b"global-headers"),
})  # fmt: skip


def suspected(header: bytes, return_path: str) -> bool:
    """Whether a message may be a report of any kind: it is to be looked at once it is delivered.

    Costs little, and errs on the side of looking.
    """
    if not return_path:
        return True
    fields = headers.index(header)
    kind = fields.get(b"content-type", [b""])[0].lower().lstrip()
    # RFC 7489 §7.2.1.1, RFC 8460 §5.3.
    return kind.startswith((b"multipart/report", b"application/")) or any(
        b"report domain:" in one.lower() for one in fields.get(b"subject", ())
    )


def read(header: bytes, body: Octets, return_path: str = "") -> Returned | None:
    """What a message reports of mail that was sent before; None where it reports nothing.

    Args:
        return_path: what keeps to no form is believed to be a bounce only where this is empty.
    """
    message = mime.scan(header, body)
    if message.type.type == b"multipart" and message.type.subtype == b"report":
        for part in message.children:
            match part.type.type, part.type.subtype:
                case b"message", b"delivery-status" | b"global-delivery-status":
                    return _delivery_status(_octets(part, body), _message_id(message, body))
                case b"message", b"feedback-report":
                    return _feedback(_octets(part, body), _message_id(message, body))
    return None if return_path else _formless(message, body)


def _octets(part: Part, body: Octets) -> bytes:
    pieces = [body[part.body.start : min(part.body.end, part.body.start + LOOKED_AT)]]
    return b"".join(transfer.undone(pieces, part.encoding))


def _message_id(message: Part, body: Octets) -> str:
    """Of the message, or header, that came back with the report."""
    for part in message.children:
        if (part.type.type, part.type.subtype) in _RETURNED_TYPES:
            octets = _octets(part, body)
            found = headers.first(octets[: headers.end_of_header(octets, 0, len(octets))], b"message-id")
            return _text(found)
    return ""


def _delivery_status(octets: bytes, message_id: str) -> Returned:
    """RFC 3464 §2.1: a group of fields for the message, then one for each recipient."""
    envid = reporter = ""
    told: list[Told] = []
    for group in _groups(octets):
        envid = envid or _value(group, b"original-envelope-id")
        reporter = reporter or _typed(_value(group, b"reporting-mta"))
        if (b"final-recipient" in group or b"original-recipient" in group) and len(told) < RECIPIENTS:
            told += _recipient(group)
    return Returned(tuple(told), envid, message_id, reporter)


def _groups(octets: bytes) -> Iterator[dict[bytes, list[bytes]]]:
    for group in _EMPTY_LINES.split(octets):
        yield headers.index(group)


def _recipient(group: dict[bytes, list[bytes]]) -> Iterator[Told]:
    """RFC 3464 §2.3: nothing where the action is none of the known ones."""
    words = _value(group, b"action").lower().split()
    if not words or words[0] not in list(What) or words[0] == What.COMPLAINED:
        return
    named = (_address(_value(group, name)) for name in (b"original-recipient", b"final-recipient"))
    status = _value(group, b"status").split()
    text = _typed(_value(group, b"diagnostic-code"))
    yield Told(
        tuple(dict.fromkeys(one for one in named if one)), What(words[0]), status[0] if status else "", text
    )


def _feedback(octets: bytes, message_id: str) -> Returned | None:
    """RFC 5965 §3: one group of fields."""
    fields = headers.index(octets)
    if _value(fields, b"feedback-type").lower() not in _COMPLAINTS:
        return None
    named = [_address(_text(one)) for one in fields.get(b"original-rcpt-to", ())[:RECIPIENTS]]
    text = f"{_value(fields, b'feedback-type').lower()}: {_value(fields, b'user-agent')}".removesuffix(": ")
    told = [Told((one,), What.COMPLAINED, text=text) for one in named if one]
    told = told or [Told((), What.COMPLAINED, text=text)]
    reporter = _typed(_value(fields, b"reporting-mta")) or _value(fields, b"source-ip")
    return Returned(tuple(told), _value(fields, b"original-envelope-id"), message_id, reporter)


def _formless(message: Part, body: Octets) -> Returned | None:
    """A bounce for people: what it says before the header that it quotes."""
    text = bytes(body[:LOOKED_AT]) if not message.is_multipart else b""
    for part in message.children if message.is_multipart else ():
        text = text or (_octets(part, body) if part.type.type == b"text" else b"")
    message_id = _message_id(message, body)
    quoted = _MESSAGE_ID.search(text)
    if not message_id:
        if quoted is None:
            return None
        message_id = _text(quoted[1])
    told = tuple(_spoken_of(text[: quoted.start()] if quoted else text))
    return Returned(told, "", message_id) if told else None


def _spoken_of(text: bytes) -> Iterator[Told]:
    """Each address at the beginning of a line, with a refusal behind it before the next one."""
    found = list(_SPOKEN_OF.finditer(text))[:RECIPIENTS]
    for match, following in zip_longest(found, found[1:]):
        end = following.start() if following else len(text)
        words = text[match.end() : min(end, match.end() + VALUE_OCTETS)]
        status = _STATUS.search(words)
        if status or _CODE.search(words):
            said = status[0].decode() if status else ""
            yield Told((_text(match[1]).lower(),), What.FAILED, said, " ".join(_text(words).split()))


def _value(fields: dict[bytes, list[bytes]], name: bytes) -> str:
    values = fields.get(name)
    return _text(values[0]) if values else ""


def _text(octets: bytes | None) -> str:
    return headers.unfold(octets or b"")[:VALUE_OCTETS].decode("utf-8", "replace").replace("\0", "")


def _typed(value: str) -> str:
    """What stands behind `type;`."""
    return (value.partition(";")[2] or value).strip()


def _address(value: str) -> str:
    """Of `type; address` (RFC 6533 §3: with escapes), or of an address alone."""
    bare = _typed(value).strip("<>").strip()
    return _ESCAPED.sub(_character, bare).lower()


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if 0 < number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else ""
