"""Words of structured fields (RFC 5322 §3.2): atoms, quoted strings, domain literals, specials, comments.

Strangers write these fields, so nothing is an error: an octet that fits nowhere is an atom of its own.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

#: Words of one field that are looked at; comments within comments.
WORDS = 20_000
COMMENT_DEPTH = 50

_WORD = re.compile(
    rb"""[ \t\r\n]*(?:
        ([^\x00-\x20()<>\[\]:;@\\,"]+)             # atom, with dots
        | "((?:[^"\\]|\\.)*)"?                     # quoted string, closed or not
        | (\[[^\]]*\]?)                            # domain literal
        | ([<>:;@,])                               # special
        | (\()                                     # a comment begins
        | ([^ \t\r\n])                             # anything else
    )""",
    re.VERBOSE | re.DOTALL,
)
_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_COMMENT_PART = re.compile(rb"[^()\\]+|\\.|[()\\]", re.DOTALL)


class Kind(Enum):
    ATOM = auto()
    QUOTED = auto()
    LITERAL = auto()
    SPECIAL = auto()
    COMMENT = auto()


def words(value: bytes) -> Iterator[tuple[Kind, bytes]]:
    """The words of an unfolded value, in order."""
    position, end = 0, len(value)
    for _ in range(WORDS):
        match = _WORD.match(value, position, end)
        if match is None:
            return
        position = match.end()
        atom, quoted, literal, special, comment, other = match.groups()
        if atom is not None:
            yield Kind.ATOM, atom
        elif quoted is not None:
            yield Kind.QUOTED, _PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        elif literal is not None:
            yield Kind.LITERAL, literal
        elif special is not None:
            yield Kind.SPECIAL, special
        elif comment is not None:
            text, position = _comment(value, position)
            yield Kind.COMMENT, text
        else:
            yield Kind.ATOM, other


def _comment(value: bytes, position: int) -> tuple[bytes, int]:
    """The text of a comment whose parenthesis has been read, and where it ends."""
    depth = 1
    text: list[bytes] = []
    for match in _COMMENT_PART.finditer(value, position):
        part = match[0]
        if part == b")":
            depth -= 1
        elif part == b"(":
            depth += 1
        if not depth or depth > COMMENT_DEPTH:
            return b"".join(text), match.end()
        text.append(part[1:] if part.startswith(b"\\") and len(part) == 2 else part)
    return b"".join(text), len(value)
