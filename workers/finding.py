"""Keys found in the directories of other domains (WKD), looked for again: they are renewed, or others by then."""

from datetime import UTC, datetime

from mailservices import log
from mailservices.mail import address
from mailservices.mail.vocabulary import KeyOrigin
from mailservices.net import directories
from mailservices.net.directories import NotFound
from mailservices.store import learnt
from mailservices.store.learnt import Found
from workers.engine import Engine

#: Keys of one round.
ROUND = 200

_log = log.get()


async def look_again(engine: Engine) -> None:
    """One round.

    Raises:
        Unavailable: the rest is left to the next.
    """
    for one in await learnt.old(engine.pool, ROUND):
        if engine.stopping:
            return
        now = datetime.now(UTC)
        try:
            public, described = await directories.find(
                engine.resolver, engine.config, address.parse(one.address), now
            )
        except NotFound as error:
            _log.info("no newer key found", address=one.address, cause=str(error)[:200])
            await learnt.put_off(engine.pool, one)
        else:
            found = Found(one.address, public, described, now, KeyOrigin.WKD)
            await learnt.keep(engine.pool, [one.account_id], found)
