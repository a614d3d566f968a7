"""ENVELOPE and BODYSTRUCTURE of a message (RFC 9051 §7.5.2), in the form in which IMAP sends them.

Written once, when a message enters the store. BODY is the same without extension data: `without_extensions`.
"""

from dataclasses import dataclass
from datetime import datetime

from mailservices.mail import addresses, content, dates, headers, mime
from mailservices.mail.addresses import Listed
from mailservices.mail.content import Parameters
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.remembering import remembered
from mailservices.mail.strings import nstring, quoted

#: Octets of one field that ENVELOPE shows.
FIELD_OCTETS = 64 * 1024
#: Lists of addresses that are remembered: a few people write most of anybody's mail.
REMEMBERED = 4096
_NIL = b"NIL"

Fields = dict[bytes, list[bytes]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store keeps of a message beside its octets."""

    envelope: bytes
    bodystructure: bytes
    #: The Date field's moment.
    sent_at: datetime | None
    #: As it stands in the field, for the trace; empty where there is none.
    message_id: str
    #: Whether its parts are within all limits (mail/mime.py).
    whole: bool


def read(header: bytes, body: Octets) -> Facts:
    """The facts of a message; never fails, whatever it holds."""
    message, whole = mime.examine(header, body)
    date = _first(message.fields, b"date")
    return Facts(
        envelope(message.fields),
        _structure(message, body, extensions=True),
        dates.parse_field(date) if date else None,
        _message_id(_first(message.fields, b"message-id")),
        whole,
    )


def little(header: bytes) -> Facts:
    """Of a message that no mailbox gets: no structure, for nobody asks for it."""
    return Facts(b"", b"", None, _message_id(headers.first(header, b"message-id")), whole=True)


def _message_id(field: bytes | None) -> str:
    return (field or b"").decode("utf-8", "replace")[:998]


def _first(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return headers.unfold(values[0])[:FIELD_OCTETS] if values else None


def envelope(fields: Fields) -> bytes:
    """The parenthesised list."""
    sender = _addresses(fields, b"from")
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(_first(fields, b"date")),
        nstring(_first(fields, b"subject")),
        sender,
        # RFC 9051 §7.5.2: where these are absent or empty, they are From.
        _addresses(fields, b"sender", sender),
        _addresses(fields, b"reply-to", sender),
        _addresses(fields, b"to"),
        _addresses(fields, b"cc"),
        _addresses(fields, b"bcc"),
        nstring(_first(fields, b"in-reply-to")),
        nstring(_first(fields, b"message-id")),
    )


def _addresses(fields: Fields, name: bytes, default: bytes = _NIL) -> bytes:
    value = _first(fields, name)
    return (_listed(value) if value else b"") or default


@remembered(REMEMBERED)
def _listed(value: bytes) -> bytes:
    """The list of these addresses; nothing where it has none."""
    found = addresses.parse(value)
    return b"(" + b"".join(map(_address, found)) + b")" if found else b""


def _address(listed: Listed) -> bytes:
    return b"(%b %b %b %b)" % (
        nstring(listed.name), nstring(listed.route), nstring(listed.mailbox), nstring(listed.host),
    )  # fmt: skip


def without_extensions(header: bytes, body: Octets) -> bytes:
    """The BODY item: BODYSTRUCTURE as RFC 1730 knew it."""
    return _structure(mime.scan(header, body), body, extensions=False)


def _structure(part: Part, body: Octets, *, extensions: bool) -> bytes:
    if part.is_multipart:
        return _multipart(part, body, extensions=extensions)
    words = [*_basic(part)]
    inner = part.message
    if inner is not None:
        words += [
            envelope(inner.fields),
            _structure(inner, body, extensions=extensions),
            b"%d" % mime.count_lines(body, part.body),
        ]
    elif part.type.type == b"text":
        words.append(b"%d" % mime.count_lines(body, part.body))
    if extensions:
        words.append(nstring(part.field(b"content-md5")))
        words += _extensions(part)
    return b"(" + b" ".join(words) + b")"


def _multipart(part: Part, body: Octets, *, extensions: bool) -> bytes:
    words = [
        b"".join(_structure(child, body, extensions=extensions) for child in part.children),
        quoted(part.type.subtype.upper()),
    ]
    if extensions:
        words += [_parameters(part.type.parameters), *_extensions(part)]
    return b"(" + b" ".join(words) + b")"


def _basic(part: Part) -> list[bytes]:
    """Type, subtype, parameters, id, description, encoding, octets."""
    kind, subtype = part.type.type, part.type.subtype
    if (kind == b"message" and subtype in (b"rfc822", b"global") and not part.children) or kind == b"multipart":
        # What could not be looked into has no structure to show: it is a row of octets (RFC 2046 §5.1.7, §4.5.1).
        kind, subtype = b"application", b"octet-stream"
    return [
        quoted(kind.upper()),
        quoted(subtype.upper()),
        _parameters(part.type.parameters),
        nstring(part.field(b"content-id")),
        nstring(part.field(b"content-description")),
        quoted(part.encoding.upper()[:40] or b"7BIT"),
        b"%d" % len(part.body),
    ]


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return _NIL
    return b"(" + b" ".join(quoted(name.upper()) + b" " + quoted(value) for name, value in parameters) + b")"


def _extensions(part: Part) -> list[bytes]:
    """Disposition, language, location."""
    value = part.field(b"content-disposition")
    disposition = content.disposition(value) if value else None
    shown = _NIL
    if disposition:
        shown = b"(" + quoted(disposition[0].upper()) + b" " + _parameters(disposition[1]) + b")"
    return [shown, _languages(part.field(b"content-language")), nstring(part.field(b"content-location"))]


def _languages(value: bytes | None) -> bytes:
    languages = [word.strip() for word in (value or b"").split(b",") if word.strip()]
    if not languages:
        return _NIL
    if len(languages) == 1:
        return quoted(languages[0])
    return b"(" + b" ".join(map(quoted, languages)) + b")"
