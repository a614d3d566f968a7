"""The search tree: what SEARCH asks for, free of IMAP's syntax (RFC 9051 §6.4.4).

The store turns what rows can tell into SQL; what only a message's text can tell is asked of `Text` here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

from mailservices.mail.flags import ALL as ALL_FLAGS
from mailservices.mail.uidset import NumberSet


class When(Enum):
    BEFORE = auto()
    ON = auto()
    SINCE = auto()


@dataclass(frozen=True, slots=True)
class All:
    pass


@dataclass(frozen=True, slots=True)
class And:
    keys: tuple["Key", ...]


@dataclass(frozen=True, slots=True)
class Or:
    left: "Key"
    right: "Key"


@dataclass(frozen=True, slots=True)
class Not:
    key: "Key"


@dataclass(frozen=True, slots=True)
class HasFlag:
    """A bit of mail/flags.py."""

    bit: int


@dataclass(frozen=True, slots=True)
class HasKeyword:
    word: str


@dataclass(frozen=True, slots=True)
class IsRecent:
    """RFC 3501 §2.3.2: first shown to this session."""


@dataclass(frozen=True, slots=True)
class InUids:
    numbers: NumberSet


@dataclass(frozen=True, slots=True)
class InSequence:
    numbers: NumberSet


@dataclass(frozen=True, slots=True)
class OfContent:
    """RFC 8474 §5.4: the message, or a copy of it."""

    content_id: UUID


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """RFC 7162 §3.1.5: its modification sequence is this one or a later one."""

    modseq: int


@dataclass(frozen=True, slots=True)
class Larger:
    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    octets: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """By internal date, its time and zone disregarded."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class Saved:
    """RFC 8514 §4.3: came into this folder, by UTC."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class Older:
    """RFC 5032 §3: arrived before so many seconds ago; counted from the moment of the search."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Younger:
    """Arrived within so many seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Sent:
    """By the Date field, its time and zone disregarded."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class InHeader:
    """A field of this name holds the text; an empty text: there is such a field."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class InBody:
    text: str


@dataclass(frozen=True, slots=True)
class InText:
    """Header or body."""

    text: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """RFC 6203 §3: has words like those, whichever way they are put."""

    key: InHeader | InBody | InText


Key: TypeAlias = (
    All | And | Or | Not | HasFlag | HasKeyword | IsRecent | InUids | InSequence | OfContent | ChangedSince
    | Larger | Smaller | Arrived | Saved | Older | Younger | Sent | InHeader | InBody | InText | Fuzzy
)  # fmt: skip


def day_fits(day: date, when: When, limit: date) -> bool:
    if when is When.BEFORE:
        return day < limit
    return day == limit if when is When.ON else day >= limit


def replaced(key: Key, change: Callable[[Key], Key]) -> Key:
    """The same tree with each of its leaves changed."""
    match key:
        case And(keys):
            return And(tuple(replaced(one, change) for one in keys))
        case Or(left, right):
            return Or(replaced(left, change), replaced(right, change))
        case Not(inner):
            return Not(replaced(inner, change))
        case _:
            return change(key)


def by_flags(key: Key) -> bytes | None:
    """The combinations of system flags that a key wants, as a table for bytes.translate; None where it asks for
    anything else.
    """
    return _wanted(key) if all(isinstance(leaf, All | HasFlag) for leaf in leaves(key)) else None


@lru_cache(256)
def _wanted(key: Key) -> bytes:
    return bytes(_wants(key, bits) for bits in range(ALL_FLAGS + 1)).ljust(256, b"\0")


def _wants(key: Key, bits: int) -> bool:
    match key:
        case And(keys):
            return all(_wants(one, bits) for one in keys)
        case Or(left, right):
            return _wants(left, bits) or _wants(right, bits)
        case Not(inner):
            return not _wants(inner, bits)
        case HasFlag(bit):
            return bool(bits & bit)
        case _:
            return True


def leaves(key: Key) -> Iterator[Key]:
    """The keys of the tree that have no others in them."""
    match key:
        case And(keys):
            for one in keys:
                yield from leaves(one)
        case Or(left, right):
            yield from leaves(left)
            yield from leaves(right)
        case Not(inner):
            yield from leaves(inner)
        case _:
            yield key


def asks_for(key: Key, kinds: tuple[type, ...]) -> bool:
    """Whether the tree has a key of one of these kinds anywhere."""
    return any(isinstance(leaf, kinds) for leaf in leaves(key))
