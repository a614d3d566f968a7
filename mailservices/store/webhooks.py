"""Webhooks: what is to be told to whom, written with what it tells of; claimed, tried and settled by the workers.

A hook's lease makes one worker at a time its messenger, so that a slow hook delays nobody else's.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mailservices.mail.webhooks import KEPT, PATIENCE, Happening
from mailservices.store.ids import new_id
from mailservices.store.pool import Connection, Pool, connection, transaction

#: Seconds until a new hook, or the last one's end, is seen.
KEPT_SECONDS = 3.0
#: How long a hook is one worker's: longer than a round of requests takes.
LEASE = timedelta(minutes=3)

WANTED = "SELECT DISTINCT unnest(kinds) FROM webhook WHERE active"
NOTE = """
INSERT INTO webhook_delivery (webhook_id, kind, body)
SELECT w.id, h.kind, h.body
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS h(kind, body, sender, recipient)
JOIN webhook w ON w.active AND h.kind = ANY(w.kinds) AND (w.domain = '' OR w.domain IN (h.sender, h.recipient))
"""
CLAIM = """
UPDATE webhook SET lease = $1, lease_until = now() + $2::interval
WHERE id IN (
    SELECT w.id FROM webhook w
    WHERE w.active AND (w.lease_until IS NULL OR w.lease_until <= now())
      AND EXISTS (SELECT FROM webhook_delivery d
                  WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.next_try_at <= now())
    ORDER BY w.id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, url, secret
"""
RELEASE = "UPDATE webhook SET lease = NULL, lease_until = NULL WHERE id = $1 AND lease = $2"
DUE = """
SELECT d.delivery_id, d.body, d.tries FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
WHERE d.webhook_id = $1 AND w.lease = $2 AND w.active AND d.state = 'waiting' AND d.next_try_at <= now()
ORDER BY d.next_try_at LIMIT $3
"""
SETTLE = """
WITH tried AS (
    UPDATE webhook_delivery d
    SET tries = d.tries + 1, state = $4::text, next_try_at = coalesce($5, d.next_try_at),
        settled_at = CASE WHEN $4 = 'waiting' THEN NULL ELSE now() END
    FROM webhook w
    WHERE d.delivery_id = $1 AND d.state = 'waiting' AND w.id = d.webhook_id AND w.lease = $2
    RETURNING d.delivery_id, d.webhook_id
), recorded AS (
    INSERT INTO webhook_try (delivery_id, seconds, code, text) SELECT delivery_id, $6, $7, $8 FROM tried
)
UPDATE webhook w
SET failing_since = CASE WHEN $4 = 'done' THEN NULL ELSE coalesce(w.failing_since, now()) END,
    active = w.active AND NOT $3::boolean AND ($4 = 'done' OR w.failing_since IS NULL
                                               OR w.failing_since > now() - $9::interval),
    switched_off = CASE WHEN $3 THEN 'Its host said that it is gone (410)'
                        WHEN $4 <> 'done' AND w.failing_since <= now() - $9::interval
                        THEN 'Nobody took anything for days'
                        ELSE w.switched_off END
FROM tried WHERE w.id = tried.webhook_id
RETURNING w.active
"""
DROP = """
WITH old AS (
    SELECT delivery_id FROM webhook_delivery WHERE created_at < now() - $2::interval LIMIT $1
), tries AS (
    DELETE FROM webhook_try WHERE delivery_id IN (SELECT delivery_id FROM old)
)
DELETE FROM webhook_delivery WHERE delivery_id IN (SELECT delivery_id FROM old)
"""


class Hooks:
    """Whether anybody wants to be told, as a process knows it: asked once in some seconds."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._fresh_until = float("-inf")
        self._kinds: frozenset[str] = frozenset()
        self._lock = asyncio.Lock()

    @property
    def any(self) -> bool:
        """Whether there were hooks when it was last asked."""
        return bool(self._kinds)

    async def wanted(self) -> frozenset[str]:
        """The kinds of happenings that some hook is told of; empty without hooks. Raises Unavailable."""
        if self._clock() >= self._fresh_until:
            async with self._lock:
                if self._clock() >= self._fresh_until:
                    async with connection(self._pool) as db:
                        self._kinds = frozenset(row[0] for row in await db.fetch(WANTED))
                    self._fresh_until = self._clock() + KEPT_SECONDS
        return self._kinds


async def note(db: Connection, happenings: Sequence[Happening]) -> int:
    """Let hooks know of these, in the caller's transaction; to how many of them there is something to tell."""
    if not happenings:
        return 0
    domains = [one.domains for one in happenings]
    done = await db.execute(
        NOTE,
        [one.kind for one in happenings],
        [one.body() for one in happenings],
        [sender for sender, _ in domains],
        [recipient for _, recipient in domains],
    )
    return int(done.rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook that a worker has for a while."""

    webhook_id: int
    lease: UUID
    url: str
    #: Sealed (mail/sealing.py).
    secret: bytes


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told."""

    delivery_id: UUID
    body: str
    #: How often it was tried.
    tries: int


@dataclass(frozen=True, slots=True)
class Try:
    """What came of a request."""

    taken: bool
    seconds: float
    #: 0: nobody answered.
    code: int
    text: str
    #: None: never again.
    next_try_at: datetime | None
    #: Its host wants no more.
    gone: bool = False


async def claim(pool: Pool, limit: int) -> list[Hook]:
    """Hooks to which something is to be told now, and which nobody else has."""
    lease = new_id()
    async with connection(pool) as db:
        rows = await db.fetch(CLAIM, lease, LEASE, limit)
    return [Hook(row["id"], lease, row["url"], row["secret"]) for row in rows]


async def release(pool: Pool, hook: Hook) -> None:
    """Others may have it."""
    async with connection(pool) as db:
        await db.execute(RELEASE, hook.webhook_id, hook.lease)


async def due(pool: Pool, hook: Hook, limit: int) -> list[Due]:
    """What is to be told to a hook that we still have, the longest waiting first."""
    async with connection(pool) as db:
        return [Due(*row) for row in await db.fetch(DUE, hook.webhook_id, hook.lease, limit)]


async def settle(pool: Pool, hook: Hook, told: Due, tried: Try) -> bool:
    """Write what came of it; whether the hook still wants to be told."""
    state = "done" if tried.taken else "waiting" if tried.next_try_at and not tried.gone else "failed"
    async with transaction(pool) as db:
        rows: list[Any] = await db.fetch(
            SETTLE, told.delivery_id, hook.lease, tried.gone, state, tried.next_try_at, tried.seconds, tried.code,
            tried.text, PATIENCE,
        )  # fmt: skip
    return bool(rows and rows[0]["active"])


async def drop_told(pool: Pool, limit: int) -> int:
    """Forget what was told long ago, or never."""
    async with connection(pool) as db:
        return int((await db.execute(DROP, limit, KEPT)).rpartition(" ")[2])
