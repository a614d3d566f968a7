"""Folder names: modified UTF-7 on the wire (RFC 3501 §5.1.3), NFC inside, INBOX, levels and LIST wildcards."""

import base64
import binascii
import re
import unicodedata
from typing import Final

from mailservices.mail.errors import FolderNameInvalid, ProtocolError
from mailservices.mail.vocabulary import HIERARCHY, INBOX

#: Characters of a name, and of one level of it; levels.
NAME_CHARACTERS: Final = 500
LEVELS: Final = 20

# Without "&" within, lest a row of them takes long.
_SHIFTED = re.compile(rb"&([^&-]*)-")
_DIRECT = re.compile(r"[\x20-\x7e]+")
_WILDCARDS = re.compile(r"[*%]+")


def decode(wire: bytes, *, utf8: bool = False) -> str:
    """The name that a client spelled, in modified UTF-7 or in UTF-8.

    With `utf8` the client has switched that on (RFC 6855 §3, RFC 9051 §5.1): "&" is a letter as any other.

    Raises:
        ProtocolError: neither.
    """
    try:
        if b"&" in wire and wire.isascii() and not utf8:
            text = _SHIFTED.sub(_unshift, wire).decode("utf-8")
        else:
            text = wire.decode("utf-8")
    except (UnicodeError, binascii.Error) as error:
        raise ProtocolError("The folder's name is not readable.") from error
    if "\0" in text:
        raise ProtocolError("The folder's name holds NUL.")
    return _with_inbox(unicodedata.normalize("NFC", text))


def _unshift(match: re.Match[bytes]) -> bytes:
    if not match[1]:
        return b"&"
    packed = match[1].replace(b",", b"/")
    packed += b"=" * (-len(packed) % 4)
    return base64.b64decode(packed, validate=True).decode("utf-16-be").encode("utf-8")


def encode(name: str, *, utf8: bool = False) -> bytes:
    """In modified UTF-7, or in UTF-8."""
    if utf8:
        return name.encode()
    if name.isascii() and "&" not in name:
        return name.encode("ascii")
    out, position = bytearray(), 0
    while position < len(name):
        direct = _DIRECT.match(name, position)
        if direct:
            out += direct[0].replace("&", "&-").encode("ascii")
            position = direct.end()
            continue
        start = position
        while position < len(name) and not _DIRECT.match(name, position):
            position += 1
        packed = base64.b64encode(name[start:position].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        out += b"&" + packed + b"-"
    return bytes(out)


def _with_inbox(name: str) -> str:
    """RFC 9051 §5.1: INBOX is the same in any case, and so is the first level INBOX."""
    if name[:5].isascii() and name[:5].upper() == INBOX and name[5:6] in ("", HIERARCHY):
        return INBOX + name[5:]
    return name


def check_new(name: str) -> str:
    """A name that a folder may get; a separator at the end only announces children (RFC 9051 §6.3.4).

    Raises:
        FolderNameInvalid
    """
    name = name.removesuffix(HIERARCHY)
    levels = name.split(HIERARCHY)
    printable = all(unicodedata.category(character) not in ("Cc", "Cs", "Co", "Cn") for character in name)
    if not name or len(name) > NAME_CHARACTERS or len(levels) > LEVELS or not all(levels) or not printable:
        raise FolderNameInvalid
    if any(character in name for character in "%*"):
        raise FolderNameInvalid
    return name


def superiors(name: str) -> list[str]:
    """`a/b/c` has `a` and `a/b` above it."""
    levels = name.split(HIERARCHY)
    return [HIERARCHY.join(levels[:n]) for n in range(1, len(levels))]


def matches(pattern: str, name: str) -> bool:
    """LIST wildcards (RFC 9051 §6.3.9): * matches anything, % anything within one level.

    All ways through the pattern are walked at once, so that no pattern takes long.
    """
    if pattern == "*":
        return True
    pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", _with_inbox(pattern))
    letters = len(pattern) - pattern.count("*") - pattern.count("%")
    if letters == len(pattern):
        return pattern == name
    if letters > len(name):
        return False
    places = _behind_wildcards(pattern, {0})
    for character in name:
        following = set()
        for place in places:
            wanted = pattern[place : place + 1]
            if wanted == "*" or (wanted == "%" and character != HIERARCHY):
                following.add(place)
            elif wanted == character and wanted not in ("", "%"):
                following.add(place + 1)
        places = _behind_wildcards(pattern, following)
        if not places:
            return False
    return len(pattern) in places


def _behind_wildcards(pattern: str, places: set[int]) -> set[int]:
    """A wildcard may match nothing; none stands beside another."""
    return places | {place + 1 for place in places if pattern[place : place + 1] in ("*", "%")}
