"""Which DNS lists still answer: one that fails again and again is passed over for a while, loudly.

A list that is silent for a moment delays mail, for nobody could tell; one that is gone must not stop all mail.
"""

import time
from collections.abc import Callable

from mailservices import log

#: Failures in a row, and seconds for which the list is then not asked.
FAILURES = 20
PASSED_OVER = 600.0

_log = log.get()


class Listings:
    """Of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def usable(self, zone: str) -> bool:
        return self._until.get(zone, 0.0) <= self._clock()

    def answered(self, zone: str) -> None:
        self._failures.pop(zone, None)

    def failed(self, zone: str) -> None:
        """It did not answer."""
        self._failures[zone] = self._failures.get(zone, 0) + 1
        if self._failures[zone] >= FAILURES:
            self.broken(zone, "does not answer")

    def broken(self, zone: str, why: str) -> None:
        """It answers with an error of its own, or no more: it is not asked for a while."""
        self._failures.pop(zone, None)
        self._until[zone] = self._clock() + PASSED_OVER
        _log.warning("DNS list passed over", zone=zone, why=why, seconds=PASSED_OVER)
