"""Delivery reports that are due: which, on whom, and that each is written once.

Settling (queue.py) says which report is due; the delivery that carries it clears that, in its own transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mailservices.store.pool import Connection, Pool, connection
from mailservices.store.queue import MESSAGES, QueuedMessage

REPORTS_DUE = """
SELECT r.message_id, r.report_due FROM queue_recipient r WHERE r.report_due <> ''
GROUP BY r.message_id, r.report_due LIMIT $1
"""

REPORTED_ON = """
SELECT r.recipient_id, r.address, r.orcpt, r.notify, r.last_reply, a.at, a.host, a.code, a.enhanced, a.text
FROM queue_recipient r
LEFT JOIN LATERAL (
    SELECT * FROM queue_attempt x WHERE x.recipient_id = r.recipient_id ORDER BY x.at DESC LIMIT 1
) a ON true
WHERE r.message_id = $1 AND r.report_due = $2 ORDER BY r.recipient_id
"""

CLEAR_REPORT = """
UPDATE queue_recipient SET report_due = '' WHERE recipient_id = ANY($1::bigint[]) AND report_due = $2
"""


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report that the delivery carries: these recipients are told of once it is committed."""

    recipient_ids: tuple[int, ...]
    kind: str


class AlreadyReported(Exception):
    """Another worker has written this report."""


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a delivery report says of one recipient (RFC 3464 §2.3)."""

    recipient_id: int
    address: str
    orcpt: str
    notify: tuple[str, ...] | None
    last_reply: str
    last_attempt_at: datetime | None
    host: str
    code: int
    enhanced: str
    text: str


async def due(pool: Pool, limit: int) -> list[tuple[UUID, str]]:
    """Messages of which a report is to be written, and its kind."""
    async with connection(pool) as db:
        return [(row["message_id"], row["report_due"]) for row in await db.fetch(REPORTS_DUE, limit)]


async def reported_on(pool: Pool, message_id: UUID, kind: str) -> tuple[QueuedMessage, list[ReportedRecipient]]:
    """A message and those of its recipients that a report of this kind is to tell of."""
    async with connection(pool) as db:
        message = await db.fetchrow(MESSAGES, [message_id])
        rows = await db.fetch(REPORTED_ON, message_id, kind)
    if message is None:
        raise AlreadyReported
    return QueuedMessage(*message), [
        ReportedRecipient(
            row["recipient_id"],
            row["address"],
            row["orcpt"],
            None if row["notify"] is None else tuple(row["notify"]),
            row["last_reply"],
            row["at"],
            row["host"] or "",
            row["code"] or 0,
            row["enhanced"] or "",
            row["text"] or "",
        )
        for row in rows
    ]


async def clear(db: Connection, report: Report) -> None:
    """Mark these recipients as told of, in the transaction that writes the report.

    Raises:
        AlreadyReported: somebody else did, so this report must not be.
    """
    done = await db.execute(CLEAR_REPORT, list(report.recipient_ids), report.kind)
    if done != f"UPDATE {len(report.recipient_ids)}":
        raise AlreadyReported
