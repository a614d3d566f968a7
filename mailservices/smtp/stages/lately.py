"""What was found out of the same client a moment ago: many messages come one behind the other."""

import time
from collections.abc import Callable, Hashable

from mailservices.mail.findings import Result

#: Seconds for which it holds: enough for a burst of mail, less than DNS records live; and how many are held.
HELD_SECONDS = 2.0
HELD = 10_000


class Lately:
    """Results by what was asked. The oldest makes place for the newest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[float, Result]] = {}

    def get(self, asked: Hashable) -> Result | None:
        until, result = self._known.get(asked, (0.0, None))
        return result if until > self._clock() else None

    def put(self, asked: Hashable, result: Result) -> None:
        self._known.pop(asked, None)
        if len(self._known) >= HELD:
            del self._known[next(iter(self._known))]
        self._known[asked] = self._clock() + HELD_SECONDS, result
