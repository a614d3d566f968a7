"""Which rule holds for whom."""

from datetime import date

import pytest

from mailservices.mail.routing import NONE, Rule, Source, choose, holding

RULES = [
    Rule(1, host="all"),
    Rule(2, "far.test", host="far"),
    Rule(3, ".far.test", host="below"),
    Rule(4, ".deep.far.test", host="deep"),
    Rule(5, "", "us.test", host="ours"),
    Rule(6, "", "alice@us.test", host="alice"),
    Rule(7, "far.test", "alice@us.test", host="both"),
    Rule(8, "[192.0.2.1]", host="literal"),
]


@pytest.mark.parametrize(
    ("sender", "destination", "host"),
    [
        ("x@elsewhere.test", "other.test", "all"),
        ("", "other.test", "all"),
        ("x@elsewhere.test", "far.test", "far"),
        ("", "far.test", "far"),
        ("x@elsewhere.test", "mx.far.test", "below"),
        ("x@elsewhere.test", "a.deep.far.test", "deep"),
        ("x@elsewhere.test", "notfar.test", "all"),
        ("bob@us.test", "other.test", "ours"),
        ("Alice@US.test", "other.test", "alice"),
        # The recipient's domain says more than the sender.
        ("bob@us.test", "far.test", "far"),
        ("alice@us.test", "far.test", "both"),
        ("alice@us.test", "mx.far.test", "below"),
        ("x@elsewhere.test", "[192.0.2.1]", "literal"),
    ],
)
def test_the_rule_that_says_most_holds(sender: str, destination: str, host: str) -> None:
    assert choose(RULES, sender, destination).host == host
    assert choose(reversed(RULES), sender, destination).host == host


def test_without_a_rule_nothing_is_said() -> None:
    assert choose([], "a@us.test", "far.test") == NONE
    assert choose(RULES[1:2], "a@us.test", "other.test") == NONE


def test_of_two_that_say_the_same_the_older_one_holds() -> None:
    assert choose([Rule(2, "far.test"), Rule(1, "far.test")], "", "far.test").rule_id == 1


def test_a_secret_is_not_shown() -> None:
    assert "hidden" not in repr(Rule(secret="hidden"))


def test_a_rule_that_was_chosen_for_just_this_mail_holds_while_it_is_there() -> None:
    assert holding(RULES, 5, "", "far.test").host == "ours"
    assert holding(RULES, None, "", "far.test").host == "far"
    assert holding(RULES, 99, "", "far.test").host == "far"


@pytest.mark.parametrize(
    ("today", "limit"),
    [
        (date(2026, 6, 1), 50),
        (date(2026, 7, 1), 50),
        (date(2026, 7, 2), 100),
        (date(2026, 7, 3), 1000),
        (date(2027, 1, 1), 1000),
    ],
)
def test_an_address_warms_up_day_by_day(today: date, limit: int) -> None:
    source = Source(1, "192.0.2.1", warmup=(50, 100), began=date(2026, 7, 1), daily=1000)
    assert source.limit(today) == limit


def test_an_address_without_limits_has_none_and_reaches_its_own_kind() -> None:
    assert Source(1, "192.0.2.1").limit(date(2026, 7, 1)) == 0
    assert Source(1, "192.0.2.1").reaches("192.0.2.9")
    assert not Source(1, "192.0.2.1").reaches("2001:db8::1")
    assert Source(1, "2001:db8::2").reaches("2001:db8::1")
