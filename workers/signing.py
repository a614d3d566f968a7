"""What is done to DKIM keys every quarter of an hour: missing ones made, records looked for, ripe ones let sign.

- a domain without keys gets its first ones; a month before its keys are due, the next ones
- the DNS is asked for every record that should be there, so that the pages can say whether it is
- the next key signs once its record has been seen for two days, never before: mail must not be signed in vain
- what signed before stays for two weeks; then the pages do not ask for its record any more
"""

import asyncio
from datetime import UTC, datetime

from mailservices import log
from mailservices.mail.dkim import custody, keys
from mailservices.mail.errors import ProtocolError
from mailservices.mail.questions import Found, Trouble, Txt
from mailservices.store import keys as store
from mailservices.store.keys import PublishedKey
from workers.engine import Engine

#: Keys of one round: made, asked for, rotated, dropped. The next round goes on.
MADE = 200
ASKED = 1000
ROTATED = 1000
#: Questions to the DNS at once.
AT_ONCE = 20

_log = log.get()


async def tend(engine: Engine) -> None:
    """One round.

    Raises:
        Unavailable: the rest is left to the next round.
    """
    for lack in await store.lacking(engine.pool, MADE):
        # In a thread: an RSA key takes a tenth of a second and more.
        key = await asyncio.to_thread(
            custody.new, lack.domain, lack.algorithm, engine.config.sealing_key, datetime.now(UTC).date()
        )
        await store.add(engine.pool, lack, key)
        _log.info("DKIM key made", domain=lack.domain, selector=key.selector, state=lack.state)
    places = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_look(engine, key, places) for key in await store.to_ask(engine.pool, ASKED)))
    for domain in await store.rotate(engine.pool, ROTATED):
        _log.info("DKIM keys rotated", domain=domain)
    await store.drop_retired(engine.pool, ROTATED)


async def _look(engine: Engine, published: PublishedKey, places: asyncio.Semaphore) -> None:
    async with places:
        answer = await engine.resolver.ask(Txt(custody.name(published.domain, published.selector)))
        # Who cannot be asked now may still have it: what was known stays.
        if not isinstance(answer, Trouble):
            seen = isinstance(answer, Found) and any(_same(octets, published.record) for octets in answer.records)
            await store.asked(engine.pool, published.key_id, seen=seen)


def _same(octets: object, record: str) -> bool:
    """Whether a record has this key, however it is spelt."""
    try:
        found = keys.parse(octets) if isinstance(octets, bytes) else None
    except ProtocolError:
        return False
    return found is not None and found.key is not None and found.key == keys.parse(record.encode()).key
