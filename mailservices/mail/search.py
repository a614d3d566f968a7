"""The search tree: what SEARCH asks for, free of IMAP's syntax (RFC 9051 §6.4.4).

The store turns what rows can tell into SQL; what only a message's text can tell is asked of `Text` here.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import TypeAlias

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


Key: TypeAlias = (
    All | And | Or | Not | HasFlag | HasKeyword | IsRecent | InUids | InSequence | Larger | Smaller | Arrived
    | Sent | InHeader | InBody | InText
)  # fmt: skip


def day_fits(day: date, when: When, limit: date) -> bool:
    if when is When.BEFORE:
        return day < limit
    return day == limit if when is When.ON else day >= limit


def asks_for(key: Key, kinds: tuple[type, ...]) -> bool:
    """Whether the tree has a key of one of these kinds anywhere."""
    match key:
        case And(keys):
            return any(asks_for(one, kinds) for one in keys)
        case Or(left, right):
            return asks_for(left, kinds) or asks_for(right, kinds)
        case Not(inner):
            return asks_for(inner, kinds)
        case _:
            return isinstance(key, kinds)
