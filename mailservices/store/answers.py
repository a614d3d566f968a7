"""Answers for whoever is away: what came in and may be answered, kept with its delivery until a worker has looked
at it; and who was answered, so that nobody is answered twice within the days that its owner has named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from mailservices.mail import headers
from mailservices.mail.address import Address
from mailservices.mail.vacation import DAYS_MOST
from mailservices.store import trace
from mailservices.store.directory import Mailbox
from mailservices.store.pool import Connection, Pool, connection
from mailservices.store.reports import AlreadyReported
from mailservices.store.rows import Rows

#: How long a worker has for one, and how often it is tried.
LEASE = timedelta(minutes=5)
TRIES = 5
#: Later than that, nobody is answered any more.
KEPT = timedelta(days=2)
#: Answers of one account in a day: who floods her under forged names has nobody flooded.
DAILY = 200

_COLUMNS = ("account_id", "trace_id", "sender", "header")
CLAIM_AWAY = """
UPDATE own_answer SET next_try_at = now() + $2::interval, tries = tries + 1
WHERE id IN (SELECT id FROM own_answer WHERE next_try_at <= now() AND tries < $3
             ORDER BY next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id, account_id, trace_id, sender, header
"""
# What is answered now, if anything is: she is away, the sender was not answered lately, and not many were.
SAID = """
SELECT a.address, a.display_name, v.subject, v.text, v.days
FROM own_vacation v JOIN directory_account a ON a.id = v.account_id
WHERE v.account_id = $1 AND v.active AND a.active AND a.deleted_at IS NULL
  AND coalesce(v.begins_at <= now(), true) AND coalesce(v.ends_at > now(), true)
  AND NOT EXISTS (SELECT FROM own_answered x WHERE x.account_id = $1 AND x.sender = $2
                  AND x.at > now() - make_interval(days => v.days))
  AND (SELECT count(*) FROM own_answered x WHERE x.account_id = $1 AND x.at > now() - interval '1 day') < $3
"""
# An alias of several people is none of hers alone.
HERS = """
SELECT EXISTS (
    SELECT FROM unnest($2::text[], $3::text[], $4::text[]) q(domain, key, plain)
    JOIN directory_domain d ON d.name = q.domain
    JOIN directory_address a ON a.domain_id = coalesce(d.alias_of_id, d.id) AND a.local_part IN (q.key, q.plain)
    WHERE a.account_id = $1 OR (a.account_id IS NULL AND ARRAY(
        SELECT t.address::text FROM directory_target t WHERE t.alias_id = a.id
    ) = ARRAY(SELECT p.address::text FROM directory_account p WHERE p.id = $1))
)
"""
LOOKED_AT = "DELETE FROM own_answer WHERE id = $1"
# Two messages of one sender at once: who comes second finds that the row is new, and says nothing.
NOTE_ANSWERED = """
INSERT INTO own_answered (account_id, sender) VALUES ($1, $2)
ON CONFLICT (account_id, sender) DO UPDATE SET at = now()
WHERE own_answered.at <= now() - make_interval(days => $3)
"""
DROP_AWAY = """
DELETE FROM own_answer WHERE id IN (SELECT id FROM own_answer WHERE created_at < now() - $2::interval LIMIT $1)
"""
DROP_ANSWERED = """
DELETE FROM own_answered WHERE id IN (SELECT id FROM own_answered WHERE at < now() - $2::interval LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Away:
    """A message that was delivered to somebody who is away, and may be answered."""

    account_id: int
    trace_id: UUID
    #: Its return path.
    sender: str
    #: What is kept of it (mail/vacation.py).
    header: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits to be answered, claimed for a while."""

    waiting_id: int
    account_id: int
    trace_id: UUID
    sender: str
    header: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What an account answers now."""

    address: str
    name: str
    #: Empty: that of the message.
    subject: str
    text: str
    days: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that a delivery carries: it is noted with its commit."""

    waiting: Waiting
    days: int


def rows(away: Iterable[Away]) -> Rows:
    """What these are in the table."""
    values = [(one.account_id, one.trace_id, trace.clean(one.sender), one.header) for one in away]
    return "own_answer", _COLUMNS, values


def without_subjects(away: Iterable[Away], boxes: Iterable[Mailbox]) -> tuple[Away, ...]:
    """The same; of those who have their mail encrypted, nothing is kept of a subject."""
    private = {box.account_id for box in boxes if box.encrypts}
    return tuple(
        replace(one, header=headers.without(one.header, lambda name, _: name == b"subject"))
        if one.account_id in private
        else one
        for one in away
    )


async def claim(pool: Pool, limit: int) -> list[Waiting]:
    """Some that wait, the longest waiting first."""
    async with connection(pool) as db:
        return [Waiting(*row) for row in await db.fetch(CLAIM_AWAY, limit, LEASE, TRIES)]


async def said(pool: Pool, waiting: Waiting) -> Said | None:
    """What is answered to it; None where nothing is, any more or again."""
    async with connection(pool) as db:
        row = await db.fetchrow(SAID, waiting.account_id, _key(waiting.sender), DAILY)
    return Said(*row) if row else None


async def is_named(pool: Pool, account_id: int, addresses: Sequence[Address]) -> bool:
    """Whether one of these is an address of the account: its own, or an alias that leads to it alone."""
    async with connection(pool) as db:
        found = await db.fetchval(
            HERS, account_id, [one.domain for one in addresses], [one.key for one in addresses],
            [one.without_detail() for one in addresses],
        )  # fmt: skip
    return bool(found)


async def finish(pool: Pool, waiting: Waiting) -> None:
    """It is not answered."""
    async with connection(pool) as db:
        await db.execute(LOOKED_AT, waiting.waiting_id)


async def clear(db: Connection, one: Answered) -> None:
    """Note who is answered, in the transaction that writes the answer.

    Raises:
        AlreadyReported: somebody else did, so this answer must not be.
    """
    if await db.execute(LOOKED_AT, one.waiting.waiting_id) == "DELETE 0":
        raise AlreadyReported
    key = _key(one.waiting.sender)
    if await db.execute(NOTE_ANSWERED, one.waiting.account_id, key, one.days) == "INSERT 0 0":
        raise AlreadyReported


def _key(sender: str) -> str:
    return sender.lower()[:320]


async def drop_away(pool: Pool, limit: int) -> int:
    """Forget what nobody has answered in time."""
    return await _dropped(pool, DROP_AWAY, limit, KEPT)


async def drop_answered(pool: Pool, limit: int) -> int:
    """Forget whom one may answer again."""
    return await _dropped(pool, DROP_ANSWERED, limit, timedelta(days=DAYS_MOST))


async def _dropped(pool: Pool, statement: str, limit: int, age: timedelta) -> int:
    async with connection(pool) as db:
        return int((await db.execute(statement, limit, age)).rpartition(" ")[2])
