"""Reports on whole days: what of ours is due, cleared by the transaction that sends it; what others report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mailservices.mail import aggregate, tls_report
from mailservices.store.pool import Connection, Pool, connection, transaction
from mailservices.store.reports import AlreadyReported
from mailservices.store.returned import Waiting
from mailservices.store.tally import Kind

#: How long what was counted waits for its report, and what others report is shown.
WAITS = timedelta(days=3)
KEPT = timedelta(days=400)
#: Rows of one report of ours, those with most messages first.
ROWS = 10_000

DUE = """
SELECT DISTINCT kind, day, domain FROM report_tally WHERE day < $1 AND day >= $1 - $3::interval
ORDER BY day, kind, domain LIMIT $2
"""
COUNTED = """
SELECT facts, count FROM report_tally WHERE kind = $1 AND day = $2 AND domain = $3
ORDER BY count DESC, print LIMIT $4
"""
CLEAR = "DELETE FROM report_tally WHERE kind = $1 AND day = $2 AND domain = $3"
WANTED = "SELECT coalesce(bool_and(reports), true) FROM policy_inbound WHERE domain_id IS NULL"
DROP_COUNTED = """
DELETE FROM report_tally WHERE ctid IN (
    SELECT ctid FROM report_tally WHERE day < current_date - $2::interval LIMIT $1)
"""
READERS = """
SELECT d.name FROM report_mailbox m JOIN directory_domain d ON d.id = m.domain_id
WHERE lower(m.address) = ANY($1::text[])
"""
KEEP_DMARC = """
INSERT INTO report_dmarc (organisation, email, report_id, domain, begins, ends, policy, proven, trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (domain, organisation, report_id) DO NOTHING RETURNING id
"""
KEEP_DMARC_ROWS = """
INSERT INTO report_dmarc_row
    (report_id, source, count, disposition, dkim, spf, header_from, envelope_from, reasons, details)
SELECT $1, * FROM unnest($2::inet[], $3::bigint[], $4::text[], $5::bool[], $6::bool[], $7::text[], $8::text[],
                         $9::text[], $10::text[])
"""
KEEP_TLS = """
INSERT INTO report_tls (organisation, contact, report_id, domain, begins, ends, proven, trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (domain, organisation, report_id) DO NOTHING RETURNING id
"""
KEEP_TLS_ROWS = """
INSERT INTO report_tls_row
    (report_id, policy_type, policy, count, failure, host, address, own_address, reason)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[])
"""
DROP_DMARC = """
WITH old AS (SELECT id FROM report_dmarc WHERE ends < now() - $2::interval LIMIT $1),
     rows AS (DELETE FROM report_dmarc_row WHERE report_id IN (SELECT id FROM old))
DELETE FROM report_dmarc WHERE id IN (SELECT id FROM old)
"""
DROP_TLS = """
WITH old AS (SELECT id FROM report_tls WHERE ends < now() - $2::interval LIMIT $1),
     rows AS (DELETE FROM report_tls_row WHERE report_id IN (SELECT id FROM old))
DELETE FROM report_tls WHERE id IN (SELECT id FROM old)
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """What is told to one domain of one day."""

    kind: Kind
    day: date
    domain: str


async def due(pool: Pool, today: date, limit: int) -> list[Counted]:
    """What was counted on days that are over, the oldest first."""
    async with connection(pool) as db:
        rows = await db.fetch(DUE, today, limit, WAITS)
    return [Counted(Kind(row["kind"]), row["day"], row["domain"]) for row in rows]


async def wanted(pool: Pool) -> bool:
    """Whether the appliance reports to others at all."""
    async with connection(pool) as db:
        return bool(await db.fetchval(WANTED))


async def counted(pool: Pool, one: Counted) -> list[tuple[str, int]]:
    """Its facts, and how often each was met."""
    async with connection(pool) as db:
        rows = await db.fetch(COUNTED, one.kind, one.day, one.domain, ROWS)
    return [(row["facts"], row["count"]) for row in rows]


async def clear(db: Connection, one: Counted) -> None:
    """Forget what is told now, in the transaction that tells it.

    Raises:
        AlreadyReported: somebody else told it.
    """
    if await db.execute(CLEAR, one.kind, one.day, one.domain) == "DELETE 0":
        raise AlreadyReported


async def drop(pool: Pool, one: Counted) -> None:
    """Nobody wants to know, or was told in another way."""
    async with connection(pool) as db:
        await db.execute(CLEAR, one.kind, one.day, one.domain)


async def readers(pool: Pool, recipients: Sequence[str]) -> list[str]:
    """Our domains of which reports come to one of these addresses."""
    async with connection(pool) as db:
        return [row["name"] for row in await db.fetch(READERS, [one.lower() for one in recipients])]


async def keep_dmarc(pool: Pool, waiting: Waiting, report: aggregate.Report) -> bool:
    """Keep what somebody reports, once; whether it is new."""
    async with transaction(pool) as db:
        number = await db.fetchval(
            KEEP_DMARC, report.organisation, report.email, report.report_id, report.domain, report.begin,
            report.end, report.policy.p, waiting.proven, waiting.trace_id,
        )  # fmt: skip
        if number is not None:
            rows = [
                (
                    one.source, count, one.disposition, one.dkim, one.spf, one.header_from, one.envelope_from,
                    ", ".join(one.reasons)[:255], _details(one),
                )
                for one, count in report.rows
            ]  # fmt: skip
            if rows:
                await db.execute(KEEP_DMARC_ROWS, number, *map(list, zip(*rows, strict=True)))
        return number is not None


def _details(one: aggregate.Seen) -> str:
    """For people: what each signature and SPF came to."""
    told = [f"dkim={result} {domain} ({selector})" for domain, selector, result in one.signatures]
    told += [f"spf={result} {domain} ({scope})" for domain, scope, result in one.senders]
    return "; ".join(told)[:1000]


async def keep_tls(pool: Pool, waiting: Waiting, report: tls_report.Report, domain: str) -> bool:
    """Keep what somebody reports on one domain of ours, once; whether it is new."""
    async with transaction(pool) as db:
        number = await db.fetchval(
            KEEP_TLS, report.organisation, report.contact, report.report_id, domain, report.begin, report.end,
            waiting.proven, waiting.trace_id,
        )  # fmt: skip
        if number is not None:
            rows = [
                (
                    one.policy_type, "; ".join(one.policy)[:1000], count, one.failure, one.host, one.address,
                    one.own_address, one.reason,
                )
                for policy_domain, one, count in report.rows
                if policy_domain == domain
            ]  # fmt: skip
            await db.execute(KEEP_TLS_ROWS, number, *map(list, zip(*rows, strict=True)))
        return number is not None


async def drop_counted(pool: Pool, limit: int) -> int:
    """Forget what was counted and could not be told in time."""
    return await _dropped(pool, DROP_COUNTED, limit, WAITS)


async def drop_dmarc(pool: Pool, limit: int) -> int:
    """Forget what others reported long ago."""
    return await _dropped(pool, DROP_DMARC, limit, KEPT)


async def drop_tls(pool: Pool, limit: int) -> int:
    """The same of TLS."""
    return await _dropped(pool, DROP_TLS, limit, KEPT)


async def _dropped(pool: Pool, statement: str, limit: int, age: timedelta) -> int:
    async with connection(pool) as db:
        return int((await db.execute(statement, limit, age)).rpartition(" ")[2])
