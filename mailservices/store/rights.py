"""Rights in folders (RFC 4314): who has been given which, and which folders of others an account may see.

Rights are given to accounts of the owner's own domain, one by one or to all of them.
"""

from dataclasses import dataclass
from typing import Any

from mailservices.mail import rights
from mailservices.mail.errors import NoSuchFolder
from mailservices.store.mailboxes import Folder, of_folder
from mailservices.store.pool import Pool, connection, transaction
from mailservices.store.seen import IS_OWN

#: Stands for every account of the domain.
ANYONE = 0

#: What this account has not seen, where that is kept apart.
_UNSEEN = f"""
CASE WHEN {IS_OWN.format(account="p.id", mailbox="m.mailbox_id")} THEN m.messages - (
    SELECT count(*) FROM mail_seen s
    WHERE s.account_id = p.id AND s.mailbox_id = m.mailbox_id AND s.reader_id = me.id) ELSE m.unseen END
"""  # noqa: S608 - ours
_OF_FOLDER = of_folder.replace("m.unseen", _UNSEEN)
# What was given to everybody and to this account alone adds up.
_SHARED = f"""
SELECT p.id, p.address, string_agg(a.rights, ''), {_OF_FOLDER}
FROM directory_account me
JOIN mail_acl a ON a.grantee_id IN (me.id, 0) AND a.account_id <> me.id
JOIN directory_account p ON p.id = a.account_id AND p.domain_id = me.domain_id AND p.deleted_at IS NULL
JOIN mail_mailbox m ON m.account_id = a.account_id AND m.mailbox_id = a.mailbox_id
WHERE me.id = $1 {{which}}
GROUP BY me.id, p.id, p.address, {of_folder} ORDER BY p.address, m.name
"""  # noqa: S608 - ours
SHARED = _SHARED.format(which="")
SHARED_ONE = _SHARED.format(which="AND p.address = $2 AND m.name = $3")
STILL = _SHARED.format(which="AND m.mailbox_id = $2")

GIVEN = """
SELECT coalesce(p.address, 'anyone'), a.rights FROM mail_acl a LEFT JOIN directory_account p ON p.id = a.grantee_id
WHERE a.account_id = $1 AND a.mailbox_id = $2 ORDER BY 1
"""
GRANTEE = """
SELECT g.id FROM directory_account g JOIN directory_account o ON o.id = $1 AND o.domain_id = g.domain_id
WHERE g.address = $2 AND g.deleted_at IS NULL AND g.id <> $1
"""
ADDRESS = "SELECT address FROM directory_account WHERE id = $1"
HELD = "SELECT rights FROM mail_acl WHERE account_id = $1 AND mailbox_id = $2 AND grantee_id = $3"
LOCK = "SELECT FROM mail_mailbox WHERE account_id = $1 AND mailbox_id = $2 FOR UPDATE"
GIVE = """
INSERT INTO mail_acl (account_id, mailbox_id, grantee_id, rights) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, mailbox_id, grantee_id) DO UPDATE SET rights = EXCLUDED.rights
"""
TAKE = "DELETE FROM mail_acl WHERE account_id = $1 AND mailbox_id = $2 AND grantee_id = $3"


@dataclass(frozen=True, slots=True)
class Shared:
    """A folder of somebody else's, and what may be done with it."""

    account_id: int
    owner: str
    rights: str
    folder: Folder


async def shared(pool: Pool, account_id: int) -> list[Shared]:
    """All folders of others in which this account has any right."""
    async with connection(pool) as db:
        return [_shared(row) for row in await db.fetch(SHARED, account_id)]


async def find(pool: Pool, account_id: int, owner: str, name: str) -> Shared:
    """One of them.

    Raises:
        NoSuchFolder: there is none, or nothing of it was given to this account.
    """
    async with connection(pool) as db:
        row = await db.fetchrow(SHARED_ONE, account_id, owner, name)
    if row is None:
        raise NoSuchFolder
    return _shared(row)


async def still(pool: Pool, account_id: int, mailbox_id: int) -> str:
    """The rights that this account has now in a folder of somebody else's."""
    async with connection(pool) as db:
        row = await db.fetchrow(STILL, account_id, mailbox_id)
    return _shared(row).rights if row is not None else ""


def _shared(row: Any) -> Shared:
    account_id, owner, letters, *folder = row
    return Shared(account_id, owner, rights.printed(letters), Folder(*folder))


async def given(pool: Pool, account_id: int, mailbox_id: int) -> list[tuple[str, str]]:
    """Whom the owner has given rights, and which."""
    async with connection(pool) as db:
        return [(row[0], row[1]) for row in await db.fetch(GIVEN, account_id, mailbox_id)]


async def address(pool: Pool, account_id: int) -> str:
    """An account's."""
    async with connection(pool) as db:
        return str(await db.fetchval(ADDRESS, account_id))


async def grantee(pool: Pool, account_id: int, address: str) -> int | None:
    """An account to which this owner may give rights."""
    async with connection(pool) as db:
        found: int | None = await db.fetchval(GRANTEE, account_id, address)
    return found


async def give(pool: Pool, account_id: int, mailbox_id: int, grantee_id: int, change: str, letters: str) -> None:
    """Change what is held by this one; nothing left is no entry."""
    async with transaction(pool) as db:
        await db.execute(LOCK, account_id, mailbox_id)
        held: str = await db.fetchval(HELD, account_id, mailbox_id, grantee_id) or ""
        if left := rights.changed(held, change, letters):
            await db.execute(GIVE, account_id, mailbox_id, grantee_id, left)
        else:
            await db.execute(TAKE, account_id, mailbox_id, grantee_id)
