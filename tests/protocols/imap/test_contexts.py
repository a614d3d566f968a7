"""Searches whose results a client keeps (RFC 5267 §4.3): what a client makes of the changes is the result."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.search import All
from mailservices.mail.sorting import By, SortKey
from mailservices.protocols.imap.contexts import Change, Context

ORDER = (SortKey(By.DATE),)


def context(*results: int, order: tuple[SortKey, ...] = ORDER) -> Context:
    return Context(b"a", All(), order, True, list(results), 1)


def added(results: list[int], changes: Sequence[Change]) -> list[int]:
    """As §4.3.3 tells a client."""
    results = list(results)
    for place, uids in changes:
        results[place - 1 : place - 1] = uids
    return results


def removed(results: list[int], changes: Sequence[Change]) -> list[int]:
    """As §4.3.4 does."""
    results = list(results)
    for place, uids in changes:
        assert results[place - 1 : place - 1 + len(uids)] == uids
        del results[place - 1 : place - 1 + len(uids)]
    return results


def test_a_search_is_in_the_order_of_the_folder() -> None:
    kept = context(2, 5, 7, order=())
    assert kept.remove([7, 2, 9]) == [(0, [2, 7])]
    assert kept.remove([7]) == []
    assert kept.add([9, 3], [5, 9, 3]) == [(0, [3, 9])]
    assert kept.add([9], [5, 9, 3]) == []
    assert 9 in kept
    assert 7 not in kept


@pytest.mark.parametrize(
    ("results", "gone", "changes"),
    [
        ([5, 3, 9, 1], [3, 9], [(2, [3, 9])]),
        ([5, 3, 9, 1], [5, 9], [(1, [5]), (2, [9])]),
        ([5, 3, 9, 1], [5, 3, 9, 1], [(1, [5, 3, 9, 1])]),
    ],
)
def test_where_a_sorted_result_loses_something(results: list[int], gone: list[int], changes: list[Change]) -> None:
    assert context(*results).remove(gone) == changes


@given(st.permutations(range(1, 12)), st.sets(st.integers(1, 11)), st.sets(st.integers(1, 11)))
def test_what_is_told_makes_the_result(order: list[int], before: set[int], after: set[int]) -> None:
    old, new = [uid for uid in order if uid in before], [uid for uid in order if uid in after]
    kept = context(*old)
    known = removed(old, kept.remove(before - after))
    assert known == kept.results
    known = added(known, kept.add(after - before, new))
    assert known == kept.results == new
