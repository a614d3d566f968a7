"""What came in and may be a report on mail of ours: kept with its delivery until a worker has read it; and what
bounces and complaints came to.

A report counts only for a message that we sent, to a recipient that it went to; a bounce, only if it came to that
message's return path. Each recipient has one row for each thing that is reported of it, however often that is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mailservices.mail import retold
from mailservices.mail.bounces import About
from mailservices.mail.headers import Octets
from mailservices.mail.returned import Told, What
from mailservices.mail.vocabulary import Event
from mailservices.mail.webhooks import Happening, Kind
from mailservices.store import bodies, suppression, trace, webhooks
from mailservices.store.bodies import Body
from mailservices.store.pool import Connection, Pool, connection, transaction
from mailservices.store.rows import Rows

#: How long a worker has for one, and how often it is tried.
LEASE = timedelta(minutes=5)
TRIES = 3
#: What nobody could read is kept so long.
KEPT = timedelta(days=7)

_COLUMNS = ("trace_id", "sender", "recipients", "header", "blob_id", "body_size", "proven")
CLAIM = """
UPDATE report_suspect SET next_try_at = now() + $2::interval, tries = tries + 1
WHERE id IN (SELECT id FROM report_suspect WHERE next_try_at <= now() AND tries < $3
             ORDER BY next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id, trace_id, sender, recipients, header, blob_id, body_size, proven
"""
READ = "DELETE FROM report_suspect WHERE id = $1"
DROP = """
DELETE FROM report_suspect WHERE id IN (
    SELECT id FROM report_suspect WHERE created_at < now() - $2::interval LIMIT $1)
"""
# A complaint comes to whatever address was named for that.
SENT = """
SELECT r.recipient_id, r.address, m.message_id, m.account_id, m.sender, m.message_id_field, m.envid, m.size
FROM (SELECT * FROM queue_message WHERE $2::text <> '' AND message_id_field = $2
      UNION SELECT * FROM queue_message WHERE $1::text <> '' AND envid = $1 AND envid <> '') m
JOIN queue_recipient r ON r.message_id = m.message_id
WHERE r.state = 'relayed' AND ($3::text[] IS NULL OR lower(m.sender) = ANY($3))
ORDER BY r.recipient_id LIMIT 1000
"""
KEEP = """
INSERT INTO report_return (recipient_id, what, status, text, about, reporter, trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (recipient_id, what) DO NOTHING
"""

#: What is told of a report that came in.
_EVENTS = {What.FAILED: Event.BOUNCED, What.COMPLAINED: Event.COMPLAINED}
_KINDS = {What.FAILED: Kind.BOUNCED, What.COMPLAINED: Kind.COMPLAINED}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A message that came in and may be a report: it is looked at after its delivery."""

    trace_id: UUID
    sender: str
    #: Of its envelope.
    recipients: tuple[str, ...]
    header: bytes
    #: Whether DMARC bears out that it is From's.
    proven: bool = False
    #: Where it is not the delivery's own: the report was told again.
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits to be read, claimed for a while."""

    suspect_id: int
    trace_id: UUID
    sender: str
    recipients: tuple[str, ...]
    header: bytes
    blob_id: UUID
    body_size: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A recipient of a message that we sent."""

    recipient_id: int
    address: str
    message_id: UUID
    account_id: int | None
    sender: str
    message_id_field: str
    envid: str
    size: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What is reported of a recipient that we sent to."""

    sent: Sent
    told: Told
    about: About


def rows(suspects: Sequence[tuple[Suspect, Body]]) -> Rows:
    """What these are in the table."""
    return "report_suspect", _COLUMNS, [
        (one.trace_id, trace.clean(one.sender), [trace.clean(to) for to in one.recipients], one.header,
         body.blob_id, body.size, one.proven)
        for one, body in suspects
    ]  # fmt: skip


async def without_text(pool: Pool, suspect: Suspect, body: Octets) -> Suspect | None:
    """For mail that nobody may read here: the same report with nothing but what it says of mail of ours.

    Raises:
        Unavailable
    """
    told = await asyncio.to_thread(retold.report, suspect.header, body)
    if told is None:
        return None
    header, text = told
    return replace(suspect, header=header, body=await bodies.keep(pool, text))


async def claim(pool: Pool, limit: int) -> list[Waiting]:
    """Some that wait, the longest waiting first."""
    async with connection(pool) as db:
        rows = await db.fetch(CLAIM, limit, LEASE, TRIES)
    return [
        Waiting(
            row["id"], row["trace_id"], row["sender"], tuple(row["recipients"]), row["header"], row["blob_id"],
            row["body_size"], row["proven"],
        )
        for row in rows
    ]  # fmt: skip


async def sent(pool: Pool, envid: str, message_id: str, senders: Sequence[str] | None) -> list[Sent]:
    """Recipients to whom we relayed a message of this ENVID or Message-ID, in the name of one of these senders.

    Args:
        senders: in lower case; None: in anybody's.
    """
    async with connection(pool) as db:
        return [Sent(*row) for row in await db.fetch(SENT, envid, message_id, senders)]


async def done(db: Connection, waiting: Waiting) -> bool:
    """It was read, in the transaction that keeps what it says; False where somebody else has done that."""
    return bool(await db.execute(READ, waiting.suspect_id) == "DELETE 1")


async def finish(pool: Pool, waiting: Waiting) -> None:
    """It was read, and what it says is kept."""
    async with connection(pool) as db:
        await done(db, waiting)


async def keep(pool: Pool, waiting: Waiting, reporter: str, findings: Sequence[Finding]) -> list[Finding]:
    """Keep what a report says, count it, let hooks know; what of it is new."""
    new = []
    async with transaction(pool) as db:
        if not await done(db, waiting):
            return []
        for one in findings:
            kept = await db.execute(
                KEEP, one.sent.recipient_id, one.told.what, trace.clean(one.told.status)[:12],
                trace.clean(one.told.text), one.about, trace.clean(reporter)[:255], waiting.trace_id,
            )  # fmt: skip
            if kept != "INSERT 0 1":
                continue
            new.append(one)
            if one.told.what is What.FAILED and one.about is About.MAILBOX:
                await suppression.hit(db, one.sent.address, trace.clean(_words(one.told)))
        await trace.write(db, [_event(one) for one in new if one.told.what in _EVENTS])
        await webhooks.note(db, [_happening(one) for one in new if one.told.what in _KINDS])
    return new


def _words(told: Told) -> str:
    return f"{told.status} {told.text}".strip()


def _event(finding: Finding) -> trace.Row:
    sent = finding.sent
    return trace.Row(
        sent.message_id, _EVENTS[finding.told.what], "worker", sent.account_id, None, sent.sender, sent.address,
        sent.message_id_field, sent.size, _words(finding.told), of=trace.of(sent.account_id, sent.sender),
    )  # fmt: skip


def _happening(finding: Finding) -> Happening:
    sent = finding.sent
    return Happening(
        _KINDS[finding.told.what], datetime.now(UTC), sent.message_id.hex, sent.sender, sent.address,
        sent.message_id_field, sent.envid, _words(finding.told),
    )  # fmt: skip


async def drop_unread(pool: Pool, limit: int) -> int:
    """Forget what nobody could read."""
    async with connection(pool) as db:
        done: Any = await db.execute(DROP, limit, KEPT)
    return int(done.rpartition(" ")[2])
