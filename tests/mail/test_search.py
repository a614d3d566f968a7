"""The search tree: what it asks for, and days."""

from collections.abc import Callable
from datetime import date

import pytest

from mailservices.mail.flags import DRAFT, FLAGGED, SEEN
from mailservices.mail.search import (
    All,
    And,
    HasFlag,
    HasKeyword,
    InBody,
    InText,
    IsRecent,
    Key,
    Not,
    Or,
    When,
    asks_for,
    by_flags,
    day_fits,
    replaced,
)

LIMIT = date(2026, 7, 2)


@pytest.mark.parametrize(
    ("when", "fits"),
    [(When.BEFORE, [True, False, False]), (When.ON, [False, True, False]), (When.SINCE, [False, True, True])],
)
def test_days(when: When, fits: list[bool]) -> None:
    assert [day_fits(date(2026, 7, day), when, LIMIT) for day in (1, 2, 3)] == fits


@pytest.mark.parametrize(
    ("key", "asks"),
    [
        (All(), False),
        (InBody("x"), True),
        (InText("x"), True),
        (Not(InBody("x")), True),
        (Or(All(), InBody("x")), True),
        (Or(InBody("x"), All()), True),
        (Or(All(), HasFlag(1)), False),
        (And((All(), Not(Or(IsRecent(), And((InText("x"),)))))), True),
        (And(()), False),
    ],
)
def test_whether_a_tree_asks_for_the_body(key: Key, asks: bool) -> None:
    assert asks_for(key, (InBody, InText)) is asks


def test_leaves_are_replaced_wherever_they_hang() -> None:
    tree = And((IsRecent(), Or(IsRecent(), Not(HasFlag(1))), All()))
    changed = replaced(tree, lambda leaf: InText("x") if leaf == IsRecent() else leaf)
    assert changed == And((InText("x"), Or(InText("x"), Not(HasFlag(1))), All()))


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        (All(), lambda _bits: True),
        (Not(All()), lambda _bits: False),
        (And(()), lambda _bits: True),
        (HasFlag(FLAGGED), lambda bits: bits & FLAGGED),
        (And((Not(HasFlag(SEEN)), Or(HasFlag(DRAFT), HasFlag(FLAGGED)))), lambda bits: not bits & 1 and bits & 20),
    ],
)
def test_flags_that_a_key_wants(key: Key, wanted: Callable[[int], int]) -> None:
    assert by_flags(key) == bytes(bool(wanted(bits)) for bits in range(32)) + bytes(224)


def test_what_more_than_flags_is_asked_for() -> None:
    assert by_flags(And((HasFlag(SEEN), HasKeyword("a")))) is None
