"""Delivery reports that are due: which, on whom, and that each is written once.

Settling (queue.py) says which report is due; the delivery that carries it clears that, in its own transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mailservices.mail.report_texts import ENGLISH
from mailservices.store.pool import Connection, Pool, connection
from mailservices.store.queue import MESSAGES, QueuedMessage

REPORTS_DUE = """
SELECT r.message_id, r.report_due FROM queue_recipient r WHERE r.report_due <> ''
GROUP BY r.message_id, r.report_due LIMIT $1
"""

REPORTED_ON = """
SELECT r.recipient_id, r.address, r.destination, r.orcpt, r.last_reply, r.expires_at, r.route_id,
       a.at AS last_attempt_at, coalesce(a.host, '') AS host, coalesce(a.code, 0) AS code,
       coalesce(a.enhanced, '') AS enhanced
FROM queue_recipient r
LEFT JOIN LATERAL (
    SELECT * FROM queue_attempt x WHERE x.recipient_id = r.recipient_id ORDER BY x.at DESC LIMIT 1
) a ON true
WHERE r.message_id = $1 AND r.report_due = $2 ORDER BY r.recipient_id
"""

CLEAR_REPORT = """
UPDATE queue_recipient SET report_due = '', report_lost = CASE WHEN $3 THEN $2 ELSE report_lost END
WHERE recipient_id = ANY($1::bigint[]) AND report_due = $2
"""

LANGUAGE = "SELECT language FROM directory_domain WHERE name = $1"


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report that the delivery carries: these recipients are told of once it is committed."""

    recipient_ids: tuple[int, ...]
    kind: str
    #: There is nobody to read it: it is only marked, for the administrator to see.
    lost: bool = False


class AlreadyReported(Exception):
    """Another worker has written this report."""


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """What a delivery report says of one recipient (RFC 3464 §2.3)."""

    recipient_id: int
    address: str
    destination: str
    orcpt: str
    last_reply: str
    #: An end of its own, and a route, that an administrator has chosen.
    expires_at: datetime | None = None
    route_id: int | None = None
    last_attempt_at: datetime | None = None
    #: Empty, 0 and empty where nobody answered.
    host: str = ""
    code: int = 0
    enhanced: str = ""


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
    return QueuedMessage(*message), [ReportedRecipient(**row) for row in rows]


async def language_of(pool: Pool, domain: str) -> str:
    """The language of a domain of ours; English for others."""
    async with connection(pool) as db:
        return str(await db.fetchval(LANGUAGE, domain) or ENGLISH)


async def clear(db: Connection, report: Report) -> None:
    """Mark these recipients as told of, in the transaction that writes the report.

    Raises:
        AlreadyReported: somebody else did, so this report must not be.
    """
    done = await db.execute(CLEAR_REPORT, list(report.recipient_ids), report.kind, report.lost)
    if done != f"UPDATE {len(report.recipient_ids)}":
        raise AlreadyReported
