"""Policies of MTA-STS that were fetched (RFC 8461 §3.3): kept until they expire, shared by all workers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailservices.mail.mta_sts import Mode, Policy
from mailservices.store.pool import Pool, connection

KEPT = """
SELECT record_id, mode, hosts, max_age, fetched_at FROM policy_sts WHERE domain = $1 AND expires_at > now()
"""
KEEP = """
INSERT INTO policy_sts (domain, record_id, mode, hosts, max_age, expires_at)
VALUES ($1, $2, $3, $4, $5::interval, now() + $5::interval)
ON CONFLICT (domain) DO UPDATE SET record_id = EXCLUDED.record_id, mode = EXCLUDED.mode, hosts = EXCLUDED.hosts,
    max_age = EXCLUDED.max_age, fetched_at = now(), expires_at = EXCLUDED.expires_at
"""
DROP = """
DELETE FROM policy_sts WHERE domain IN (SELECT domain FROM policy_sts WHERE expires_at < now() LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy, and the version of the DNS record that led to it."""

    record_id: str
    policy: Policy
    fetched_at: datetime


async def kept(pool: Pool, domain: str) -> KeptPolicy | None:
    """What is known of a domain and still holds."""
    async with connection(pool) as db:
        row = await db.fetchrow(KEPT, domain)
    if row is None:
        return None
    policy = Policy(Mode(row["mode"]), tuple(row["hosts"]), row["max_age"])
    return KeptPolicy(row["record_id"], policy, row["fetched_at"])


async def keep(pool: Pool, domain: str, record_id: str, policy: Policy) -> None:
    """Remember what was fetched just now."""
    async with connection(pool) as db:
        await db.execute(KEEP, domain, record_id, policy.mode, list(policy.hosts), _whole(policy.max_age))


def _whole(age: timedelta) -> timedelta:
    return max(age, timedelta(seconds=1))


async def drop_sts(pool: Pool, limit: int) -> int:
    """Forget policies that hold no longer."""
    async with connection(pool) as db:
        return int((await db.execute(DROP, limit)).rpartition(" ")[2])
