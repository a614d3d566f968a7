"""The DKIM keys of domains: those that sign, held by each process for a minute, and what the workers do to all."""

import time
from dataclasses import dataclass
from typing import Final

from mailservices import log
from mailservices.mail.dkim import custody
from mailservices.mail.dkim.custody import KeptKey
from mailservices.mail.dkim.sign import Key
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.errors import Unavailable
from mailservices.mail.sealing import NotSealedHere
from mailservices.mail.vocabulary import KeyState
from mailservices.store.pool import Pool, connection, transaction

#: Seconds that a process holds a domain's keys, and domains of which it does. What signed before stays published,
#: so nobody notices the delay.
HELD_FOR: Final = 60.0
HELD_DOMAINS: Final = 10_000

SIGNING = """
SELECT k.selector, k.sealed FROM policy_dkim_key k JOIN directory_domain d ON d.id = k.domain_id
WHERE d.name = $1 AND k.state = 'active' ORDER BY k.algorithm DESC
"""

# Domains that lack a key: without an active one, or whose active one grows old without a next one.
LACKING = """
SELECT d.id, d.name, a.algorithm, CASE WHEN k.id IS NULL THEN 'active' ELSE 'next' END AS state
FROM directory_domain d CROSS JOIN unnest($1::text[]) AS a(algorithm)
LEFT JOIN policy_dkim_key k ON k.domain_id = d.id AND k.algorithm = a.algorithm AND k.state = 'active'
WHERE d.active AND (k.id IS NULL OR k.activated_at < now() - $2::interval)
  AND NOT EXISTS (SELECT FROM policy_dkim_key n
                  WHERE n.domain_id = d.id AND n.algorithm = a.algorithm AND n.state = 'next')
ORDER BY d.id LIMIT $3
"""
ADD = """
INSERT INTO policy_dkim_key (domain_id, selector, algorithm, state, sealed, record, activated_at)
SELECT d.id, $2, $3::text, $4::text, $5, $6, CASE WHEN $4::text = 'active' THEN now() END
FROM directory_domain d WHERE d.id = $1 FOR KEY SHARE
ON CONFLICT DO NOTHING
"""
TO_ASK = """
SELECT k.id, k.selector, d.name, k.record FROM policy_dkim_key k JOIN directory_domain d ON d.id = k.domain_id
WHERE d.active AND k.state <> 'retired' ORDER BY k.asked_at NULLS FIRST LIMIT $1
"""
ASKED = """
UPDATE policy_dkim_key SET asked_at = now(), seen_since = CASE WHEN $2 THEN coalesce(seen_since, now()) END
WHERE id = $1
"""
# A key in the DNS for a while takes the place of one that has signed long enough. Both or neither.
RIPE = """
SELECT n.id AS next_id, a.id AS active_id, d.name, n.selector
FROM policy_dkim_key n JOIN directory_domain d ON d.id = n.domain_id
JOIN policy_dkim_key a ON a.domain_id = n.domain_id AND a.algorithm = n.algorithm AND a.state = 'active'
WHERE n.state = 'next' AND n.seen_since < now() - $1::interval AND a.activated_at < now() - $2::interval
ORDER BY d.id, n.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED
"""
RETIRE = """
UPDATE policy_dkim_key SET state = 'retired', retired_at = now() WHERE id = ANY($1::bigint[]) AND state = 'active'
"""
ACTIVATE = """
UPDATE policy_dkim_key SET state = 'active', activated_at = now() WHERE id = ANY($1::bigint[]) AND state = 'next'
"""
DROP = """
DELETE FROM policy_dkim_key WHERE id IN (
    SELECT id FROM policy_dkim_key WHERE state = 'retired' AND retired_at < now() - $1::interval LIMIT $2)
"""

_log = log.get()


@dataclass(frozen=True, slots=True)
class Lack:
    """A key that a domain should have."""

    domain_id: int
    domain: str
    algorithm: Algorithm
    state: KeyState


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key whose record should be in the DNS."""

    key_id: int
    selector: str
    domain: str
    record: str


class KeyRing:
    """The keys that sign, as one process holds them."""

    def __init__(self, pool: Pool, sealing_key: bytes) -> None:
        self._pool = pool
        self._sealing_key = sealing_key
        self._held: dict[str, tuple[float, tuple[Key, ...]]] = {}

    async def of(self, domain: str) -> tuple[Key, ...]:
        """The keys that sign for a domain; none for a domain that is not ours.

        Raises:
            Unavailable: they cannot be read, so nothing may leave unsigned.
        """
        held = self._held.get(domain)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        async with connection(self._pool) as db:
            rows = await db.fetch(SIGNING, domain)
        try:
            keys = tuple(custody.opened(domain, row["selector"], row["sealed"], self._sealing_key) for row in rows)
        except NotSealedHere as error:
            _log.error("DKIM key cannot be opened: was FACTEUR_SECRET_KEY changed?", domain=domain)
            raise Unavailable from error
        if len(self._held) >= HELD_DOMAINS:
            self._held.clear()
        self._held[domain] = (time.monotonic() + HELD_FOR, keys)
        return keys

    async def nearest(self, host: str) -> tuple[str, tuple[Key, ...]]:
        """The keys of a host's own domain or of the next one above it that has some, and its name."""
        domain = host
        while "." in domain:
            if keys := await self.of(domain):
                return domain, keys
            domain = domain.partition(".")[2]
        return host, ()


async def lacking(pool: Pool, limit: int) -> list[Lack]:
    """Keys that are to be made: first ones, and next ones in time."""
    age = custody.ACTIVE_FOR - custody.NEXT_BEFORE
    async with connection(pool) as db:
        rows = await db.fetch(LACKING, [one.value for one in Algorithm], age, limit)
    return [Lack(row["id"], row["name"], Algorithm(row["algorithm"]), KeyState(row["state"])) for row in rows]


async def add(pool: Pool, lack: Lack, key: KeptKey) -> None:
    """Keep a new key, unless somebody else has just made one."""
    async with connection(pool) as db:
        await db.execute(
            ADD, lack.domain_id, key.selector, key.algorithm.value, lack.state.value, key.sealed, key.record
        )


async def to_ask(pool: Pool, limit: int) -> list[PublishedKey]:
    """Keys whose records are to be looked for, those first that nobody looked for the longest."""
    async with connection(pool) as db:
        return [PublishedKey(*row) for row in await db.fetch(TO_ASK, limit)]


async def asked(pool: Pool, key_id: int, *, seen: bool) -> None:
    """The DNS was asked: its record was there, or not."""
    async with connection(pool) as db:
        await db.execute(ASKED, key_id, seen)


async def rotate(pool: Pool, limit: int) -> list[str]:
    """Let keys sign whose time has come; the domains."""
    async with transaction(pool) as db:
        rows = await db.fetch(RIPE, custody.SEEN_FOR, custody.ACTIVE_FOR, limit)
        await db.execute(RETIRE, [row["active_id"] for row in rows])
        await db.execute(ACTIVATE, [row["next_id"] for row in rows])
    return [row["name"] for row in rows]


async def drop_retired(pool: Pool, limit: int) -> int:
    """Forget keys of which no mail is on its way any more."""
    async with connection(pool) as db:
        return int((await db.execute(DROP, custody.RETIRED_FOR, limit)).rpartition(" ")[2])
