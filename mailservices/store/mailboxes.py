"""Folders: find, list, create, rename, delete, subscribe. Names are those of protocols/imap/names.py, decoded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from mailservices.mail.errors import FolderExists, NoSuchFolder, NotPossible, RoleTaken, Unavailable
from mailservices.mail.vocabulary import HIERARCHY, INBOX, SpecialUse
from mailservices.store.pool import Connection, Pool, connection, transaction

#: Folders of one account.
FOLDERS = 5000

_COLUMNS = (
    "mailbox_id, name, special_use, uidvalidity, uidnext, modseq, messages, unseen, deleted, bytes, recent_from"
)
#: Of a statement that reads other tables, too: of_folder.
of_folder = ", ".join(f"m.{column}" for column in _COLUMNS.split(", "))

FIND = f"SELECT {_COLUMNS} FROM mail_mailbox WHERE account_id = $1 AND name = $2"  # noqa: S608
ALL = f"SELECT {_COLUMNS} FROM mail_mailbox WHERE account_id = $1 ORDER BY name"  # noqa: S608
CHOSEN = f"""
SELECT {_COLUMNS} FROM mail_mailbox WHERE account_id = $1 AND mailbox_id = ANY($2::bigint[]) ORDER BY name
"""  # noqa: S608
SUBSCRIPTIONS = "SELECT name FROM mail_subscription WHERE account_id = $1 ORDER BY name"
SUBSCRIBE = "INSERT INTO mail_subscription (account_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING"
UNSUBSCRIBE = "DELETE FROM mail_subscription WHERE account_id = $1 AND name = $2"

LOCK_ACCOUNT = "SELECT bytes FROM mail_usage WHERE account_id = $1 FOR UPDATE"
COUNT = "SELECT count(*) FROM mail_mailbox WHERE account_id = $1"
CREATE = """
INSERT INTO mail_mailbox (account_id, name, special_use) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO NOTHING RETURNING mailbox_id
"""
INHERIT = """
INSERT INTO mail_acl (account_id, mailbox_id, grantee_id, rights)
SELECT account_id, $2, grantee_id, rights FROM mail_acl WHERE account_id = $1 AND mailbox_id = $3
"""
ROLES = """
SELECT account_id, mailbox_id FROM mail_mailbox WHERE account_id = ANY($1::bigint[]) AND special_use = $2
"""
# A folder of that name that has no role yet takes it.
MAKE_ROLE = """
INSERT INTO mail_mailbox AS m (account_id, name, special_use) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO UPDATE SET
    special_use = CASE m.special_use WHEN '' THEN EXCLUDED.special_use ELSE m.special_use END
RETURNING mailbox_id
"""
ROLE_TAKEN = "SELECT EXISTS (SELECT FROM mail_mailbox WHERE account_id = $1 AND special_use = $2 AND $2 <> '')"

# A renamed folder keeps its id, its UIDs and its UIDVALIDITY; its children go with it (RFC 9051 §6.3.6).
RENAME = f"""
UPDATE mail_mailbox SET name = $3::text || substr(name, length($2::text) + 1)
WHERE account_id = $1 AND (name = $2 OR starts_with(name, $2 || '{HIERARCHY}'))
"""  # noqa: S608

DELETE = """
DELETE FROM mail_mailbox WHERE account_id = $1 AND mailbox_id = $2 RETURNING bytes, messages
"""
DELETE_ANNOTATIONS = "DELETE FROM mail_annotation WHERE account_id = $1 AND mailbox_id = $2"
DELETE_RIGHTS = "DELETE FROM mail_acl WHERE account_id = $1 AND mailbox_id = $2"
DELETE_CHANGES = "DELETE FROM mail_change WHERE account_id = $1 AND mailbox_id = $2"
DELETE_SEEN = "DELETE FROM mail_seen WHERE account_id = $1 AND mailbox_id = $2"
DELETE_MESSAGES = """
WITH gone AS (
    DELETE FROM mail_message WHERE account_id = $1 AND mailbox_id = $2 RETURNING uid, content_id
)
INSERT INTO mail_expunged (account_id, mailbox_id, uid, modseq, content_id)
SELECT $1, $2, uid, 0, content_id FROM gone
"""
RELEASE = "UPDATE mail_usage SET bytes = bytes - $2, messages = messages - $3 WHERE account_id = $1"
CLAIM_RECENT = """
UPDATE mail_mailbox SET recent_from = uidnext
WHERE account_id = $1 AND mailbox_id = $2 AND recent_from < uidnext
"""


MODSEQS = """
SELECT m.account_id, m.mailbox_id, m.modseq
FROM unnest($1::bigint[], $2::bigint[]) AS asked(account_id, mailbox_id)
JOIN mail_mailbox m ON m.account_id = asked.account_id AND m.mailbox_id = asked.mailbox_id
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """One row of mail_mailbox."""

    mailbox_id: int
    name: str
    special_use: str
    uidvalidity: int
    uidnext: int
    modseq: int
    messages: int
    unseen: int
    deleted: int
    bytes: int
    recent_from: int


async def find(pool: Pool, account_id: int, name: str) -> Folder:
    """Raises NoSuchFolder."""
    async with connection(pool) as db:
        return await _find(db, account_id, name)


async def _find(db: Connection, account_id: int, name: str) -> Folder:
    row = await db.fetchrow(FIND, account_id, name)
    if row is None:
        raise NoSuchFolder
    return Folder(*row)


async def all_folders(pool: Pool, account_id: int) -> list[Folder]:
    """Every folder, by name."""
    async with connection(pool) as db:
        return [Folder(*row) for row in await db.fetch(ALL, account_id)]


async def chosen(pool: Pool, account_id: int, mailbox_ids: Sequence[int]) -> list[Folder]:
    """These folders, by name; those that are gone are left out."""
    async with connection(pool) as db:
        return [Folder(*row) for row in await db.fetch(CHOSEN, account_id, mailbox_ids)]


async def subscriptions(pool: Pool, account_id: int) -> list[str]:
    """Subscribed names, which need not be folders any more (RFC 9051 §6.3.7)."""
    async with connection(pool) as db:
        return [row["name"] for row in await db.fetch(SUBSCRIPTIONS, account_id)]


async def subscribe(pool: Pool, account_id: int, name: str) -> None:
    async with connection(pool) as db:
        await db.execute(SUBSCRIBE, account_id, name)


async def unsubscribe(pool: Pool, account_id: int, name: str) -> None:
    async with connection(pool) as db:
        await db.execute(UNSUBSCRIBE, account_id, name)


async def create(
    pool: Pool, account_id: int, names: Sequence[str], special_use: str = "", like: Folder | None = None
) -> int:
    """Create the last of these names, and those before it, its superiors, where they are missing.

    What is new is shared with the same others as the folder that it is to be like.

    Raises:
        FolderExists: the last is there already.
        NotPossible: too many folders.
        RoleTaken: the role is another folder's.
    """
    async with transaction(pool) as db:
        await db.execute(LOCK_ACCOUNT, account_id)
        if int(await db.fetchval(COUNT, account_id) or 0) + len(names) > FOLDERS:
            raise NotPossible(words="There are too many folders already.")
        if await db.fetchval(ROLE_TAKEN, account_id, special_use):
            raise RoleTaken  # RFC 6154 §3
        created: int | None = None
        for name in names:
            created = await db.fetchval(CREATE, account_id, name, special_use if name == names[-1] else "")
            if created is not None and like is not None:
                await db.execute(INHERIT, account_id, created, like.mailbox_id)
        if created is None:
            raise FolderExists
        return created


async def with_role(pool: Pool, account_ids: Sequence[int], role: SpecialUse) -> dict[int, int]:
    """The folder of each account that has this role; made, under the role's name, where there is none.

    Raises:
        NoSuchFolder: an account is gone.
    """
    async with connection(pool) as db:
        found = {row["account_id"]: row["mailbox_id"] for row in await db.fetch(ROLES, account_ids, role)}
    for account_id in account_ids:
        if account_id not in found:
            found[account_id] = await _make_role(pool, account_id, role)
    return found


async def _make_role(pool: Pool, account_id: int, role: SpecialUse) -> int:
    async with transaction(pool) as db:
        if await db.fetchval(LOCK_ACCOUNT, account_id) is None:
            raise NoSuchFolder
        for row in await db.fetch(ROLES, [account_id], role):
            return int(row["mailbox_id"])  # somebody else has just made it
        await db.execute(SUBSCRIBE, account_id, role)
        return int(await db.fetchval(MAKE_ROLE, account_id, role, role))


async def rename(pool: Pool, account_id: int, old: str, new: str, superiors: Iterable[str]) -> None:
    """Give a folder and those below it another name; superiors of the new one are made where they are missing.

    Raises:
        NoSuchFolder, FolderExists
    """
    try:
        async with transaction(pool) as db:
            await db.execute(LOCK_ACCOUNT, account_id)
            for name in superiors:
                await db.fetchval(CREATE, account_id, name, "")
            if await db.execute(RENAME, account_id, old, new) == "UPDATE 0":
                raise NoSuchFolder
    except Unavailable as error:
        if isinstance(error.__cause__, asyncpg.UniqueViolationError):
            raise FolderExists from None
        raise


async def delete(pool: Pool, account_id: int, name: str) -> None:
    """Delete a folder with its messages, which stay in the undelete window. Folders below it stay.

    Raises:
        NoSuchFolder, NotPossible
    """
    if name == INBOX:
        raise NotPossible(words="INBOX cannot be deleted.")
    async with transaction(pool) as db:
        await db.execute(LOCK_ACCOUNT, account_id)
        folder = await _find(db, account_id, name)
        # The folder before its messages, as everybody locks them: flags are changed without the account's lock.
        row: Any = await db.fetchrow(DELETE, account_id, folder.mailbox_id)
        await db.execute(DELETE_MESSAGES, account_id, folder.mailbox_id)
        await db.execute(DELETE_ANNOTATIONS, account_id, folder.mailbox_id)
        await db.execute(DELETE_RIGHTS, account_id, folder.mailbox_id)
        await db.execute(DELETE_CHANGES, account_id, folder.mailbox_id)
        await db.execute(DELETE_SEEN, account_id, folder.mailbox_id)
        await db.execute(RELEASE, account_id, row["bytes"], row["messages"])


async def claim_recent(pool: Pool, account_id: int, mailbox_id: int) -> None:
    """The messages up to now are \\Recent to the session that asks, and to no other after it (RFC 3501 §2.3.2)."""
    async with connection(pool) as db:
        await db.execute(CLAIM_RECENT, account_id, mailbox_id)


async def modseqs(pool: Pool, folders: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The modification sequences of (account, folder) pairs; a folder that is gone is left out."""
    if not folders:
        return {}
    async with connection(pool) as db:
        rows = await db.fetch(MODSEQS, [account for account, _ in folders], [mailbox for _, mailbox in folders])
    return {(row["account_id"], row["mailbox_id"]): row["modseq"] for row in rows}
