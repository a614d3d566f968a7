"""What an account uses and may use, for those who ask (RFC 9208); the limits are kept where mail is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailservices.mail.errors import NoSuchFolder
from mailservices.store.mailboxes import FOLDERS
from mailservices.store.pool import Pool, connection

USAGE = """
SELECT u.bytes, a.quota_bytes, u.messages, a.quota_messages,
       (SELECT count(*) FROM mail_mailbox m WHERE m.account_id = $1) AS folders
FROM mail_usage u JOIN directory_account a ON a.id = u.account_id WHERE u.account_id = $1
"""
DELETED = """
SELECT m.mailbox_id, sum(m.size)::bigint AS octets FROM unnest($2::bigint[]) AS chosen(mailbox_id)
JOIN mail_message m ON m.account_id + 0 = $1 AND m.mailbox_id = chosen.mailbox_id AND m.deleted
GROUP BY m.mailbox_id
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Limits are None where there is none."""

    octets: int
    most_octets: int | None
    messages: int
    most_messages: int | None
    folders: int
    most_folders: int = FOLDERS


async def usage(pool: Pool, account_id: int) -> Usage:
    """Raises NoSuchFolder: the account is gone."""
    async with connection(pool) as db:
        row = await db.fetchrow(USAGE, account_id)
    if row is None:
        raise NoSuchFolder
    return Usage(*row)


async def deleted_octets(pool: Pool, account_id: int, mailbox_ids: Sequence[int]) -> dict[int, int]:
    """Of each of these folders, the octets that an expunge would free; folders without any are left out."""
    async with connection(pool) as db:
        rows = await db.fetch(DELETED, account_id, mailbox_ids)
    return {row["mailbox_id"]: row["octets"] for row in rows}
