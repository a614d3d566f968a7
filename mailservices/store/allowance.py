"""How much an account has sent today, and may: more than that is the usual sign of a stolen password."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from mailservices.mail.errors import Unavailable
from mailservices.store.gathering import Gathering
from mailservices.store.pool import Pool, connection

#: The share of a limit from which on the administrator is told.
WARN_AT = 0.8

# Each account once, in one order, so that two processes wait for each other and never deadlock.
CHARGE = """
WITH newcomers AS (
    INSERT INTO queue_correspondent (account_id, address)
    SELECT w.account_id, w.address FROM unnest($1::bigint[], $2::text[]) AS w(account_id, address) ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING account_id
),
today AS (
    INSERT INTO queue_sending AS s (account_id, day, messages, recipients, newcomers)
    SELECT c.account_id, (now() AT TIME ZONE 'UTC')::date, 1, c.recipients,
        (SELECT count(*) FROM newcomers n WHERE n.account_id = c.account_id)
    FROM unnest($3::bigint[], $4::int[]) AS c(account_id, recipients) ORDER BY c.account_id
    ON CONFLICT (account_id, day) DO UPDATE SET messages = s.messages + 1,
        recipients = s.recipients + excluded.recipients, newcomers = s.newcomers + excluded.newcomers
    RETURNING account_id, messages, recipients, newcomers
)
SELECT t.account_id, t.messages, t.recipients, t.newcomers, d.id AS domain_id, d.name AS domain,
    coalesce(p.sending_messages, d.sending_messages) AS most_messages,
    coalesce(p.sending_recipients, d.sending_recipients) AS most_recipients,
    coalesce(p.sending_newcomers, d.sending_newcomers) AS most_newcomers,
    d.total_messages, d.total_recipients, d.total_newcomers,
    o.messages AS others_messages, o.recipients AS others_recipients, o.newcomers AS others_newcomers
FROM today t JOIN directory_account p ON p.id = t.account_id JOIN directory_domain d ON d.id = p.domain_id
LEFT JOIN LATERAL (
    SELECT sum(s.messages) AS messages, sum(s.recipients) AS recipients, sum(s.newcomers) AS newcomers
    FROM directory_account a JOIN queue_sending s ON s.account_id = a.id
    WHERE a.domain_id = d.id AND a.id <> p.id AND s.day = (now() AT TIME ZONE 'UTC')::date
) o ON coalesce(d.total_messages, d.total_recipients, d.total_newcomers) IS NOT NULL
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


#: What is counted, and how it is called.
COUNTED: Final = {
    "messages": "messages",
    "recipients": "recipients",
    "newcomers": "recipients never written to before",
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """How far an account, or all of its domain, has come: the limit that is nearest to its end."""

    #: Such as "messages"; see COUNTED.
    what: str
    count: int
    limit: int
    #: The domain whose accounts sent this together, and its key; empty: the account alone.
    domain: str = ""
    domain_id: int = 0

    @property
    def exceeded(self) -> bool:
        return self.count > self.limit

    @property
    def near(self) -> bool:
        return self.count >= WARN_AT * self.limit

    def __str__(self) -> str:
        return f"{self.count} {self.what} today, of {self.limit}"


@dataclass(frozen=True, slots=True)
class Message:
    """What an account is about to send: its recipients in normal form, each once."""

    account_id: int
    recipients: Collection[str]


#: Messages to count; an answer is where the sender stands now, or None where it was removed a moment ago.
Charges: TypeAlias = Gathering[Message, "Allowance | None"]


def charges(pool: Pool) -> Charges:
    """For one process. Made inside the event loop."""
    return Gathering(partial(_charge, pool))


async def charge(together: Charges, message: Message) -> Allowance:
    """Count a message, and say where its sender stands.

    Raises:
        Unavailable
    """
    found = await together.answer(message)
    if found is None:
        raise Unavailable
    return found


async def _charge(pool: Pool, messages: Sequence[Message]) -> list[Allowance | None]:
    """Several messages of one account are counted one after the other: each has a count of its own."""
    answers: dict[int, Allowance | None] = {}
    left = list(enumerate(messages))
    while left:
        once = {message.account_id: (place, message) for place, message in reversed(left)}
        left = [(place, message) for place, message in left if once[message.account_id][0] != place]
        stands = await _charge_once(pool, [message for _, message in once.values()])
        answers |= {place: stands.get(account_id) for account_id, (place, _) in once.items()}
    return [answers[place] for place in range(len(messages))]


async def _charge_once(pool: Pool, messages: Sequence[Message]) -> dict[int, Allowance]:
    pairs = [(one.account_id, address) for one in messages for address in one.recipients]
    async with connection(pool) as db:
        rows = await db.fetch(
            CHARGE, [account_id for account_id, _ in pairs], [address for _, address in pairs],
            [one.account_id for one in messages], [len(one.recipients) for one in messages],
        )  # fmt: skip
    return {row["account_id"]: _allowance(row) for row in rows}


def _allowance(row: Any) -> Allowance:
    found = [Allowance(words, row[name], row[f"most_{name}"]) for name, words in COUNTED.items()]
    for name, words in COUNTED.items():
        if (limit := row[f"total_{name}"]) is not None:
            count = row[name] + (row[f"others_{name}"] or 0)
            found.append(Allowance(words, count, limit, row["domain"], row["domain_id"]))
    return max(found, key=lambda one: one.count / one.limit)


async def drop_days(pool: Pool, limit: int) -> int:
    """Forget days that are long over."""
    async with connection(pool) as db:
        return int((await db.execute(FORGET_DAYS, limit)).rpartition(" ")[2])


async def drop_correspondents(pool: Pool, limit: int) -> int:
    """Forget whom accounts that are gone have written to."""
    async with connection(pool) as db:
        return int((await db.execute(FORGET_ACCOUNTS, limit)).rpartition(" ")[2])
