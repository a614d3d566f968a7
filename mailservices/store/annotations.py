"""Annotations of folders and of an account (RFC 5464): they stay with a folder that is renamed, and go with it."""

from collections.abc import Sequence

from mailservices.mail.errors import NoSuchFolder
from mailservices.store.pool import Pool, connection, transaction

#: Octets of one value; entries of one folder or of the account itself. RFC 5464 §4.1 wants 1024 and 10 at least.
VALUE_OCTETS = 64 * 1024
ENTRIES = 100
#: Stands for no folder: what belongs to the account.
OF_ACCOUNT = 0

# Whatever begins with one of the names and a slash, no deeper below it than so many levels.
READ = """
SELECT a.mailbox_id, a.entry, a.value FROM mail_annotation a
WHERE a.account_id = $1 AND a.mailbox_id = ANY($2::bigint[]) AND EXISTS (
    SELECT FROM unnest($3::text[]) AS asked(entry)
    WHERE a.entry = asked.entry OR (starts_with(a.entry, asked.entry || '/')
        AND cardinality(string_to_array(a.entry, '/')) - cardinality(string_to_array(asked.entry, '/')) <= $4))
ORDER BY a.mailbox_id, a.entry
"""
LOCK = "SELECT FROM mail_usage WHERE account_id = $1 FOR UPDATE"
REMOVE = "DELETE FROM mail_annotation WHERE account_id = $1 AND mailbox_id = $2 AND entry = ANY($3::text[])"
WRITE = """
INSERT INTO mail_annotation (account_id, mailbox_id, entry, value)
SELECT $1::bigint, $2::bigint, * FROM unnest($3::text[], $4::bytea[])
ON CONFLICT (account_id, mailbox_id, entry) DO UPDATE SET value = EXCLUDED.value
"""
COUNT = "SELECT count(*) FROM mail_annotation WHERE account_id = $1 AND mailbox_id = $2"
STANDS = "SELECT EXISTS (SELECT FROM mail_mailbox WHERE account_id = $1 AND mailbox_id = $2)"
COPY = """
INSERT INTO mail_annotation (account_id, mailbox_id, entry, value)
SELECT account_id, $3::bigint, entry, value FROM mail_annotation WHERE account_id = $1 AND mailbox_id = $2
ON CONFLICT DO NOTHING
"""
DIGESTS = "SELECT mailbox_id, entry, md5(value) FROM mail_annotation WHERE account_id = $1"


class TooMany(Exception):
    """There would be more entries than may be."""


async def read(
    pool: Pool, account_id: int, mailbox_ids: Sequence[int], entries: Sequence[str], depth: int = 0
) -> dict[int, dict[str, bytes]]:
    """Of each of these folders, the values of these entries and of those so many levels below them."""
    found: dict[int, dict[str, bytes]] = {}
    async with connection(pool) as db:
        for mailbox_id, entry, value in await db.fetch(READ, account_id, mailbox_ids, entries, depth):
            found.setdefault(mailbox_id, {})[entry] = value
    return found


async def digests(pool: Pool, account_id: int) -> dict[tuple[int, str], str]:
    """Of every entry of the account something that changes with its value, by folder and name."""
    async with connection(pool) as db:
        return {(row[0], row[1]): row[2] for row in await db.fetch(DIGESTS, account_id)}


async def write(pool: Pool, account_id: int, mailbox_id: int, values: Sequence[tuple[str, bytes | None]]) -> None:
    """Set these, or remove those without a value: all or none.

    Raises:
        TooMany: nothing was changed.
        NoSuchFolder: the folder is gone.
    """
    async with transaction(pool) as db:
        await db.execute(LOCK, account_id)
        if mailbox_id != OF_ACCOUNT and not await db.fetchval(STANDS, account_id, mailbox_id):
            raise NoSuchFolder
        await db.execute(REMOVE, account_id, mailbox_id, [entry for entry, value in values if value is None])
        kept = [(entry, value) for entry, value in values if value is not None]
        await db.execute(WRITE, account_id, mailbox_id, [entry for entry, _ in kept], [value for _, value in kept])
        if kept and int(await db.fetchval(COUNT, account_id, mailbox_id) or 0) > ENTRIES:
            raise TooMany


async def copy(pool: Pool, account_id: int, mailbox_id: int, target_id: int) -> None:
    """RFC 5464 §4.1: INBOX keeps its own when its messages get another name."""
    async with connection(pool) as db:
        await db.execute(COPY, account_id, mailbox_id, target_id)
