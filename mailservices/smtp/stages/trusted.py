"""Whom we believe whose a certificate for mail is: the roots of the machine, and those that administrators add."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mailservices.mail.privacy import PrivacyError
from mailservices.mail.smime import certificates
from mailservices.mail.smime.trust import Roots
from mailservices.net import roots as machine
from mailservices.store import roots as added
from mailservices.store.pool import Pool

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

#: Seconds until a root that was added or taken away is seen.
KEPT_SECONDS: Final = 30.0


class Trusted:
    """Of one process; nothing is read until somebody's signature is verified."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._machine: Sequence[Certificate] | None = None
        self._roots = Roots([])
        self._fresh_until = float("-inf")

    async def roots(self, pool: Pool) -> Roots:
        """Raises Unavailable where nobody can tell."""
        if self._clock() < self._fresh_until:
            return self._roots
        brought = []
        for der in await added.read(pool):
            with suppress(PrivacyError):
                brought.append(certificates.load(der))
        if self._machine is None:
            self._machine = await asyncio.to_thread(machine.read)
        self._roots = Roots([*self._machine, *brought])
        self._fresh_until = self._clock() + KEPT_SECONDS
        return self._roots
