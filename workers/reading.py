"""What keeps the text index up to date (store/wordings.py), a little at a time: mail comes first."""

import asyncio
import time

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.store import wordings
from mailservices.store.pool import Pool

#: Seconds of one round; the next comes soon.
ROUND_SECONDS = 20.0
#: Of the time that reading takes, as much again and again is left to others.
REST = 2.0

_log = log.get()


async def read(pool: Pool, rest: float = REST) -> None:
    """One round: something of each account that has anything new, until nothing is left or the time is over.

    Raises:
        Unavailable: the rest is left to the next round.
    """
    begun, count = time.monotonic(), 0
    accounts = await wordings.behind(pool)
    while accounts and time.monotonic() < begun + ROUND_SECONDS:
        left = []
        for account_id in accounts:
            started = time.monotonic()
            if read := await _read_on(pool, account_id):
                left.append(account_id)
                count += read
                await asyncio.sleep(rest * (time.monotonic() - started))
            if time.monotonic() > begun + ROUND_SECONDS:
                break
        accounts = left
    if count:
        _log.info("texts read", messages=count)


async def _read_on(pool: Pool, account_id: int) -> int:
    """One account's surprise keeps no other waiting; its mail is looked through meanwhile, and tried again."""
    try:
        return await wordings.read_on(pool, account_id)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - unknown means temporary
        _log.exception("texts not read", account=account_id, error=type(error).__name__)
        return 0
