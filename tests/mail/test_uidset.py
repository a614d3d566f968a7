"""Sets of numbers: read, resolved, printed (RFC 9051 §9)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import uidset
from mailservices.mail.errors import ProtocolError
from mailservices.mail.uidset import LARGEST, RANGES, NumberSet, merged, parse, printed


@pytest.mark.parametrize(
    ("text", "largest", "pairs"),
    [
        (b"1", 9, ((1, 1),)),
        (b"1:3,7", 9, ((1, 3), (7, 7))),
        (b"7,1:3", 9, ((1, 3), (7, 7))),
        # RFC 9051 §9: 4:2 is 2:4, and 559:* has the last message, whatever its number.
        (b"4:2", 9, ((2, 4),)),
        (b"559:*", 9, ((9, 559),)),
        (b"*:559", 9, ((9, 559),)),
        (b"*", 9, ((9, 9),)),
        (b"*:*", 9, ((9, 9),)),
        (b"*", 0, ((0, 0),)),
        (b"1:4,2:6,7,9", 9, ((1, 7), (9, 9))),
        (b"2:3,1:9", 9, ((1, 9),)),
        (b"1,1,1", 9, ((1, 1),)),
        (b"4294967295", 9, ((LARGEST, LARGEST),)),
    ],
)
def test_sets_are_read_and_resolved(text: bytes, largest: int, pairs: tuple[tuple[int, int], ...]) -> None:
    assert parse(text).resolve(largest) == pairs


def test_a_set_is_kept_as_it_was_written() -> None:
    assert parse(b"4:2,*") == NumberSet(((4, 2), (None, None)))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"0", b"01", b"1,", b",1", b"1:", b":1", b"1:2:3", b"a", b"1;2", b"-1", b"1 ", b"4294967296",
        b"99999999999", b"0:*", b"**", b"1,\xb2", b"1," * (RANGES + 1) + b"1",
    ],
)  # fmt: skip
def test_what_is_no_set_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([1], b"1"),
        ([1, 2], b"1:2"),
        ([1, 3], b"1,3"),
        ([1, 2, 3, 7, 9, 10], b"1:3,7,9:10"),
        ([1, 3, 2, 4, 5], b"1,3,2,4:5"),
    ],
)
def test_numbers_are_printed(numbers: list[int], text: bytes) -> None:
    assert printed(numbers) == text


NUMBERS = st.lists(st.integers(1, 60), min_size=1, max_size=30, unique=True).map(sorted)


@given(NUMBERS)
def test_what_is_printed_is_read_again(numbers: list[int]) -> None:
    pairs = parse(printed(numbers)).resolve(60)
    assert [number for low, high in pairs for number in range(low, high + 1)] == numbers


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair)))))
def test_merging_keeps_the_numbers_and_nothing_touches(pairs: list[tuple[int, int]]) -> None:
    found = merged(pairs)
    assert {n for low, high in found for n in range(low, high + 1)} == {
        n for low, high in pairs for n in range(low, high + 1)
    }
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(found))


def test_so_many_ranges_are_read() -> None:
    assert len(uidset.parse(b"1," * (RANGES - 1) + b"1").ranges) == RANGES


@given(st.sets(st.integers(1, 60)), st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=5))
def test_what_lies_within_ranges(numbers: set[int], pairs: list[tuple[int, int]]) -> None:
    ranges = uidset.merged((min(pair), max(pair)) for pair in pairs)
    assert uidset.within(sorted(numbers), ranges) == [
        number for number in sorted(numbers) if any(low <= number <= high for low, high in ranges)
    ]


@given(st.sets(st.integers(1, 60)))
def test_numbers_as_ranges(numbers: set[int]) -> None:
    ranges = uidset.ranges_of(sorted(numbers))
    assert [number for low, high in ranges for number in range(low, high + 1)] == sorted(numbers)
    assert uidset.merged(ranges) == tuple(ranges)


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)), st.integers(0, 40))
def test_numbers_among_others(numbers: set[int], others: set[int], more: int) -> None:
    """Also where they are few of them, and are looked up."""
    many = sorted(others) + list(range(100, 100 + 20 * more))
    assert uidset.among(sorted(numbers), many) == sorted(numbers & others)
