"""When to try again, when to warn, when to give up (RFC 5321 §4.5.4.1): pure functions of counts and moments."""

import random
from datetime import datetime, timedelta

#: Between the first and the second attempt; each pause is longer than the one before.
FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=4)
GROWTH = 2.0
#: Pauses differ by as much, so that what failed together is not tried together.
JITTER = 0.2
#: RFC 5321 §4.5.4.1: at least four to five days.
LIFETIME = timedelta(days=5)
#: When the sender is told that we are still trying.
DELAY_NOTICE = timedelta(hours=4)


def next_attempt(
    attempts: int,
    now: datetime,
    chance: float | None = None,
    *,
    first: timedelta | None = None,
    longest: timedelta | None = None,
) -> datetime:
    """The moment of the next try after `attempts` failed ones.

    Args:
        chance: in [0, 1); replaces the dice in tests.
        first, longest: the pauses, where an administrator has chosen others.
    """
    pause = min((first or FIRST_PAUSE) * GROWTH ** min(attempts - 1, 30), longest or LONGEST_PAUSE)
    dice = random.random() if chance is None else chance
    return now + pause * (1 + JITTER * (2 * dice - 1))
