"""How much an account has sent today, and may: more than that is the usual sign of a stolen password."""

from collections.abc import Collection
from dataclasses import dataclass

from mailservices.mail.errors import Unavailable
from mailservices.store.pool import Pool, connection

#: The share of a limit from which on the administrator is told.
WARN_AT = 0.8

CHARGE = """
WITH newcomers AS (
    INSERT INTO queue_correspondent (account_id, address) SELECT $1::bigint, unnest($2::text[])
    ON CONFLICT DO NOTHING RETURNING 1
),
today AS (
    INSERT INTO queue_sending AS s (account_id, day, messages, recipients, newcomers)
    VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 1, cardinality($2), (SELECT count(*) FROM newcomers))
    ON CONFLICT (account_id, day) DO UPDATE SET messages = s.messages + 1,
        recipients = s.recipients + excluded.recipients, newcomers = s.newcomers + excluded.newcomers
    RETURNING messages, recipients, newcomers
)
SELECT t.messages, t.recipients, t.newcomers, d.sending_messages, d.sending_recipients, d.sending_newcomers
FROM today t, directory_account p JOIN directory_domain d ON d.id = p.domain_id WHERE p.id = $1
"""

FORGET_DAYS = """
DELETE FROM queue_sending WHERE (account_id, day) IN (
    SELECT account_id, day FROM queue_sending WHERE day < (now() AT TIME ZONE 'UTC')::date - 30 LIMIT $1)
"""
FORGET_ACCOUNTS = """
DELETE FROM queue_correspondent WHERE (account_id, address) IN (
    SELECT account_id, address FROM queue_correspondent c
    WHERE NOT EXISTS (SELECT FROM directory_account p WHERE p.id = c.account_id) LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How far an account has come: the limit that is nearest to its end."""

    #: "messages", "recipients" or "recipients never written to before".
    what: str
    count: int
    limit: int

    @property
    def exceeded(self) -> bool:
        return self.count > self.limit

    @property
    def near(self) -> bool:
        return self.count >= WARN_AT * self.limit

    def __str__(self) -> str:
        return f"{self.count} {self.what} today, of {self.limit}"


async def charge(pool: Pool, account_id: int, recipients: Collection[str]) -> Allowance:
    """Count one message to these recipients (in normal form, each once), and say where the account stands."""
    async with connection(pool) as db:
        row = await db.fetchrow(CHARGE, account_id, sorted(recipients))
    if row is None:
        raise Unavailable  # removed a moment ago
    found = [
        Allowance("messages", row["messages"], row["sending_messages"]),
        Allowance("recipients", row["recipients"], row["sending_recipients"]),
        Allowance("recipients never written to before", row["newcomers"], row["sending_newcomers"]),
    ]
    return max(found, key=lambda one: one.count / one.limit)


async def drop_days(pool: Pool, limit: int) -> int:
    """Forget days that are long over."""
    async with connection(pool) as db:
        return int((await db.execute(FORGET_DAYS, limit)).rpartition(" ")[2])


async def drop_correspondents(pool: Pool, limit: int) -> int:
    """Forget whom accounts that are gone have written to."""
    async with connection(pool) as db:
        return int((await db.execute(FORGET_ACCOUNTS, limit)).rpartition(" ")[2])
