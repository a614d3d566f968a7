"""What is learnt from a message that was delivered: the certificate of whoever has signed it well (S/MIME)."""

from collections.abc import Sequence

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.smtp.stages.arrival import Arrival
from mailservices.store import correspondents
from mailservices.store.pool import Pool

_log = log.get()


async def learn(pool: Pool, accounts: Sequence[int], arrival: Arrival) -> None:
    """For those accounts that wish it. The message is delivered: the next one brings what cannot be kept."""
    if arrival.learnt is None or arrival.junk or not accounts:
        return
    try:
        await correspondents.learn(pool, accounts, arrival.learnt)
    except Unavailable:
        _log.warning("certificate not learnt", address=arrival.learnt.address)
