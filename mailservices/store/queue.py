"""The outgoing queue: enqueue, claim, renew, settle. PostgreSQL is the queue; Celery is only the hands.

A claim is one conditional UPDATE with a lease; settling is one transaction that names the lease. A worker that
dies loses its lease, never the mail; one that lost its lease settles nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mailservices.mail.vocabulary import Event, QueueState
from mailservices.store import trace
from mailservices.store.bodies import Body
from mailservices.store.ids import new_id
from mailservices.store.pool import Connection, Pool, connection, transaction
from mailservices.store.rows import Rows

#: How long a claim holds unless it is renewed.
LEASE = timedelta(seconds=20)
#: How long after a start of PostgreSQL a lease that ran out meanwhile is left to whoever had it.
SETTLE_FIRST = timedelta(seconds=5)

MESSAGE_COLUMNS = (
    "message_id", "expires_at", "account_id", "sender", "envid", "ret", "eightbit", "smtputf8", "message_id_field",
    "size", "prefix", "header", "blob_id", "priority", "require_tls", "deliver_by", "by_mode", "future_release",
)  # fmt: skip
RECIPIENT_COLUMNS = ("message_id", "address", "destination", "orcpt", "notify", "priority")
HELD_COLUMNS = (*RECIPIENT_COLUMNS, "next_attempt_at")
STOPPED_COLUMNS = (*RECIPIENT_COLUMNS, "state", "last_reply")
HELD_WORDS = "Held: its sender has sent too much today"
SETTLED_COLUMNS = (*RECIPIENT_COLUMNS, "state", "report_due", "settled_at")

# next_attempt_at moves to the lease's end, so that the index of what is due holds nothing that is being worked on.
# A lease that ran out while the database was away is no dead worker's: whoever has it may settle first.
CLAIM = """
UPDATE queue_recipient r
SET lease = $3, lease_until = now() + $4::interval, next_attempt_at = now() + $4::interval
FROM (SELECT recipient_id FROM queue_recipient
      WHERE destination = $1 AND state = 'waiting' AND next_attempt_at <= now()
        AND (lease_until IS NULL
             OR lease_until <= now() AND pg_postmaster_start_time() <= now() - $5::interval)
      ORDER BY priority DESC, next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
WHERE r.recipient_id = due.recipient_id
RETURNING r.recipient_id, r.message_id, r.address, r.orcpt, r.notify, r.attempts, r.delay_reported_at
"""

RENEW = """
UPDATE queue_recipient SET lease_until = now() + $2::interval, next_attempt_at = now() + $2::interval
WHERE lease = $1 AND state = 'waiting'
"""

RELEASE = """
UPDATE queue_recipient SET lease = NULL, lease_until = NULL, next_attempt_at = now()
WHERE lease = $1 AND state = 'waiting'
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

RECORD = """
INSERT INTO queue_attempt (recipient_id, seconds, outcome, host, address, tls, stage, code, enhanced, text)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

DUE = """
SELECT destination FROM queue_recipient
WHERE state = 'waiting' AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
GROUP BY destination ORDER BY min(next_attempt_at) LIMIT $1
"""

HELD = """
SELECT count(*) FROM queue_message m WHERE m.account_id = $1 AND m.future_release <> ''
   AND EXISTS (SELECT FROM queue_recipient r WHERE r.message_id = m.message_id AND r.state = 'waiting')
"""


@dataclass(frozen=True, slots=True)
class OutgoingRecipient:
    """One recipient to be queued; `notify` is None where NOTIFY was absent."""

    address: str
    destination: str
    orcpt: str = ""
    notify: tuple[str, ...] | None = None
    #: A report that is due at once: it is not to be sent any more, only to be told of.
    report: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be queued, and its recipients."""

    recipients: tuple[OutgoingRecipient, ...]
    #: Empty for the null path.
    sender: str
    expires_at: datetime
    prefix: bytes
    header: bytes
    body: Body
    message_id: UUID
    account_id: int | None = None
    envid: str = ""
    ret: str = ""
    eightbit: bool = False
    smtputf8: bool = False
    message_id_field: str = ""
    priority: int = 0
    require_tls: bool = False
    deliver_by: datetime | None = None
    #: RFC 2852 §4: R or N, and T after it; empty without deliver_by.
    by_mode: str = ""
    #: When it may go, and how that was asked for (RFC 4865 §5.1.2).
    release_at: datetime | None = None
    future_release: str = ""
    #: Until the administrator lets it go.
    held: bool = False

    @property
    def size(self) -> int:
        return len(self.prefix) + len(self.header) + self.body.size


@dataclass(frozen=True, slots=True)
class Settlement:
    """A recipient of the queue whose message the delivery puts into a mailbox here."""

    recipient_id: int
    lease: UUID
    #: A kind of report that is due then, or empty.
    report: str


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


@dataclass(frozen=True, slots=True)
class Claim:
    """What one worker holds for one destination, until its lease ends."""

    lease: UUID
    destination: str
    recipients: tuple[QueuedRecipient, ...]
    messages: dict[UUID, QueuedMessage]


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

    @property
    def reply(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}".replace("  ", " ") if self.code else self.text


class LeaseLost(Exception):
    """Another worker may have this recipient by now."""


def rows(messages: Sequence[Outgoing], now: datetime | None = None) -> tuple[Rows, ...]:
    """What these are in the queue's tables; `now` is when those that are only told of were settled."""
    now = now or datetime.now(UTC)
    queued = [
        (
            m.message_id, m.expires_at, m.account_id, m.sender, m.envid, m.ret, m.eightbit, m.smtputf8,
            trace.clean(m.message_id_field), m.size, m.prefix, m.header, m.body.blob_id, m.priority, m.require_tls,
            m.deliver_by, m.by_mode, m.future_release,
        )
        for m in messages
    ]  # fmt: skip
    waiting: list[tuple[Any, ...]] = []
    held: list[tuple[Any, ...]] = []
    stopped: list[tuple[Any, ...]] = []
    settled: list[tuple[Any, ...]] = []
    for m in messages:
        for r in m.recipients:
            notify = None if r.notify is None else list(r.notify)
            row = (m.message_id, r.address, r.destination, r.orcpt, notify, m.priority)
            if r.report:
                settled.append((*row, QueueState.DELIVERED, r.report, now))
            elif m.held:
                stopped.append((*row, QueueState.HELD, HELD_WORDS))
            elif m.release_at:
                held.append((*row, m.release_at))
            else:
                waiting.append(row)
    return (
        ("queue_message", MESSAGE_COLUMNS, queued),
        ("queue_recipient", RECIPIENT_COLUMNS, waiting),
        ("queue_recipient", HELD_COLUMNS, held),
        ("queue_recipient", STOPPED_COLUMNS, stopped),
        ("queue_recipient", SETTLED_COLUMNS, settled),
    )


async def settle_delivered(db: Connection, settlement: Settlement) -> None:
    """Mark a recipient as delivered, in the transaction that does it.

    Raises:
        LeaseLost: the claim holds no longer, so this must not be.
    """
    done = await db.execute(
        SETTLE, settlement.recipient_id, settlement.lease, QueueState.DELIVERED, None, "", settlement.report
    )
    if done != "UPDATE 1":
        raise LeaseLost


async def count_held(pool: Pool, account_id: int) -> int:
    """Messages of an account that wait for the moment that their sender named."""
    async with connection(pool) as db:
        return int(await db.fetchval(HELD, account_id))


async def due(pool: Pool, limit: int) -> list[str]:
    """Destinations that have something due, the longest waiting first."""
    async with connection(pool) as db:
        return [row["destination"] for row in await db.fetch(DUE, limit)]


async def claim(pool: Pool, destination: str, limit: int) -> Claim | None:
    """Take what is due for a destination, if anything is."""
    lease = new_id()
    async with connection(pool) as db:
        rows = await db.fetch(CLAIM, destination, limit, lease, LEASE, SETTLE_FIRST)
        if not rows:
            return None
        messages = await db.fetch(MESSAGES, list({row["message_id"] for row in rows}))
    return Claim(
        lease,
        destination,
        tuple(_recipient(row) for row in sorted(rows, key=lambda row: row["recipient_id"])),
        {row["message_id"]: QueuedMessage(*row) for row in messages},
    )


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
    )


async def renew(pool: Pool, lease: UUID) -> None:
    """Hold a claim for another while."""
    async with connection(pool) as db:
        await db.execute(RENEW, lease, LEASE)


async def release(pool: Pool, lease: UUID) -> None:
    """Give back what was not tried: it is due at once."""
    async with connection(pool) as db:
        await db.execute(RELEASE, lease)


async def settle(
    pool: Pool, claim: Claim, attempts: Iterable[Attempt], rows: Iterable[trace.Row], *, again: bool = False
) -> int:
    """Write what became of these recipients; returns how many were still held by this claim.

    With `again`, an earlier try may have been committed though its answer was lost: what this claim no longer
    holds is left as it is.
    """
    settled = 0
    async with transaction(pool) as db:
        for attempt in attempts:
            done = await db.execute(
                SETTLE,
                attempt.recipient.recipient_id,
                claim.lease,
                attempt.state,
                attempt.next_attempt_at,
                trace.clean(attempt.reply),
                attempt.report,
            )
            held = done == "UPDATE 1"
            settled += held
            if again and not held:
                continue
            await db.execute(
                RECORD,
                attempt.recipient.recipient_id,
                attempt.seconds,
                attempt.outcome,
                attempt.host,
                attempt.address,
                attempt.tls,
                attempt.stage,
                attempt.code,
                attempt.enhanced,
                trace.clean(attempt.text),
            )
        if settled or not again:
            await trace.write(db, rows)
    return settled
