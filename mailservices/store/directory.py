"""Where an address leads, and who may send as it: the engine's view of the directory_* tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailservices.mail.address import Address, parse
from mailservices.mail.errors import AliasLoop, NoSuchRecipient, RecipientDisabled, TooManyRecipients
from mailservices.mail.vocabulary import CATCH_ALL, INBOX, WILDCARD, Posting
from mailservices.store.pool import Pool, connection

#: Aliases that one recipient may pass through, and mailboxes that it may end in.
ALIAS_DEPTH = 10
ALIAS_WIDTH = 5000

# One row for each address asked, in order: the most special spelling wins (whole, without detail, catch-all).
LOOK_UP = f"""
SELECT d.id AS domain_id, n.active AND d.active AS domain_active, d.detail_folders, a.id AS address_id,
       a.local_part, a.posting, a.expires_at <= now() AS expired, a.account_id,
       p.active AS account_active, p.address AS account_address, m.mailbox_id, p.quota_bytes, u.bytes,
       CASE WHEN a.account_id IS NULL
            THEN ARRAY(SELECT t.address FROM directory_target t WHERE t.alias_id = a.id ORDER BY t.address)
       END AS targets
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

OWNS = """
SELECT EXISTS (
    SELECT FROM directory_domain d JOIN directory_address a ON a.domain_id = coalesce(d.alias_of_id, d.id)
    WHERE d.name = $2 AND a.local_part IN ($3, $4) AND d.active AND coalesce(a.expires_at > now(), true) AND (
        a.account_id = $1
        OR EXISTS (SELECT FROM directory_target t JOIN directory_account p ON p.address = t.address
                   WHERE t.alias_id = a.id AND p.id = $1 AND p.deleted_at IS NULL)
    )
) OR EXISTS (
    SELECT FROM directory_domain d JOIN directory_send_as s ON s.account_id = $1
    WHERE d.name = $2 AND d.active AND s.address IN ($3 || '@' || $2, $4 || '@' || $2, '@' || $2)
)
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


@dataclass(frozen=True, slots=True)
class Route:
    """Where a recipient leads: mailboxes here and addresses elsewhere."""

    mailboxes: tuple[Mailbox, ...]
    remote: tuple[Address, ...]
    #: Aliases on the way to which not everybody may write.
    restricted: tuple[int, ...] = ()


async def resolve(pool: Pool, recipient: Address) -> Route:
    """Follow a recipient through aliases to its ends. A foreign domain leads to itself.

    Raises:
        NoSuchRecipient, RecipientDisabled: at the first step, or when nothing else is left.
        AliasLoop, TooManyRecipients: the aliases lead too far.
    """
    mailboxes: dict[int, Mailbox] = {}
    remote: dict[str, Address] = {}
    restricted: list[int] = []
    seen = {str(recipient).lower()}
    wave: Sequence[Address] = [recipient]
    dead_end: type[Exception] = NoSuchRecipient
    for _ in range(ALIAS_DEPTH):
        following: list[Address] = []
        for address, row in zip(wave, await _find(pool, wave), strict=True):
            if row["domain_id"] is None:
                remote[str(address)] = address
            elif row["address_id"] is None or row["expired"]:
                continue
            elif row["account_id"] is not None:
                if row["domain_active"] and row["account_active"] and row["mailbox_id"] is not None:
                    mailboxes[row["account_id"]] = await _mailbox(pool, address, row)
                else:
                    dead_end = RecipientDisabled
            elif row["domain_active"]:
                if row["posting"] != Posting.EVERYONE:
                    restricted.append(row["address_id"])
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
    return Route(tuple(mailboxes.values()), tuple(remote.values()), tuple(restricted))


async def may_post(pool: Pool, aliases: Sequence[int], account_id: int) -> bool:
    """Whether the account may write to all of these aliases."""
    async with connection(pool) as db:
        return bool(await db.fetchval(MAY_POST, aliases, account_id))


async def members(pool: Pool, alias: Address) -> tuple[str, ...]:
    """Where an alias leads at the next step; nowhere if it is none."""
    [row] = await _look_up(pool, [alias])
    return tuple(row["targets"] or ())


async def _find(pool: Pool, addresses: Sequence[Address]) -> list[Any]:
    """What is known of each address; a wildcard is asked for only where nothing else of that name is there."""
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
    return Mailbox(row["account_id"], mailbox_id, row["account_address"], room, quota)


async def owns(pool: Pool, account_id: int, sender: Address) -> bool:
    """Whether the account may send as this address: its own, an alias that leads to it, or one it was lent."""
    async with connection(pool) as db:
        return bool(await db.fetchval(OWNS, account_id, sender.domain, sender.key, sender.without_detail()))


async def is_local(pool: Pool, domain: str) -> bool:
    """Whether this appliance takes mail for the domain."""
    async with connection(pool) as db:
        return bool(await db.fetchval(LOCAL_DOMAIN, domain))
