"""Keys of recipients, looked for in the directories of their domains while their message waits (WKD).

Who has none there is remembered for a while, so that nobody waits for the same answer again and again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from mailservices import log
from mailservices.config import Config
from mailservices.mail.address import Address
from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import KeyOrigin
from mailservices.net import directories
from mailservices.net.directories import NotFound
from mailservices.net.dns import Resolver
from mailservices.store import learnt
from mailservices.store.learnt import Found
from mailservices.store.pool import Pool

#: Recipients of one message that are looked for, and how many at once; seconds for all of them.
RECIPIENTS = 20
AT_ONCE = 5
LIMIT = 8.0
#: Seconds for which it is remembered that somebody has no key, and of how many.
NONE_SECONDS = 600.0
NONE = 10_000

_log = log.get()


class Directories:
    """One for a process."""

    def __init__(
        self, pool: Pool, resolver: Resolver, config: Config, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._resolver = resolver
        self._config = config
        self._clock = clock
        #: Address -> until when it is not asked for again.
        self._none: dict[str, float] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def find(self, account_id: int, recipients: Iterable[Address]) -> None:
        """Keep for this account whatever keys of these can be had in time."""
        asked = [one for one in dict.fromkeys(recipients) if self._none.get(_normal(one), 0.0) <= self._clock()]
        try:
            async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
                for one in asked[:RECIPIENTS]:
                    group.create_task(self._find(account_id, one))
        except TimeoutError:
            _log.info("keys not found in time", asked=len(asked))

    async def _find(self, account_id: int, recipient: Address) -> None:
        now = datetime.now(UTC)
        try:
            async with self._places:
                public, described = await directories.find(self._resolver, self._config, recipient, now)
        except NotFound as error:
            _log.info("no key found", domain=recipient.domain, cause=str(error)[:200])
            if len(self._none) >= NONE:
                self._none.clear()
            self._none[_normal(recipient)] = self._clock() + NONE_SECONDS
            return
        found = Found(_normal(recipient), public, described, now, KeyOrigin.WKD)
        try:
            await learnt.keep(self._pool, [account_id], found)
        except Unavailable:
            _log.warning("key found, but not kept", address=found.address)


def _normal(one: Address) -> str:
    return f"{one.key}@{one.domain}"
