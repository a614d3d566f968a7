"""Content-Type and its kin (RFC 2045 §5, RFC 2183): a value with parameters.

Nothing that strangers write is an error. Parameters
are kept as they stand: RFC 2231 continuations and charsets are the reader's to put together.
"""

import re
from dataclasses import dataclass

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
    return tuple(found)
