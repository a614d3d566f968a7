"""System flags as bits of one integer, keywords as strings (RFC 9051 §2.3.2).

The bits are stored in mail_message.flags: never renumber them.
"""

from dataclasses import dataclass
from enum import Enum

SEEN = 1
ANSWERED = 2
FLAGGED = 4
DELETED = 8
DRAFT = 16

NAMES: dict[int, bytes] = {
    ANSWERED: b"\\Answered",
    FLAGGED: b"\\Flagged",
    DELETED: b"\\Deleted",
    SEEN: b"\\Seen",
    DRAFT: b"\\Draft",
}
BITS: dict[bytes, int] = {name.lower(): bit for bit, name in NAMES.items()}
ALL = SEEN | ANSWERED | FLAGGED | DELETED | DRAFT
#: Every combination, ready to print.
PRINTED: tuple[bytes, ...] = tuple(
    b" ".join(name for bit, name in NAMES.items() if value & bit) for value in range(ALL + 1)
)

#: Octets of one keyword, and keywords of one message.
KEYWORD_OCTETS = 100
KEYWORDS = 64


class Change(Enum):
    """RFC 9051 §6.4.6: replace, add or remove."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a message, or those that a command names."""

    bits: int = 0
    keywords: tuple[str, ...] = ()

    def __bytes__(self) -> bytes:
        return printed(self.bits, self.keywords)


def printed(bits: int, keywords: tuple[str, ...] | list[str] | None) -> bytes:
    """As they stand between the parentheses of FLAGS."""
    if not keywords:
        return PRINTED[bits]
    words = " ".join(keywords).encode()
    return PRINTED[bits] + b" " + words if bits else words
