"""What is announced of POP's choices (RFC 2449 §6.5, §6.7): to strangers, the strictest of anybody's."""

import asyncio
from contextlib import suppress

from mailservices.mail.errors import Unavailable
from mailservices.store import maildrops
from mailservices.store.maildrops import Held
from mailservices.store.pool import Pool

#: Seconds between two looks.
LOOK_SECONDS = 5.0


class Policies:
    """Those of one process, as they were a moment ago. Made inside the event loop."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        #: Days until somebody's mail expires at the earliest, None for never; the longest delay of a sign-in.
        self._expires: int | None = None
        self._delay = 0
        self._looking = asyncio.create_task(self._look_always())

    async def close(self) -> None:
        self._looking.cancel()
        await asyncio.wait([self._looking])

    async def _look_always(self) -> None:
        while True:
            with suppress(Unavailable):  # it stays as it was: the log has the cause
                self._expires, self._delay = await maildrops.extremes(self._pool)
            await asyncio.sleep(LOOK_SECONDS)

    def words(self, held: Held | None) -> list[str]:
        """EXPIRE and LOGIN-DELAY: exact for who has signed in; USER: it differs from one account to the other."""
        if held is not None:
            expires, delay, differs = 0 if held.delete_retrieved else held.expire_days, held.login_delay, ""
        else:
            expires, delay, differs = self._expires, self._delay, " USER"
        words = ["EXPIRE NEVER" if expires is None else f"EXPIRE {expires}{differs}"]
        if delay or self._delay:
            words.append(f"LOGIN-DELAY {delay}{differs}")
        return words
