"""What became of recipients of the queue is written down: those that are settled meanwhile by one statement.

A settlement names the lease: one that was lost changes nothing. Nobody goes on before his own is committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from mailservices.mail.bounces import About
from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import QueueState
from mailservices.mail.webhooks import Happening
from mailservices.store import suppression, trace, webhooks
from mailservices.store.gathering import Gathering
from mailservices.store.pool import Pool, connection, transaction
from mailservices.store.queue import Attempt

#: What makes one row impossible, and not its neighbours.
_ITS_OWN_FAULT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)

# An array beside the join: for of rows that it does not know PostgreSQL expects many, and might read all of the
# table.
SETTLE: Final = """
WITH told AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::boolean[],
        $8::float[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int[], $15::text[],
        $16::text[], $17::text[], $18::text[],
        $19::uuid[], $20::text[], $21::text[], $22::bigint[], $23::inet[], $24::text[], $25::text[], $26::text[],
        $27::bigint[], $28::text[], $29::text[]
    ) AS t(
        recipient_id, lease, state, next_attempt_at, reply, report, again,
        seconds, outcome, host, address, tls, stage, code, enhanced, text, verdict, about,
        trace_id, kind, service, account_id, remote_host, sender, recipient, message_id_field, size, detail,
        domains
    )
), settled AS (
    UPDATE queue_recipient r
    SET state = t.state, attempts = r.attempts + 1,
        next_attempt_at = coalesce(t.next_attempt_at, r.next_attempt_at),
        last_reply = t.reply, report_due = CASE WHEN t.report = '' THEN r.report_due ELSE t.report END,
        delay_reported_at = CASE WHEN t.report = 'delayed' THEN now() ELSE r.delay_reported_at END,
        settled_at = CASE WHEN t.state = 'waiting' THEN NULL ELSE now() END,
        lease = NULL, lease_until = NULL
    FROM told t
    WHERE r.recipient_id = ANY($1) AND r.recipient_id = t.recipient_id AND r.lease = t.lease
    RETURNING t.recipient_id, t.lease
), kept AS (
    SELECT * FROM told t
    WHERE NOT t.again OR EXISTS (SELECT FROM settled s WHERE s.recipient_id = t.recipient_id AND s.lease = t.lease)
), recorded AS (
    INSERT INTO queue_attempt
        (recipient_id, seconds, outcome, host, address, tls, stage, code, enhanced, text, verdict, about)
    SELECT recipient_id, seconds, outcome, host, address, tls, stage, code, enhanced, text, verdict, about
    FROM kept
), traced AS (
    INSERT INTO trace_event
        (trace_id, kind, service, account_id, remote_host, sender, recipient, message_id_field, size, detail,
         domains)
    SELECT trace_id, kind, service, account_id, remote_host, sender, recipient, message_id_field, size, detail,
           string_to_array(domains, ' ')
    FROM kept
)
SELECT recipient_id, lease FROM settled
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the recipients of one transaction that a claim held.

    With `again`, an earlier try may have been committed though its answer was lost: what the claim no longer holds
    is left as it is.
    """

    lease: UUID
    #: Each with what the trace has of it.
    attempts: Sequence[tuple[Attempt, trace.Row]]
    again: bool = False
    #: What hooks are told where this claim still held the recipient, by the recipient's key.
    happened: Mapping[int, Happening] = field(default_factory=dict)


#: Settlements of one process; an answer is how many recipients were still held, or why nothing is known.
Settlements: TypeAlias = Gathering[Settled, "int | Unavailable"]


def settlements(pool: Pool) -> Settlements:
    """For one process. Made inside the event loop."""
    return Gathering(partial(_settle, pool))


async def settle(together: Settlements, settled: Settled) -> int:
    """Write what became of these recipients; returns how many were still held by this claim.

    Raises:
        Unavailable: nobody knows whether it is written.
    """
    answer = await together.answer(settled)
    if isinstance(answer, Unavailable):
        raise answer
    return answer


async def _settle(pool: Pool, together: Sequence[Settled]) -> list[int | Unavailable]:
    try:
        return list(await _write(pool, together))
    except Unavailable as error:
        if len(together) == 1 or not isinstance(error.__cause__, _ITS_OWN_FAULT):
            return [error] * len(together)
    # One of them cannot be written as it is: the others must not wait for it.
    return [(await _settle(pool, [one]))[0] for one in together]


async def _write(pool: Pool, together: Sequence[Settled]) -> list[int]:
    columns = list(zip(*(row for one in together for row in _rows(one)), strict=True))
    gone = [attempt for one in together for attempt, _ in one.attempts if _nobody_there(attempt)]
    if not gone and not any(one.happened for one in together):
        async with connection(pool) as db:
            held = _held(await db.fetch(SETTLE, *columns))
    else:
        async with transaction(pool) as db:
            held = _held(await db.fetch(SETTLE, *columns))
            for attempt in gone:
                await suppression.hit(db, attempt.recipient.address, trace.clean(attempt.reply))
            told = [
                happening
                for one in together
                for recipient_id, happening in one.happened.items()
                if (recipient_id, one.lease) in held
            ]
            await webhooks.note(db, told)
    return [
        sum((attempt.recipient.recipient_id, one.lease) in held for attempt, _ in one.attempts) for one in together
    ]


def _held(rows: Sequence[Any]) -> set[tuple[int, UUID]]:
    return {(row["recipient_id"], row["lease"]) for row in rows}


def _nobody_there(attempt: Attempt) -> bool:
    return attempt.state is QueueState.FAILED and attempt.about == About.MAILBOX


def _rows(one: Settled) -> list[tuple[Any, ...]]:
    return [
        (
            attempt.recipient.recipient_id, one.lease, attempt.state, attempt.next_attempt_at,
            trace.clean(attempt.reply), attempt.report, one.again,
            attempt.seconds, attempt.outcome, attempt.host, attempt.address, attempt.tls, attempt.stage,
            attempt.code, attempt.enhanced, trace.clean(attempt.text), attempt.verdict, attempt.about,
            *trace.values(row), " ".join(trace.domains(row)),
        )
        for attempt, row in one.attempts
    ]  # fmt: skip
