"""What nobody needs any more, removed in steps of bounded size, each a transaction of its own.

Contents go when their last message's tombstone does, and bodies with the last content or queued message that
holds them. One process does this at a time: two that remove the last two holders of a body would each leave it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mailservices.store.ids import oldest_id
from mailservices.store.pool import Connection, Pool, connection, transaction

#: How long a removed message can be brought back, a deleted account too.
UNDELETE = timedelta(days=30)
#: Who comes back to a folder within this time is told what has changed without all of it being looked at.
CHANGES_KNOWN = timedelta(days=30)
#: How long the queue shows what has been settled, and the trace what happened.
SETTLED = timedelta(days=14)
TRACE_DAYS = 30
#: Days for which a partition of the trace is made beforehand.
DAYS_AHEAD = 7
#: A body without a holder is removed at this age: until then its message may still be on its way to commit.
UNHELD = (timedelta(days=1), timedelta(days=4))

# Released with the transaction; "facteur" in ASCII, cut to fit.
LOCK = "SELECT pg_try_advisory_xact_lock(1717658484)"

PARTITIONS = """
SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'trace_event'::regclass AND c.relname ~ '^trace_event_\\d{8}$' ORDER BY 1
"""
IN_DEFAULT = "SELECT EXISTS (SELECT FROM trace_event_default WHERE at >= $1 AND at < $2)"
OLD_TRACE = """
DELETE FROM trace_event_default WHERE ctid IN (
    SELECT ctid FROM trace_event_default WHERE at < now() - $2::interval LIMIT $1)
"""

TOMBSTONES = """
DELETE FROM mail_expunged WHERE ctid IN (
    SELECT ctid FROM mail_expunged WHERE expunged_at < now() - $2::interval ORDER BY expunged_at LIMIT $1)
RETURNING account_id, content_id, mailbox_id, modseq
"""
# Accounts first, as everybody locks them (store/messages.py).
LOCK_ACCOUNTS = """
SELECT FROM mail_usage WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR UPDATE
"""
_UP_TO = """
UPDATE mail_mailbox m SET {column} = greatest(m.{column}, g.modseq)
FROM (SELECT account_id, mailbox_id, max(modseq) AS modseq
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS t(account_id, mailbox_id, modseq)
      GROUP BY account_id, mailbox_id) g
WHERE m.account_id = g.account_id AND m.mailbox_id = g.mailbox_id
"""
FORGET = _UP_TO.format(column="forgotten")
OLD_CHANGES = """
SELECT account_id, mailbox_id, modseq FROM mail_change
WHERE changed_at < now() - $2::interval ORDER BY changed_at LIMIT $1
"""
UNLOG = _UP_TO.format(column="unlogged")
CHANGES = """
DELETE FROM mail_change c
USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS g(account_id, mailbox_id, modseq)
WHERE c.account_id = g.account_id AND c.mailbox_id = g.mailbox_id AND c.modseq = g.modseq
"""
CONTENTS = """
WITH gone AS (
    DELETE FROM mail_content c USING (
        SELECT DISTINCT * FROM unnest($1::bigint[], $2::uuid[]) AS g(account_id, content_id)) g
    WHERE c.account_id = g.account_id AND c.content_id = g.content_id
      AND NOT EXISTS (
          SELECT FROM mail_message m WHERE m.account_id = g.account_id AND m.content_id = g.content_id)
      AND NOT EXISTS (
          SELECT FROM mail_expunged e WHERE e.account_id = g.account_id AND e.content_id = g.content_id)
    RETURNING c.account_id, c.content_id, c.blob_id
), gists AS (
    DELETE FROM mail_gist g USING gone WHERE g.account_id = gone.account_id AND g.content_id = gone.content_id
), previews AS (
    DELETE FROM mail_preview p USING gone WHERE p.account_id = gone.account_id AND p.content_id = gone.content_id
), wordings AS (
    DELETE FROM mail_wording w USING gone WHERE w.account_id = gone.account_id AND w.content_id = gone.content_id
)
SELECT blob_id FROM gone
"""
BLOBS = """
DELETE FROM mail_blob b USING (SELECT DISTINCT unnest($1::uuid[]) AS blob_id) g
WHERE b.blob_id = g.blob_id
  AND NOT EXISTS (SELECT FROM mail_content c WHERE c.blob_id = g.blob_id)
  AND NOT EXISTS (SELECT FROM queue_message q WHERE q.blob_id = g.blob_id)
"""
UNHELD_BLOBS = """
DELETE FROM mail_blob b
WHERE b.blob_id >= $1 AND b.blob_id < $2
  AND NOT EXISTS (SELECT FROM mail_content c WHERE c.blob_id = b.blob_id)
  AND NOT EXISTS (SELECT FROM queue_message q WHERE q.blob_id = b.blob_id)
"""

SETTLED_MESSAGES = """
SELECT q.message_id FROM queue_message q
WHERE q.created_at < now() - $2::interval AND NOT EXISTS (
    SELECT FROM queue_recipient r WHERE r.message_id = q.message_id
       AND (r.settled_at IS NULL OR r.settled_at > now() - $2::interval OR r.report_due <> ''))
ORDER BY q.created_at LIMIT $1
"""
ATTEMPTS = """
DELETE FROM queue_attempt a USING queue_recipient r
WHERE a.recipient_id = r.recipient_id AND r.message_id = ANY($1::uuid[])
"""
RETURNS = """
DELETE FROM report_return x USING queue_recipient r
WHERE x.recipient_id = r.recipient_id AND r.message_id = ANY($1::uuid[])
"""
RECIPIENTS = "DELETE FROM queue_recipient WHERE message_id = ANY($1::uuid[])"
QUEUED = "DELETE FROM queue_message WHERE message_id = ANY($1::uuid[]) RETURNING blob_id"

DEAD_ACCOUNT = """
SELECT id FROM directory_account WHERE deleted_at < now() - $1::interval ORDER BY deleted_at LIMIT 1
"""
DEAD_MESSAGES = "DELETE FROM mail_message WHERE account_id = $1"
DEAD_TOMBSTONES = "DELETE FROM mail_expunged WHERE account_id = $1"
DEAD_CONTENTS = """
DELETE FROM mail_content WHERE ctid IN (SELECT ctid FROM mail_content WHERE account_id = $1 LIMIT $2)
RETURNING blob_id
"""
DEAD_REST = (
    "DELETE FROM directory_app_password WHERE account_id = $1",
    "DELETE FROM directory_pop_choices WHERE account_id = $1",
    "DELETE FROM directory_send_as WHERE account_id = $1",
    "DELETE FROM policy_withheld WHERE account_id = $1",
    "DELETE FROM own_answer WHERE account_id = $1",
    "DELETE FROM own_answered WHERE account_id = $1",
    "DELETE FROM own_forwarding WHERE account_id = $1",
    "DELETE FROM own_recovery WHERE account_id = $1",
    "DELETE FROM own_vacation WHERE account_id = $1",
    "UPDATE privacy_directory SET submission = '', account_id = NULL WHERE account_id = $1",
    "DELETE FROM privacy_key WHERE account_id = $1",
    "DELETE FROM privacy_notice WHERE account_id = $1",
    "DELETE FROM privacy_policy WHERE account_id = $1",
    "DELETE FROM privacy_request WHERE account_id = $1",
    "DELETE FROM privacy_submission WHERE account_id = $1",
    "DELETE FROM mail_acl WHERE account_id = $1 OR grantee_id = $1",
    "DELETE FROM mail_annotation WHERE account_id = $1",
    "DELETE FROM mail_change WHERE account_id = $1",
    "DELETE FROM mail_gist WHERE account_id = $1",
    "DELETE FROM mail_preview WHERE account_id = $1",
    "DELETE FROM mail_wording WHERE account_id = $1",
    "DELETE FROM mail_reading WHERE account_id = $1",
    "DELETE FROM mail_seen WHERE account_id = $1",
    "DELETE FROM mail_mailbox WHERE account_id = $1",
    "DELETE FROM mail_subscription WHERE account_id = $1",
    "DELETE FROM mail_lease WHERE account_id = $1",
    "DELETE FROM mail_usage WHERE account_id = $1",
    "DELETE FROM directory_account WHERE id = $1",
)


async def make_partitions(pool: Pool) -> None:
    """A partition of the trace for each of the days ahead. A day that has begun in the default one stays there."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with connection(pool) as db:
        present = {row[0] for row in await db.fetch(PARTITIONS)}
        for ahead in range(DAYS_AHEAD + 1):
            start, end = today + timedelta(days=ahead), today + timedelta(days=ahead + 1)
            name = f"trace_event_{start:%Y%m%d}"
            if name not in present and not await db.fetchval(IN_DEFAULT, start, end):
                span = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
                await db.execute(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF trace_event FOR VALUES {span}")


async def drop_partitions(pool: Pool) -> int:
    """Remove the days that are past the trace's time; returns how many."""
    oldest = f"trace_event_{datetime.now(UTC) - timedelta(days=TRACE_DAYS):%Y%m%d}"
    async with connection(pool) as db:
        old = [row[0] for row in await db.fetch(PARTITIONS) if row[0] < oldest]
        for name in old:
            await db.execute(f"DROP TABLE {name}")
    return len(old)


async def drop_old_trace(pool: Pool, limit: int) -> int:
    """The same for what the default partition caught."""
    async with transaction(pool) as db:
        return _count(await db.execute(OLD_TRACE, limit, timedelta(days=TRACE_DAYS)))


async def drop_tombstones(pool: Pool, limit: int) -> int:
    """Messages that were removed so long ago that nobody can have them back, and what only they held."""
    async with transaction(pool) as db:
        if not await db.fetchval(LOCK):
            return 0
        gone = await db.fetch(TOMBSTONES, limit, UNDELETE)
        accounts = [row[0] for row in gone]
        await db.execute(LOCK_ACCOUNTS, sorted(set(accounts)))
        # RFC 7162 §3.2.6: whoever asks about the time before is told of every UID that is not there.
        await db.execute(FORGET, accounts, [row[2] for row in gone], [row[3] for row in gone])
        held = await db.fetch(CONTENTS, [row[0] for row in gone], [row[1] for row in gone])
        await _drop_blobs(db, held)
        return len(gone)


async def drop_changes(pool: Pool, limit: int) -> int:
    """What was noted of changes so long ago that few come back to it."""
    async with transaction(pool) as db:
        old = await db.fetch(OLD_CHANGES, limit, CHANGES_KNOWN)
        accounts, folders, modseqs = ([row[column] for row in old] for column in range(3))
        # Before the rows: whoever deletes a folder has the account's lock when its rows are removed.
        await db.execute(LOCK_ACCOUNTS, sorted(set(accounts)))
        await db.execute(UNLOG, accounts, folders, modseqs)
        await db.execute(CHANGES, accounts, folders, modseqs)
        return len(old)


async def drop_settled(pool: Pool, limit: int) -> int:
    """Queued messages of which nothing is left to do."""
    async with transaction(pool) as db:
        if not await db.fetchval(LOCK):
            return 0
        ids = [row[0] for row in await db.fetch(SETTLED_MESSAGES, limit, SETTLED)]
        await db.execute(ATTEMPTS, ids)
        await db.execute(RETURNS, ids)
        await db.execute(RECIPIENTS, ids)
        await _drop_blobs(db, await db.fetch(QUEUED, ids))
        return len(ids)


async def drop_accounts(pool: Pool, limit: int) -> int:
    """Mail of an account that was deleted long ago, then the account itself; returns contents removed."""
    async with transaction(pool) as db:
        account_id = await db.fetchval(DEAD_ACCOUNT, UNDELETE) if await db.fetchval(LOCK) else None
        if account_id is None:
            return 0
        await db.execute(DEAD_MESSAGES, account_id)
        await db.execute(DEAD_TOMBSTONES, account_id)
        gone = await db.fetch(DEAD_CONTENTS, account_id, limit)
        await _drop_blobs(db, gone)
        if len(gone) < limit:
            for statement in DEAD_REST:
                await db.execute(statement, account_id)
        return max(1, len(gone))


async def drop_unheld(pool: Pool, _limit: int) -> int:
    """Bodies that were written ahead of a commit that never came."""
    now = datetime.now(UTC)
    youngest, oldest = (oldest_id((now - age).timestamp()) for age in UNHELD)
    async with transaction(pool) as db:
        if not await db.fetchval(LOCK):
            return 0
        return _count(await db.execute(UNHELD_BLOBS, oldest, youngest))


async def _drop_blobs(db: Connection, rows: Sequence[Any]) -> None:
    if rows:
        await db.execute(BLOBS, [row[0] for row in rows])


def _count(done: str) -> int:
    """Of a command tag such as DELETE 5."""
    return int(done.rpartition(" ")[2])
