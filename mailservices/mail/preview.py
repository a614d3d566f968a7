"""The first words of a message, for lists (RFC 8970 §3): from its text, or from its HTML without tags."""

import re
from collections.abc import Iterator
from typing import Final

from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.text import part_text, without_tags

#: RFC 8970 §3.3: at most 256, better 200.
CHARACTERS: Final = 200
#: Octets of a part, still encoded, and characters of HTML that are looked at.
PART_OCTETS: Final = 64 * 1024

_SPACES = re.compile(r"\s+")
#: What mail programs put before what they quote.
_QUOTED = re.compile(r"^(?:>.*|.{0,200}\bwrote:|.{0,200}\bschrieb.{0,100}:|.{0,200}\ba écrit ?:)$", re.MULTILINE)
#: What has no width, and characters that no text has.
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f]")


def of(message: Part, body: Octets) -> str:
    """Plain text is preferred; empty where there is none to read."""
    rich = None
    for part in _texts(message):
        if part.type.subtype == b"html":
            rich = rich or part
        elif shown := _shown(part_text(part, body, PART_OCTETS)):
            return shown
    return _shown(without_tags(part_text(rich, body, PART_OCTETS))) if rich else ""


def _texts(part: Part) -> Iterator[Part]:
    """The text parts that are no attachments."""
    if part.children:
        for child in part.children:
            yield from _texts(child)
    elif part.type.type == b"text" and not (part.field(b"content-disposition") or b"").lower().startswith(
        b"attach"
    ):
        yield part


def _shown(text: str) -> str:
    text = _INVISIBLE.sub("", text)
    written = _SPACES.sub(" ", _QUOTED.sub("", text.replace("\r\n", "\n"))).strip()
    words = written or _SPACES.sub(" ", text).strip()
    return words[:CHARACTERS].encode("utf-8", "replace").decode()
