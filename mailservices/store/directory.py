"""Where an address leads, and who may sign in: the engine's view of the directory_* tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailservices.mail.address import Address, parse
from mailservices.mail.errors import AliasLoop, NoSuchRecipient, RecipientDisabled, TooManyRecipients
from mailservices.mail.vocabulary import CATCH_ALL, INBOX
from mailservices.store.pool import Pool, connection

#: Aliases that one recipient may pass through, and mailboxes that it may end in.
ALIAS_DEPTH = 10
ALIAS_WIDTH = 5000

# One row for each address asked, in order: the most special spelling wins (whole, without detail, catch-all).
LOOK_UP = f"""
SELECT d.id IS NOT NULL AS local, d.active AS domain_active, a.id AS address_id, a.account_id,
       p.active AS account_active, p.address AS account_address, m.mailbox_id, p.quota_bytes, u.bytes,
       CASE WHEN a.account_id IS NULL
            THEN ARRAY(SELECT t.address FROM directory_target t WHERE t.alias_id = a.id ORDER BY t.address)
       END AS targets
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS q(domain, key, plain, n)
LEFT JOIN directory_domain d ON d.name = q.domain
LEFT JOIN LATERAL (
    SELECT x.id, x.account_id FROM directory_address x
    WHERE x.domain_id = d.id AND x.local_part IN (q.key, q.plain, '{CATCH_ALL}')
    ORDER BY x.local_part = q.key DESC, x.local_part = q.plain DESC LIMIT 1
) a ON true
LEFT JOIN directory_account p ON p.id = a.account_id
LEFT JOIN mail_usage u ON u.account_id = p.id
LEFT JOIN mail_mailbox m ON m.account_id = p.id AND m.name = '{INBOX}'
ORDER BY q.n
"""  # noqa: S608 - two constants of ours

LOGIN = """
SELECT p.id, p.address, p.password, p.active AND d.active AS active, p.quota_bytes
FROM directory_account p JOIN directory_domain d ON d.id = p.domain_id
WHERE p.address = $1 AND p.deleted_at IS NULL
"""

OWNS = """
SELECT EXISTS (
    SELECT FROM directory_address a JOIN directory_domain d ON d.id = a.domain_id
    WHERE d.name = $2 AND a.local_part IN ($3, $4) AND d.active AND (
        a.account_id = $1
        OR EXISTS (SELECT FROM directory_target t JOIN directory_account p ON p.address = t.address
                   WHERE t.alias_id = a.id AND p.id = $1 AND p.deleted_at IS NULL)
    )
)
"""

LOCAL_DOMAIN = "SELECT EXISTS (SELECT FROM directory_domain WHERE name = $1)"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A local end of a recipient's way: the INBOX of an account."""

    account_id: int
    mailbox_id: int
    address: str
    #: Octets that still fit, and that fit at most; None without a quota.
    room: int | None
    quota: int | None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a recipient leads: mailboxes here and addresses elsewhere."""

    mailboxes: tuple[Mailbox, ...]
    remote: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """An account as the auth room sees it."""

    account_id: int
    address: str
    password: str
    active: bool


async def resolve(pool: Pool, recipient: Address) -> Route:
    """Follow a recipient through aliases to its ends. A foreign domain leads to itself.

    Raises:
        NoSuchRecipient, RecipientDisabled: at the first step, or when nothing else is left.
        AliasLoop, TooManyRecipients: the aliases lead too far.
    """
    mailboxes: dict[int, Mailbox] = {}
    remote: dict[str, Address] = {}
    seen = {str(recipient).lower()}
    wave: Sequence[Address] = [recipient]
    dead_end: type[Exception] = NoSuchRecipient
    for _ in range(ALIAS_DEPTH):
        following: list[Address] = []
        for address, row in zip(wave, await _look_up(pool, wave), strict=True):
            if not row["local"]:
                remote[str(address)] = address
            elif row["account_id"] is not None:
                if row["domain_active"] and row["account_active"] and row["mailbox_id"] is not None:
                    mailboxes[row["account_id"]] = _mailbox(row)
                else:
                    dead_end = RecipientDisabled
            elif row["address_id"] is not None and row["domain_active"]:
                following += [parse(target) for target in row["targets"] if target.lower() not in seen]
                seen.update(target.lower() for target in row["targets"])
        if len(mailboxes) + len(remote) + len(following) > ALIAS_WIDTH:
            raise TooManyRecipients
        if not following:
            break
        wave = following
    else:
        raise AliasLoop
    if not mailboxes and not remote:
        raise dead_end
    return Route(tuple(mailboxes.values()), tuple(remote.values()))


async def members(pool: Pool, alias: Address) -> tuple[str, ...]:
    """Where an alias leads at the next step; nowhere if it is none."""
    [row] = await _look_up(pool, [alias])
    return tuple(row["targets"] or ())


async def _look_up(pool: Pool, addresses: Sequence[Address]) -> list[Any]:
    async with connection(pool) as db:
        return await db.fetch(
            LOOK_UP,
            [address.domain for address in addresses],
            [address.key for address in addresses],
            [address.without_detail() for address in addresses],
        )


def _mailbox(row: Any) -> Mailbox:
    quota = row["quota_bytes"]
    room = None if quota is None else quota - row["bytes"]
    return Mailbox(row["account_id"], row["mailbox_id"], row["account_address"], room, quota)


async def find_login(pool: Pool, name: str) -> Login | None:
    """The account that signs in with this address, in normal form."""
    async with connection(pool) as db:
        row = await db.fetchrow(LOGIN, name)
    return Login(row["id"], row["address"], row["password"], row["active"]) if row else None


async def owns(pool: Pool, account_id: int, sender: Address) -> bool:
    """Whether the account may send as this address: its own, with a detail, or an alias that leads to it."""
    async with connection(pool) as db:
        return bool(await db.fetchval(OWNS, account_id, sender.domain, sender.key, sender.without_detail()))


async def is_local(pool: Pool, domain: str) -> bool:
    """Whether this appliance takes mail for the domain."""
    async with connection(pool) as db:
        return bool(await db.fetchval(LOCAL_DOMAIN, domain))
