"""When to try again."""

from datetime import UTC, datetime, timedelta

import pytest

from mailservices.mail.backoff import DELAY_NOTICE, FIRST_PAUSE, JITTER, LIFETIME, LONGEST_PAUSE, next_attempt

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def test_each_pause_is_longer_up_to_the_longest() -> None:
    pauses = [next_attempt(attempts, NOW, 0.5) - NOW for attempts in range(1, 100)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_an_administrator_may_choose_other_pauses() -> None:
    first, longest = timedelta(minutes=1), timedelta(minutes=3)
    pauses = [next_attempt(attempts, NOW, 0.5, first=first, longest=longest) - NOW for attempts in (1, 2, 3, 40)]
    assert pauses == [first, 2 * first, longest, longest]


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 1 - JITTER), (0.5, 1.0), (0.75, 1 + JITTER / 2)])
def test_pauses_differ_by_chance(chance: float, factor: float) -> None:
    assert next_attempt(1, NOW, chance) - NOW == FIRST_PAUSE * factor


def test_the_dice_stay_within_the_jitter() -> None:
    pauses = [next_attempt(1, NOW) - NOW for _ in range(100)]
    assert all(FIRST_PAUSE * (1 - JITTER) <= pause <= FIRST_PAUSE * (1 + JITTER) for pause in pauses)
    assert len(set(pauses)) > 1


def test_a_sender_is_warned_before_it_is_over() -> None:
    assert DELAY_NOTICE < LIFETIME
