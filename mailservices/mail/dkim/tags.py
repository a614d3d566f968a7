"""Tag lists (RFC 6376 §3.2): "v=1; a=rsa-sha256; ...", in signatures, key records and ARC fields.

Read strictly: a name given twice, an empty place between semicolons or a stray octet spoils the whole list.
"""

import base64
import binascii
import re
from typing import Final

from mailservices.mail.errors import ProtocolError

#: One list; a signature that names a hundred fields is not half as long.
LIST_OCTETS: Final = 16 * 1024
TAGS: Final = 50

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# RFC 8616 §3 lets characters beyond ASCII in; spaces and folds stand within a value only.
_VALUE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f;\x7f]*")
_SPACE: Final = " \t\r\n"
_SPACES = re.compile(r"[ \t\r\n]+")


def parse(octets: bytes) -> dict[str, str]:
    """Name -> value without the space around it. Names and values keep their case (RFC 6376 §3.2).

    Raises:
        ProtocolError
    """
    if len(octets) > LIST_OCTETS:
        raise ProtocolError("too long")
    try:
        specs = octets.decode().split(";")
    except UnicodeDecodeError as error:
        raise ProtocolError("not UTF-8") from error
    if not specs[-1].strip(_SPACE):
        specs.pop()
    if len(specs) > TAGS:
        raise ProtocolError("too many tags")
    found: dict[str, str] = {}
    for spec in specs:
        name, equals, value = spec.partition("=")
        name = name.strip(_SPACE)
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ProtocolError("a tag is not valid")
        if name in found:
            raise ProtocolError("a tag stands twice")
        found[name] = value.strip(_SPACE)
    return found


def without_spaces(value: str) -> str:
    return _SPACES.sub("", value)


def decode_base64(value: str) -> bytes:
    """RFC 6376 §3.2: base64 that may be folded anywhere.

    Raises:
        ProtocolError
    """
    try:
        return base64.b64decode(without_spaces(value).encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("not base64") from error


def split(value: str) -> tuple[str, ...]:
    """A list with colons, such as h=; the space around each is not part of it."""
    return tuple(one.strip(_SPACE) for one in value.split(":"))
