"""COMMIT was sent, but no answer came: what became of it?

To say "later" of what was committed would have the client do it again, and a message would be there twice. So the
database is asked, as soon as it can be; the question takes the same locks first, which are had only once that
transaction has ended.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import chain, repeat

from mailservices import log
from mailservices.store.pool import Connection, Pool, acquired

#: Seconds in which the database is asked, and between two questions.
DOUBT_LIMIT = 20.0
DOUBT_PAUSE = 0.5

_log = log.get()


async def stands(pool: Pool, ask: Callable[[Connection], Awaitable[bool]]) -> bool:
    """Whether it was committed; False also where nobody could tell in time."""
    found: bool | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(DOUBT_LIMIT):
            for pause in chain([0.0], repeat(DOUBT_PAUSE)):
                await asyncio.sleep(pause)
                if (found := await _asked(pool, ask)) is not None:
                    break
    _log.warning("commit in doubt", committed=found)
    return bool(found)


async def _asked(pool: Pool, ask: Callable[[Connection], Awaitable[bool]]) -> bool | None:
    try:
        async with acquired(pool) as db, db.transaction():
            return await ask(db)
    except Exception as error:  # noqa: BLE001 - it is asked again; nobody may wait for ever
        _log.warning("doubt remains", error=type(error).__name__)
        return None
