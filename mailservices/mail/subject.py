"""The base subject (RFC 5256 §2.1): what is left of a subject without "Re:", "Fwd:" and names of lists."""

import re
from typing import Final

#: Characters of a subject that are looked at.
CHARACTERS: Final = 1000

_SPACES = re.compile(r"[ \t\r\n]+")
#: RFC 5256 §5 subj-blob, subj-leader.
_BLOB = re.compile(r"\[[^\[\]]*\] *")
_LEADER = re.compile(r" +|(?:\[[^\[\]]*\] *)*(?:re|fwd?) *(?:\[[^\[\]]*\] *)?:", re.IGNORECASE)
_FORWARDED: Final = "(fwd)"
_HEADER, _END = "[fwd:", "]"


def strip(subject: str) -> tuple[str, bool]:
    """The base subject of a decoded one, and whether it is that of a reply or forwarded (RFC 5256 §3 THREAD)."""
    text, is_reply = _SPACES.sub(" ", subject[:CHARACTERS]), False
    while True:
        text, forwarded = _without_trailers(text)
        text, led = _without_leaders(text)
        is_reply = is_reply or forwarded or led
        if not (text[: len(_HEADER)].lower() == _HEADER and text.endswith(_END)):
            return text, is_reply
        text, is_reply = text[len(_HEADER) : -len(_END)], True


def _without_trailers(text: str) -> tuple[str, bool]:
    """RFC 5256 §2.1 (2)."""
    text, forwarded = text.rstrip(" "), False
    while text[-len(_FORWARDED) :].lower() == _FORWARDED:
        text, forwarded = text[: -len(_FORWARDED)].rstrip(" "), True
    return text, forwarded


def _without_leaders(text: str) -> tuple[str, bool]:
    """RFC 5256 §2.1 (3) to (5): a name in brackets goes only where something is left of the subject."""
    led = False
    while True:
        if match := _LEADER.match(text):
            led = led or match[0].endswith(":")
        elif not ((match := _BLOB.match(text)) and match.end() < len(text)):
            return text, led
        text = text[match.end() :]
