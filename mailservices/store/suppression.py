"""Addresses that do not exist, as their hosts have said: after so many times nothing is sent there for a while."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from mailservices.mail.suppressing import HELD_FOR, HITS
from mailservices.store.gathering import Gathering
from mailservices.store.pool import Connection, Pool, connection

HIT = """
INSERT INTO queue_suppression (address, hits, reason, expires_at) VALUES ($1, 1, $2, now() + $3::interval)
ON CONFLICT (address) DO UPDATE SET
    hits = CASE WHEN queue_suppression.expires_at < now() THEN 1 ELSE queue_suppression.hits + 1 END,
    since = CASE WHEN queue_suppression.expires_at < now() THEN now() ELSE queue_suppression.since END,
    reason = EXCLUDED.reason, expires_at = greatest(queue_suppression.expires_at, EXCLUDED.expires_at)
WHERE queue_suppression.hits > 0
"""
SUPPRESSED = """
SELECT address, reason FROM queue_suppression
WHERE address = ANY($1::text[]) AND (hits >= $2 OR hits = 0) AND expires_at > now()
"""
DROP = """
DELETE FROM queue_suppression
WHERE address IN (SELECT address FROM queue_suppression WHERE expires_at < now() LIMIT $1)
"""


async def hit(db: Connection, address: str, reason: str) -> None:
    """A host has said that nobody is there, in the transaction that settles it."""
    await db.execute(HIT, address.lower(), reason[:500], HELD_FOR)


#: Addresses that are asked for together with those of others; an answer may tell of all of them.
Suppressed: TypeAlias = Gathering[Sequence[str], Mapping[str, str]]


def together(pool: Pool) -> Suppressed:
    """For one process. Made inside the event loop."""

    async def ask(questions: Sequence[Sequence[str]]) -> list[Mapping[str, str]]:
        found = await suppressed(pool, [address for addresses in questions for address in addresses])
        return [found] * len(questions)

    return Gathering(ask)


async def suppressed(pool: Pool, addresses: Sequence[str]) -> dict[str, str]:
    """Those of these addresses that get nothing now, in lower case, and why."""
    async with connection(pool) as db:
        rows = await db.fetch(SUPPRESSED, [one.lower() for one in addresses], HITS)
    return {row["address"]: row["reason"] for row in rows}


async def drop_suppressions(pool: Pool, limit: int) -> int:
    """Forget what no longer holds."""
    async with connection(pool) as db:
        return int((await db.execute(DROP, limit)).rpartition(" ")[2])
