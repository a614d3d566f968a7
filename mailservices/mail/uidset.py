"""Sets of message numbers, by UID or by sequence (RFC 9051 §9 sequence-set): parse, resolve, print."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError

#: The largest number of the grammar: nz-number is 32 bits.
LARGEST: Final = 2**32 - 1
#: Ranges in one set.
RANGES: Final = 20_000
#: Of so many numbers, one is looked up in the time that it takes to make them all a set.
LOOKED_UP: Final = 16

_RANGE = re.compile(rb"([1-9]\d{0,9}|\*)(?::([1-9]\d{0,9}|\*))?")


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Ranges as they were written; None stands for "*", the largest number there is. SAVED alone has none."""

    ranges: tuple[tuple[int | None, int | None], ...]

    @property
    def largest(self) -> int:
        """The largest number that is written out; 0 where there is only "*"."""
        return max((number for span in self.ranges for number in span if number is not None), default=0)

    def resolve(self, largest: int) -> tuple[tuple[int, int], ...]:
        """Ascending, disjoint ranges, once "*" is known (RFC 9051 §9: 4:2 is 2:4, 559:* has the last)."""
        pairs = []
        for start, end in self.ranges:
            low, high = largest if start is None else start, largest if end is None else end
            pairs.append((min(low, high), max(low, high)))
        return merged(pairs)


#: 1:*
EVERYTHING: Final = NumberSet(((1, None),))


#: "$", the messages that the last SEARCH has saved (RFC 5182 §2.1): only who keeps them can resolve it.
SAVED: Final = NumberSet(())


def merged(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same numbers in ascending ranges that neither overlap nor touch."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(pairs):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def parse(text: bytes) -> NumberSet:
    """`1:3,7,9:*`.

    Raises:
        ProtocolError: not a set, or one of too many ranges.
    """
    ranges = []
    for word in text.split(b",", RANGES):
        match = _RANGE.fullmatch(word)
        if not match:
            raise ProtocolError("A set of numbers is needed.")
        start = _number(match[1])
        ranges.append((start, start if match[2] is None else _number(match[2])))
    return NumberSet(tuple(ranges))


def _number(text: bytes) -> int | None:
    if text == b"*":
        return None
    number = int(text)
    if number > LARGEST:
        raise ProtocolError("The number is too large.")
    return number


def within(numbers: Iterable[int], ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Those of the numbers that lie in one of these ranges, which are as `resolve` returns them."""
    starts = [low for low, _ in ranges]
    found = []
    for number in numbers:
        place = bisect_right(starts, number)
        if place and number <= ranges[place - 1][1]:
            found.append(number)
    return found


def among(numbers: Sequence[int], others: Sequence[int]) -> list[int]:
    """Those of the numbers that are among others, which are ascending."""
    if len(numbers) > len(others) // LOOKED_UP:
        return [*filter(set(others).__contains__, numbers)]
    places = ((number, bisect_left(others, number)) for number in numbers)
    return [number for number, place in places if place < len(others) and others[place] == number]


def ranges_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers as ranges; those that are not ascending keep their order, as ESORT wants it (RFC 5267 §3)."""
    if not numbers:
        return []
    found: list[tuple[int, int]] = []
    low = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            found.append((low, last))
            low = number
        last = number
    return [*found, (low, last)]


def printed(numbers: Sequence[int]) -> bytes:
    """Numbers as a set, as `ranges_of` has them: `1:3,7`. Never empty: callers leave the response out instead."""
    return printed_ranges(ranges_of(numbers))


def printed_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """The same from ranges."""
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges])
