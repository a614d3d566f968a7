"""What is learnt from a message that was delivered: the certificate of whoever has signed it well (S/MIME), and
the key that its author tells (Autocrypt), where the domain in From bears her out.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from mailservices import log
from mailservices.mail import autocrypt
from mailservices.mail.errors import Unavailable
from mailservices.mail.findings import Finding, Result
from mailservices.mail.vocabulary import KeyOrigin
from mailservices.smtp.stages.arrival import Arrival
from mailservices.store import correspondents, learnt
from mailservices.store.learnt import Found
from mailservices.store.pool import Pool

#: What an Autocrypt field begins with; few messages have it.
_WORD = b"autocrypt:"

_log = log.get()


async def learn(pool: Pool, accounts: Sequence[int], arrival: Arrival) -> None:
    """For those accounts that wish it. The message is delivered: the next one brings what cannot be kept."""
    if arrival.junk or not accounts:
        return
    try:
        if arrival.learnt is not None:
            await correspondents.learn(pool, accounts, arrival.learnt)
        if _WORD in arrival.header.lower() and _is_borne_out(arrival):
            await _from_autocrypt(pool, accounts, arrival.header)
    except Unavailable:
        _log.warning("key not learnt", accounts=list(accounts))
    except Exception as error:  # noqa: BLE001 - whoever hears of a failure sends the message once more
        _log.exception("key not learnt", error=type(error).__name__)


async def _from_autocrypt(pool: Pool, accounts: Sequence[int], header: bytes) -> None:
    learners = await learnt.learners(pool, accounts)
    if not learners:
        return
    told = await asyncio.to_thread(autocrypt.read, header, datetime.now(UTC))
    if told is not None:
        found = Found(
            told.address, told.public, told.described, told.moment, KeyOrigin.AUTOCRYPT, told.prefers_encryption
        )
        await learnt.keep(pool, learners, found)


def _is_borne_out(arrival: Arrival) -> bool:
    """DMARC says so, or the domain in From has signed it: Autocrypt itself proves nothing."""
    domain = autocrypt.author(arrival.header).rpartition("@")[2]
    return any(
        one.result is Result.PASS and (one.method == "dmarc" or (one.method == "dkim" and _signs(one, domain)))
        for one in arrival.findings
    )


def _signs(finding: Finding, domain: str) -> bool:
    return bool(domain) and ("header.d", domain) in finding.properties
