"""Content-Type and its kin (RFC 2045 §5, RFC 2183): a value with parameters; and how a body is encoded (§6.1).

Nothing that strangers write is an error. A parameter that comes in pieces is put together (RFC 2231 §3), as IMAP
servers must (§6); where it names a charset (§4), that is the reader's to undo.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mailservices.mail.headers import unfold
from mailservices.mail.remembering import remembered

#: Parameters of one field.
PARAMETERS = 100
#: Fields that are remembered: most say what many others said.
REMEMBERED = 1024

#: RFC 2045 §5.1
_TOKEN = rb'([^\x00-\x20()<>@,;:\\"/\[\]?=]+)'
_TYPE = re.compile(rb"[ \t]*" + _TOKEN + rb"[ \t]*(?:/[ \t]*" + _TOKEN + rb")?")
#: Space, and comments (RFC 2045 §5.1: "us-ascii" (Plain text)).
_SPACE = rb"(?:[ \t]|\([^()]*\))*"
_PARAMETER = re.compile(
    _SPACE + rb";[ \t;]*" + _TOKEN + rb'[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|([^\x00-\x20;"]*))', re.DOTALL
)
_COMMENT = re.compile(rb"\([^()]*\)")
_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_ENCODING = re.compile(_SPACE + rb'"?' + _TOKEN)
#: A piece of a parameter, and whether it is in octets of a charset.
_PIECE = re.compile(rb"(.+)\*(0|[1-9][0-9]{0,3})(\*?)\Z", re.DOTALL)
#: RFC 2231 §7: what stands for itself there.
_ATTRIBUTE_CHARS = "!#$&+-.^_`{|}~"


Parameters = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class MediaType:
    """`type/subtype; name=value`; both in lower case, names too."""

    type: bytes
    subtype: bytes
    parameters: Parameters = ()

    def parameter(self, name: bytes) -> bytes | None:
        for one, value in self.parameters:
            if one == name:
                return value
        return None


#: RFC 2045 §5.2: what a message is that says nothing; RFC 2046 §5.1.5: what a part of a digest is.
PLAIN = MediaType(b"text", b"plain", ((b"charset", b"us-ascii"),))
DIGESTED = MediaType(b"message", b"rfc822")


def parse(value: bytes | None, default: MediaType = PLAIN) -> MediaType:
    """What a field of this value says; the default where it says nothing that can be read."""
    return default if value is None else _parse(value, default)


@remembered(REMEMBERED)
def _parse(value: bytes, default: MediaType) -> MediaType:
    value = unfold(value)
    match = _TYPE.match(value)
    if not match or not match[2]:
        return default
    return MediaType(match[1].lower(), match[2].lower(), parameters(value, match.end()))


def disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """Content-Disposition: a word and its parameters (RFC 2183)."""
    value = unfold(value)
    match = _TYPE.match(value)
    return (match[1].lower(), parameters(value, match.end())) if match else None


def parameters(value: bytes, start: int) -> Parameters:
    """`; name=value` from here on; what is not that ends the reading."""
    found: list[tuple[bytes, bytes]] = []
    if b"(" in value and b'"' not in value:
        value = value[:start] + _COMMENT.sub(b"", value[start:])
    while len(found) < PARAMETERS:
        match = _PARAMETER.match(value, start)
        if not match:
            break
        start = match.end()
        text = _PAIR.sub(rb"\1", match[2]) if match[2] is not None else match[3]
        found.append((match[1].lower(), text))
    return _whole(found) if b"*" in value else tuple(found)


def _whole(found: Sequence[tuple[bytes, bytes]]) -> Parameters:
    """Each parameter whole, where its first piece stood; what lacks a piece before it stays as it is."""
    numbered: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    for name, value in found:
        if match := _PIECE.match(name):
            numbered.setdefault(match[1], {}).setdefault(int(match[2]), (value, bool(match[3])))
    following = {name: _following(pieces) for name, pieces in numbered.items()}
    listed: list[tuple[bytes, bytes]] = []
    for name, value in found:
        match = _PIECE.match(name)
        if not match or int(match[2]) >= len(following[match[1]]):
            listed.append((name, value))
        elif int(match[2]) == 0:
            listed.append(_joined(match[1], following[match[1]]))
    return tuple(listed)


def _following(numbered: Mapping[int, tuple[bytes, bool]]) -> list[tuple[bytes, bool]]:
    """Pieces from the first on, as far as none is missing."""
    pieces: list[tuple[bytes, bool]] = []
    while len(pieces) in numbered:
        pieces.append(numbered[len(pieces)])
    return pieces


def _joined(name: bytes, pieces: Sequence[tuple[bytes, bool]]) -> tuple[bytes, bytes]:
    """RFC 2231 §4.1: where the first piece names a charset, those that are plain are written as the others."""
    _, coded = pieces[0]
    if not coded:
        return name, b"".join(value for value, _ in pieces)
    return name + b"*", b"".join(
        value if coded else quote(value, _ATTRIBUTE_CHARS).encode() for value, coded in pieces
    )


def encoding(value: bytes) -> bytes:
    """Content-Transfer-Encoding: a word in lower case, without what is said besides (RFC 2045 §6.1)."""
    match = _ENCODING.match(unfold(value))
    return match[1].lower() if match else b""
