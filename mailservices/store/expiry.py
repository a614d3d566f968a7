"""What waits although nobody could try it, such as for a destination that is down: given up, or told of, in time.

What is tried is settled by its try; this is for the rest.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from mailservices.mail.backoff import DELAY_NOTICE
from mailservices.mail.vocabulary import Event
from mailservices.mail.webhooks import Happening, Kind
from mailservices.store import trace, webhooks
from mailservices.store.pool import Pool, connection, transaction

#: How long after its end a recipient is left to a last try.
GRACE = timedelta(minutes=10)
WORDS = "Given up: nobody could be reached there in time"

EXPIRE = """
WITH over AS (
    SELECT recipient_id FROM queue_recipient
    WHERE state = 'waiting' AND expires_at < now() - $2::interval
      AND (lease_until IS NULL OR lease_until <= now() - $2::interval)
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
), given_up AS (
    UPDATE queue_recipient r
    SET state = 'expired', settled_at = now(), lease = NULL, lease_until = NULL,
        last_reply = CASE WHEN r.last_reply = '' THEN $3::text ELSE $3::text || '; before: ' || r.last_reply END,
        report_due = CASE WHEN m.sender <> '' AND (r.notify IS NULL OR 'FAILURE' = ANY(r.notify)) THEN 'failed'
                          ELSE '' END
    FROM over, queue_message m WHERE r.recipient_id = over.recipient_id AND m.message_id = r.message_id
    RETURNING r.recipient_id, r.address, r.last_reply, r.message_id, m.account_id, m.sender, m.message_id_field,
              m.size, m.envid, r.received_as
), recorded AS (
    INSERT INTO queue_attempt (recipient_id, seconds, outcome, stage, enhanced, text, about)
    SELECT recipient_id, 0, 'failed', 'time', '5.4.7', last_reply, 'network' FROM given_up
)
SELECT message_id, account_id, sender, address, message_id_field, size, envid, last_reply, received_as
FROM given_up
"""
# What has been due for so long that nobody can have tried it: a try says for itself whether its sender is to be
# told. It stays due, but behind those of whom nobody was told yet.
DELAYED = """
WITH late AS (
    SELECT r.recipient_id FROM queue_recipient r JOIN queue_message m ON m.message_id = r.message_id
    WHERE r.state = 'waiting' AND r.next_attempt_at < now() - $2::interval
      AND r.delay_reported_at IS NULL AND r.report_due = '' AND r.lease IS NULL AND m.sender <> ''
      AND (r.notify IS NULL OR 'DELAY' = ANY(r.notify))
    ORDER BY r.next_attempt_at LIMIT $1
)
UPDATE queue_recipient r SET report_due = 'delayed', delay_reported_at = now(), next_attempt_at = now(),
    last_reply = CASE WHEN r.last_reply <> '' THEN r.last_reply
                      ELSE coalesce((SELECT reason FROM queue_lane WHERE lane = r.destination), '') END
FROM late WHERE r.recipient_id = late.recipient_id AND r.delay_reported_at IS NULL AND r.lease IS NULL
"""


async def expire(pool: Pool, limit: int) -> int:
    """Give up what nobody could try until its end; how many recipients."""
    async with transaction(pool) as db:
        rows = await db.fetch(EXPIRE, limit, GRACE, WORDS)
        await trace.write(db, [_event(row) for row in rows])
        await webhooks.note(db, [_happening(row) for row in rows])
    return len(rows)


def _event(row: Any) -> trace.Row:
    return trace.Row(
        row["message_id"], Event.FAILED, "worker", row["account_id"], None, row["sender"], row["address"],
        row["message_id_field"], row["size"], row["last_reply"],
        of=trace.of(row["account_id"], row["sender"], row["received_as"]),
    )  # fmt: skip


def _happening(row: Any) -> Happening:
    return Happening(
        Kind.EXPIRED, datetime.now(UTC), row["message_id"].hex, row["sender"], row["address"],
        row["message_id_field"], row["envid"], row["last_reply"],
    )  # fmt: skip


async def tell_of_delay(pool: Pool, limit: int) -> int:
    """Let senders know of what waits although it is due, such as behind a host that is down; how many."""
    async with connection(pool) as db:
        return int((await db.execute(DELAYED, limit, DELAY_NOTICE)).rpartition(" ")[2])
