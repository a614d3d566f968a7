"""Where an address leads, and who may send as it: the engine's view of the directory_* tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from mailservices.mail.address import Address, parse
from mailservices.mail.errors import AliasLoop, NoSuchRecipient, RecipientDisabled, TooManyRecipients
from mailservices.mail.vocabulary import CATCH_ALL, INBOX, WILDCARD, Posting
from mailservices.store.gathering import Gathering
from mailservices.store.pool import Pool, connection

#: Aliases that one recipient may pass through, and mailboxes that it may end in.
ALIAS_DEPTH = 10
ALIAS_WIDTH = 5000

# One row for each address asked, in order: the most special spelling wins (whole, without detail, catch-all).
LOOK_UP = f"""
SELECT d.id AS domain_id, n.active AND d.active AS domain_active, d.detail_folders, a.id AS address_id,
       a.local_part, a.posting, a.expires_at <= now() AS expired, a.account_id,
       p.active AS account_active, p.address AS account_address, m.mailbox_id, p.quota_bytes, u.bytes, p.encrypts,
       CASE WHEN a.account_id IS NULL
            THEN ARRAY(SELECT t.address FROM directory_target t WHERE t.alias_id = a.id ORDER BY t.address)
       END AS targets,
       coalesce(f.targets, '{{}}') AS forwarded, coalesce(f.keep, true) AS stays, v.account_id IS NOT NULL AS away
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS q(domain, key, plain, n)
LEFT JOIN directory_domain n ON n.name = q.domain
LEFT JOIN directory_domain d ON d.id = coalesce(n.alias_of_id, n.id)
LEFT JOIN LATERAL (
    SELECT * FROM directory_address x
    WHERE x.domain_id = d.id AND x.local_part IN (q.key, q.plain, '{CATCH_ALL}')
    ORDER BY x.local_part = q.key DESC, x.local_part = q.plain DESC LIMIT 1
) a ON true
LEFT JOIN directory_account p ON p.id = a.account_id
LEFT JOIN mail_usage u ON u.account_id = p.id
LEFT JOIN mail_mailbox m ON m.account_id = p.id AND m.name = '{INBOX}'
LEFT JOIN own_forwarding f ON f.account_id = p.id
LEFT JOIN own_vacation v ON v.account_id = p.id AND v.active
    AND coalesce(v.begins_at <= now(), true) AND coalesce(v.ends_at > now(), true)
ORDER BY q.n
"""  # noqa: S608 - two constants of ours

# The longest of these spellings with an asterisk that the domain has.
WILDCARD_OF = """
SELECT local_part FROM directory_address WHERE domain_id = $1 AND local_part = ANY($2::text[])
ORDER BY length(local_part) DESC LIMIT 1
"""

FOLDER_OF = """
SELECT mailbox_id FROM mail_mailbox WHERE account_id = $1 AND lower(name) = lower($2) ORDER BY name LIMIT 1
"""

MAY_POST = """
SELECT bool_and(CASE a.posting
    WHEN 'domain' THEN p.domain_id = a.domain_id
    WHEN 'members' THEN EXISTS (SELECT FROM directory_target t WHERE t.alias_id = a.id AND t.address = p.address)
    WHEN 'named' THEN EXISTS (SELECT FROM directory_poster t WHERE t.alias_id = a.id AND t.address = p.address)
    ELSE true END)
FROM directory_address a, directory_account p WHERE a.id = ANY($1::bigint[]) AND p.id = $2
"""

# One row for each account and address asked, in order.
OWNS = """
SELECT EXISTS (
    SELECT FROM directory_domain d JOIN directory_address a ON a.domain_id = coalesce(d.alias_of_id, d.id)
    WHERE d.name = q.domain AND a.local_part IN (q.key, q.plain) AND d.active
      AND coalesce(a.expires_at > now(), true) AND (
        a.account_id = q.account_id
        OR EXISTS (SELECT FROM directory_target t JOIN directory_account p ON p.address = t.address
                   WHERE t.alias_id = a.id AND p.id = q.account_id AND p.deleted_at IS NULL)
    )
) OR EXISTS (
    SELECT FROM directory_domain d JOIN directory_send_as s ON s.account_id = q.account_id
    WHERE d.name = q.domain AND d.active
      AND s.address IN (q.key || '@' || q.domain, q.plain || '@' || q.domain, '@' || q.domain)
) AS owns
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
     WITH ORDINALITY AS q(account_id, domain, key, plain, n)
ORDER BY q.n
"""

LOCAL_DOMAIN = "SELECT EXISTS (SELECT FROM directory_domain WHERE name = $1)"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A local end of a recipient's way: the INBOX of an account, or the folder that the address names."""

    account_id: int
    mailbox_id: int
    address: str
    #: Octets that still fit, and that fit at most; None without a quota.
    room: int | None
    quota: int | None
    #: Its owner is away, and has whoever writes to her answered.
    away: bool = False
    #: What she has her mail encrypted by before it is stored (store/enclosing.py); empty: nothing.
    encrypts: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a recipient leads: mailboxes here and addresses elsewhere."""

    mailboxes: tuple[Mailbox, ...]
    remote: tuple[Address, ...]
    #: Aliases on the way to which not everybody may write.
    restricted: tuple[int, ...] = ()


#: Look-ups of many sessions, asked together.
Lookups: TypeAlias = Gathering[Address, Any]


def lookups(pool: Pool) -> Lookups:
    """For one process. Made inside the event loop."""
    return Gathering(partial(_look_up, pool))


async def resolve(pool: Pool, recipient: Address, together: Lookups | None = None) -> Route:
    """Follow a recipient through aliases to its ends. A foreign domain leads to itself.

    Args:
        together: where it is asked for together with what others ask.

    Raises:
        NoSuchRecipient, RecipientDisabled: at the first step, or when nothing else is left.
        AliasLoop, TooManyRecipients: the aliases lead too far.
    """
    mailboxes: dict[int, Mailbox] = {}
    #: Of those who forward all their mail: it stays with them where it leads nowhere.
    passed: dict[int, Mailbox] = {}
    remote: dict[str, Address] = {}
    restricted: list[int] = []
    seen = {str(recipient).lower()}
    wave: Sequence[Address] = [recipient]
    dead_end: type[Exception] = NoSuchRecipient
    for _ in range(ALIAS_DEPTH):
        following: list[Address] = []
        for address, row in zip(wave, await _find(pool, wave, together), strict=True):
            if row["domain_id"] is None:
                remote[str(address)] = address
            elif row["address_id"] is None or row["expired"]:
                continue
            elif row["account_id"] is not None:
                if row["domain_active"] and row["account_active"] and row["mailbox_id"] is not None:
                    boxes = mailboxes if row["stays"] else passed
                    boxes[row["account_id"]] = await _mailbox(pool, address, row)
                    following += _unseen(row["forwarded"], seen)
                else:
                    dead_end = RecipientDisabled
            elif row["domain_active"]:
                if row["posting"] != Posting.EVERYONE:
                    restricted.append(row["address_id"])
                following += _unseen(row["targets"], seen)
        if len(mailboxes) + len(remote) + len(following) > ALIAS_WIDTH:
            raise TooManyRecipients
        if not following:
            break
        wave = following
    else:
        raise AliasLoop
    local = mailboxes if mailboxes or remote else passed
    if not local and not remote:
        raise dead_end
    return Route(tuple(local.values()), tuple(remote.values()), tuple(restricted))


def _unseen(targets: Sequence[str], seen: set[str]) -> list[Address]:
    """Those that were not followed before; from now on they were."""
    found = [parse(target) for target in targets if target.lower() not in seen]
    seen.update(target.lower() for target in targets)
    return found


async def may_post(pool: Pool, aliases: Sequence[int], account_id: int) -> bool:
    """Whether the account may write to all of these aliases."""
    async with connection(pool) as db:
        return bool(await db.fetchval(MAY_POST, aliases, account_id))


async def members(pool: Pool, alias: Address) -> tuple[str, ...]:
    """Where an alias leads at the next step; nowhere if it is none."""
    [row] = await _look_up(pool, [alias])
    return tuple(row["targets"] or ())


async def _find(pool: Pool, addresses: Sequence[Address], together: Lookups | None) -> list[Any]:
    """What is known of each address; a wildcard is asked for only where nothing else of that name is there."""
    if together is not None and len(addresses) == 1:
        rows = [await together.answer(addresses[0])]
    else:
        rows = await _look_up(pool, addresses)
    for n, (address, row) in enumerate(zip(addresses, rows, strict=True)):
        if row["domain_id"] is None or row["local_part"]:
            continue
        spellings = [address.key[:end] + WILDCARD for end in range(1, len(address.key) + 1)]
        async with connection(pool) as db:
            found = await db.fetchval(WILDCARD_OF, row["domain_id"], spellings)
        if found:
            [rows[n]] = await _look_up(pool, [Address(found, address.domain)])
    return rows


async def _look_up(pool: Pool, addresses: Sequence[Address]) -> list[Any]:
    async with connection(pool) as db:
        return await db.fetch(
            LOOK_UP,
            [address.domain for address in addresses],
            [address.key for address in addresses],
            [address.without_detail() for address in addresses],
        )


async def _mailbox(pool: Pool, address: Address, row: Any) -> Mailbox:
    mailbox_id = row["mailbox_id"]
    if row["detail_folders"] and row["local_part"] != address.key and (detail := address.detail):
        async with connection(pool) as db:
            mailbox_id = await db.fetchval(FOLDER_OF, row["account_id"], detail) or mailbox_id
    quota = row["quota_bytes"]
    room = None if quota is None else quota - row["bytes"]
    return Mailbox(
        row["account_id"], mailbox_id, row["account_address"], room, quota, row["away"], row["encrypts"]
    )


#: Whether accounts may send as addresses: their own, an alias that leads to them, or one they were lent.
Owners: TypeAlias = Gathering[tuple[int, Address], bool]


def owners(pool: Pool) -> Owners:
    """For one process. Made inside the event loop."""
    return Gathering(partial(_own, pool))


async def _own(pool: Pool, asked: Sequence[tuple[int, Address]]) -> list[bool]:
    accounts = [account_id for account_id, _ in asked]
    senders = [sender for _, sender in asked]
    async with connection(pool) as db:
        rows = await db.fetch(
            OWNS, accounts, [one.domain for one in senders], [one.key for one in senders],
            [one.without_detail() for one in senders],
        )  # fmt: skip
    return [row["owns"] for row in rows]


async def is_local(pool: Pool, domain: str) -> bool:
    """Whether this appliance takes mail for the domain."""
    async with connection(pool) as db:
        return bool(await db.fetchval(LOCAL_DOMAIN, domain))
