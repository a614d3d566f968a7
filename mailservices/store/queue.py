"""The outgoing queue: claim, renew, settle. PostgreSQL is the queue; Celery is only the hands.

A claim is one conditional UPDATE with a lease; settling is one transaction that names the lease. A worker that
dies loses its lease, never the mail; one that lost its lease settles nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mailservices.mail import privacy
from mailservices.mail.vocabulary import Event, QueueState
from mailservices.mail.webhooks import OF_STATE, Happening
from mailservices.store import webhooks
from mailservices.store.ids import new_id
from mailservices.store.pool import Connection, Pool, connection

#: How long a claim holds unless it is renewed.
LEASE = timedelta(seconds=20)
#: How long after a start of PostgreSQL a lease that ran out meanwhile is left to whoever had it.
SETTLE_FIRST = timedelta(seconds=5)

# next_attempt_at moves to the lease's end, so that what is due holds nothing that is being worked on. A lease that
# ran out while the database was away is no dead worker's: whoever has it may settle first.
# An array, for of a LIMIT that it does not know PostgreSQL expects a tenth of the table, and would read all of it.
# Each priority that waits is looked at on its own, the highest first: a walk along the index, however long it is.
# Several destinations are claimed together, each once.
CLAIM = """
WITH RECURSIVE wanted AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[]) AS w(destination, most, lease)
), levels AS (
    SELECT w.destination, (
        SELECT r.priority FROM queue_recipient r WHERE r.destination = w.destination AND r.state = 'waiting'
        ORDER BY r.priority DESC LIMIT 1) AS priority
    FROM wanted w
    UNION ALL
    SELECT l.destination, (
        SELECT r.priority FROM queue_recipient r
        WHERE r.destination = l.destination AND r.state = 'waiting' AND r.priority < l.priority
        ORDER BY r.priority DESC LIMIT 1)
    FROM levels l WHERE l.priority IS NOT NULL
), due AS (
    SELECT found.recipient_id, w.lease FROM wanted w CROSS JOIN LATERAL (
        SELECT one.recipient_id FROM levels l CROSS JOIN LATERAL (
            SELECT recipient_id FROM queue_recipient
            WHERE destination = w.destination AND priority = l.priority AND state = 'waiting'
              AND next_attempt_at <= now()
              AND (lease_until IS NULL
                   OR lease_until <= now() AND pg_postmaster_start_time() <= now() - $5::interval)
            ORDER BY next_attempt_at LIMIT w.most FOR UPDATE SKIP LOCKED) one
        WHERE l.destination = w.destination LIMIT w.most) found
)
UPDATE queue_recipient r
SET lease = due.lease, lease_until = now() + $4::interval, next_attempt_at = now() + $4::interval
FROM due WHERE r.recipient_id = ANY(ARRAY(SELECT recipient_id FROM due)) AND r.recipient_id = due.recipient_id
RETURNING r.lease, r.recipient_id, r.message_id, r.address, r.orcpt, r.notify, r.attempts, r.delay_reported_at,
          r.expires_at, r.route_id, r.received_as
"""

RENEW = """
UPDATE queue_recipient SET lease_until = now() + $2::interval, next_attempt_at = now() + $2::interval
WHERE recipient_id = ANY($3::bigint[]) AND lease = $1 AND state = 'waiting'
"""

RELEASE = """
UPDATE queue_recipient SET lease = NULL, lease_until = NULL, next_attempt_at = now()
WHERE recipient_id = ANY($2::bigint[]) AND lease = $1 AND state = 'waiting'
"""

MESSAGES = """
SELECT message_id, created_at, expires_at, account_id, sender, envid, ret, eightbit, smtputf8, message_id_field,
       size, prefix, header, blob_id, priority, require_tls, deliver_by, by_mode, future_release
FROM queue_message WHERE message_id = ANY($1::uuid[])
"""

SETTLE = """
UPDATE queue_recipient
SET state = $3::text, attempts = attempts + 1, next_attempt_at = coalesce($4, next_attempt_at), last_reply = $5,
    report_due = CASE WHEN $6::text = '' THEN report_due ELSE $6 END,
    delay_reported_at = CASE WHEN $6 = 'delayed' THEN now() ELSE delay_reported_at END,
    settled_at = CASE WHEN $3 = 'waiting' THEN NULL ELSE now() END,
    lease = NULL, lease_until = NULL
WHERE recipient_id = $1 AND lease = $2
"""

# What those who asked for a report are told of needs the header's names and dates only: of the text nothing.
FORGET = """
UPDATE queue_message m SET header = $2, size = length(m.prefix) + length($2::bytea), blob_id = $3
FROM queue_message old
WHERE m.message_id = $1 AND old.message_id = m.message_id AND NOT EXISTS (
    SELECT FROM queue_recipient r
    WHERE r.message_id = m.message_id AND (r.settled_at IS NULL OR r.report_due = 'failed'))
RETURNING old.blob_id
"""
FORGET_BODY = """
DELETE FROM mail_blob b WHERE b.blob_id = $1
  AND NOT EXISTS (SELECT FROM mail_content c WHERE c.blob_id = $1)
  AND NOT EXISTS (SELECT FROM queue_message q WHERE q.blob_id = $1)
"""
HEADER_OF = """
SELECT m.message_id, m.header FROM queue_message m JOIN queue_recipient r ON r.message_id = m.message_id
WHERE r.recipient_id = $1 FOR UPDATE OF m
"""

TOLD_OF = """
SELECT m.message_id, m.sender, r.address, m.message_id_field, m.envid
FROM queue_recipient r JOIN queue_message m ON m.message_id = r.message_id WHERE r.recipient_id = $1
"""

# From one destination to the next, and of each only what is due first: a hundred thousand messages for one cost no
# more than one.
DUE = """
WITH RECURSIVE waiting AS (
    (SELECT destination FROM queue_recipient WHERE state = 'waiting' ORDER BY destination LIMIT 1)
    UNION ALL
    SELECT (SELECT r.destination FROM queue_recipient r
            WHERE r.state = 'waiting' AND r.destination > waiting.destination ORDER BY r.destination LIMIT 1)
    FROM waiting WHERE waiting.destination IS NOT NULL
)
SELECT waiting.destination FROM waiting CROSS JOIN LATERAL (
    SELECT next_attempt_at FROM queue_recipient
    WHERE destination = waiting.destination AND state = 'waiting' ORDER BY next_attempt_at LIMIT 1) first
WHERE first.next_attempt_at <= now() ORDER BY first.next_attempt_at LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A recipient of the queue whose message the delivery puts into a mailbox here."""

    recipient_id: int
    lease: UUID
    #: A kind of report that is due then, or empty.
    report: str
    #: Whether it was sent on to all that it stands for, rather than delivered.
    expanded: bool = False
    #: Whether it lies encrypted here: then the queue's copy is not kept once nobody waits for it.
    forgets: bool = False


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message that waits: what the client needs to send it, without its body."""

    message_id: UUID
    created_at: datetime
    expires_at: datetime
    account_id: int | None
    sender: str
    envid: str
    ret: str
    eightbit: bool
    smtputf8: bool
    message_id_field: str
    size: int
    prefix: bytes
    header: bytes
    blob_id: UUID
    priority: int = 0
    require_tls: bool = False
    deliver_by: datetime | None = None
    by_mode: str = ""
    future_release: str = ""

    @property
    def body_size(self) -> int:
        return self.size - len(self.prefix) - len(self.header)


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """One claimed recipient."""

    recipient_id: int
    message_id: UUID
    address: str
    orcpt: str
    notify: tuple[str, ...] | None
    attempts: int
    delay_reported: bool
    #: An end of its own, and a route, that an administrator has chosen.
    expires_at: datetime | None = None
    route_id: int | None = None
    #: The address by which it came to us; empty: the same.
    received_as: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one worker holds for one destination, until its lease ends."""

    lease: UUID
    destination: str
    recipients: tuple[QueuedRecipient, ...]
    messages: dict[UUID, QueuedMessage]

    @property
    def recipient_ids(self) -> list[int]:
        return [one.recipient_id for one in self.recipients]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A destination to claim for, and how many recipients at most."""

    destination: str
    limit: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try for one recipient and what follows from it."""

    recipient: QueuedRecipient
    #: RELAYED, DEFERRED or FAILED.
    outcome: Event
    state: QueueState
    #: None where nothing follows.
    next_attempt_at: datetime | None
    #: A kind of report that is now due, or empty.
    report: str
    seconds: float
    stage: str
    host: str = ""
    address: str = ""
    tls: str = ""
    code: int = 0
    enhanced: str = ""
    text: str = ""
    #: What TLS came to, and who wanted it to; such as "opportunistic: encrypted".
    verdict: str = ""
    #: What a failure is about; empty where it was none.
    about: str = ""

    @property
    def reply(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}".replace("  ", " ") if self.code else self.text


class LeaseLost(Exception):
    """Another worker may have this recipient by now."""


async def settle_delivered(db: Connection, settlement: Settlement, wanted: frozenset[str] = frozenset()) -> None:
    """Mark a recipient as delivered, in the transaction that does it, and let hooks know.

    Raises:
        LeaseLost: the claim holds no longer, so this must not be.
    """
    state = QueueState.EXPANDED if settlement.expanded else QueueState.DELIVERED
    done = await db.execute(SETTLE, settlement.recipient_id, settlement.lease, state, None, "", settlement.report)
    if done != "UPDATE 1":
        raise LeaseLost
    if settlement.forgets:
        await _forget(db, settlement.recipient_id)
    kind = OF_STATE[state]
    if kind in wanted:
        [[message_id, *known]] = await db.fetch(TOLD_OF, settlement.recipient_id)
        await webhooks.note(db, [Happening(kind, datetime.now(UTC), message_id.hex, *known)])


async def _forget(db: Connection, recipient_id: int) -> None:
    """Of a message that nobody waits for any more, keep no text in the queue."""
    [[message_id, header]] = await db.fetch(HEADER_OF, recipient_id)
    listed = privacy.outer_of_arrived(header, hide_subject=True) + b"\r\n"
    blob_id = await db.fetchval(FORGET, message_id, listed, new_id())
    if blob_id is not None:
        await db.execute(FORGET_BODY, blob_id)


async def due(pool: Pool, limit: int) -> list[str]:
    """Destinations that have something due, the longest waiting first."""
    async with connection(pool) as db:
        return [row["destination"] for row in await db.fetch(DUE, limit)]


async def claim(pool: Pool, destination: str, limit: int) -> Claim | None:
    """Take what is due for a destination, if anything is."""
    [found] = await claim_all(pool, [Wanted(destination, limit)])
    return found


async def claim_all(pool: Pool, wanted: Sequence[Wanted]) -> list[Claim | None]:
    """Likewise for several at once, in their order; one that is named twice is asked for again."""
    claims: list[Claim | None] = [None] * len(wanted)
    left = list(enumerate(wanted))
    while left:
        together = {one.destination: (place, one) for place, one in reversed(left)}
        left = [(place, one) for place, one in left if together[one.destination][0] != place]
        for (place, _), found in zip(together.values(), await _claim(pool, together.values()), strict=True):
            claims[place] = found
    return claims


async def _claim(pool: Pool, together: Collection[tuple[int, Wanted]]) -> list[Claim | None]:
    leases = {new_id(): one.destination for _, one in together}
    limits = [one.limit for _, one in together]
    async with connection(pool) as db:
        rows = await db.fetch(CLAIM, list(leases.values()), limits, list(leases), LEASE, SETTLE_FIRST)
        if not rows:
            return [None] * len(leases)
        messages = await db.fetch(MESSAGES, list({row["message_id"] for row in rows}))
    known = {row["message_id"]: QueuedMessage(*row) for row in messages}
    held: dict[UUID, list[QueuedRecipient]] = {}
    for row in sorted(rows, key=lambda row: row["recipient_id"]):
        held.setdefault(row["lease"], []).append(_recipient(row))
    return [
        Claim(
            lease, destination, tuple(held[lease]), {one.message_id: known[one.message_id] for one in held[lease]}
        )
        if lease in held
        else None
        for lease, destination in leases.items()
    ]


def _recipient(row: Any) -> QueuedRecipient:
    notify = None if row["notify"] is None else tuple(row["notify"])
    return QueuedRecipient(
        row["recipient_id"],
        row["message_id"],
        row["address"],
        row["orcpt"],
        notify,
        row["attempts"],
        row["delay_reported_at"] is not None,
        row["expires_at"],
        row["route_id"],
        row["received_as"],
    )


async def renew(pool: Pool, claim: Claim) -> None:
    """Hold a claim for another while."""
    async with connection(pool) as db:
        await db.execute(RENEW, claim.lease, LEASE, claim.recipient_ids)


async def release(pool: Pool, claim: Claim) -> None:
    """Give back what was not tried: it is due at once."""
    async with connection(pool) as db:
        await db.execute(RELEASE, claim.lease, claim.recipient_ids)
