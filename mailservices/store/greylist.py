"""Greylisting: whether this network wrote from this domain to this recipient before, by one statement.

A row of a network with neither sender nor recipient counts the triplets of it that came again: honest hosts do.
"""

from dataclasses import dataclass
from datetime import timedelta

from mailservices.store.pool import Pool, connection

#: How long a stranger has to wait, and within what time it must have come again.
WAIT = timedelta(minutes=5)
WINDOW = timedelta(days=2)
#: How long a triplet that came again is known, from the last time on.
KNOWN = timedelta(days=35)
#: Triplets of one network that came again, after which it is known as a whole.
SUCCESSES = 5

# A known network, or a known domain whose SPF passes ($4), adds no row and is written at most once a day.
TRY = """
WITH asked AS (SELECT $1::text AS network, $2::text AS sender, $3::text AS recipient)
, known AS (
    SELECT FROM policy_greylist
    WHERE network = $1::text AND sender = '' AND recipient = '' AND successes >= $5::int
      AND last_seen > now() - $8::interval
    UNION ALL
    SELECT FROM (SELECT FROM policy_greylist
                 WHERE $4::bool AND sender = $2::text AND sender <> '' AND successes > 0
                   AND last_seen > now() - $8::interval LIMIT 1) domain
), renewed AS (
    UPDATE policy_greylist SET last_seen = now()
    WHERE network = $1::text AND sender = '' AND recipient = '' AND EXISTS (SELECT FROM known)
      AND last_seen < now() - interval '1 day'
), tried AS (
    INSERT INTO policy_greylist AS g (network, sender, recipient)
    SELECT network, sender, recipient FROM asked WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (network, sender, recipient) DO UPDATE SET
        first_seen = CASE WHEN g.successes = 0 AND g.first_seen < now() - $7::interval
                          THEN now() ELSE g.first_seen END,
        successes = CASE WHEN g.successes = 0 AND g.first_seen < now() - $7::interval THEN 0
                         ELSE g.successes + (g.first_seen <= now() - $6::interval)::int END,
        last_seen = now()
    RETURNING first_seen, successes
), counted AS (
    INSERT INTO policy_greylist AS n (network, sender, recipient, successes)
    SELECT $1::text, '', '', 1 FROM tried WHERE tried.successes = 1
    ON CONFLICT (network, sender, recipient) DO UPDATE SET successes = n.successes + 1, last_seen = now()
)
SELECT EXISTS (SELECT FROM known) OR coalesce(tried.successes, 0) > 0 AS passes,
       ceil(extract(epoch FROM tried.first_seen + $6::interval - now()))::int AS seconds
FROM asked LEFT JOIN tried ON true
"""

EXPIRE = """
DELETE FROM policy_greylist WHERE ctid IN (
    SELECT ctid FROM policy_greylist
    WHERE last_seen < now() - $3::interval OR (successes = 0 AND last_seen < now() - $2::interval)
    LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the message may pass; else in how many seconds the client may come again."""

    passes: bool
    seconds: int = 0


async def attempt(pool: Pool, network: str, sender: str, recipient: str, *, spf_passed: bool) -> Answer:
    """Count this attempt.

    Args:
        network: such as 192.0.2.0/24.
        sender: the sender's domain; empty for the null sender.
        spf_passed: the sender's domain lets this host send: where the domain is known, that is enough.
    """
    async with connection(pool) as db:
        row = await db.fetchrow(TRY, network, sender, recipient, spf_passed, SUCCESSES, WAIT, WINDOW, KNOWN)
    if row is None or row["passes"]:
        return Answer(passes=row is not None)
    return Answer(passes=False, seconds=max(1, row["seconds"]))


async def drop_greylisted(pool: Pool, limit: int) -> int:
    """Remove what is no longer known; returns how many."""
    async with connection(pool) as db:
        return int((await db.execute(EXPIRE, limit, WINDOW, KNOWN)).rpartition(" ")[2])
