"""Messages in folders: numbers, changes, copies, moves, removal. One transaction each; what changed comes back.

A change draws the folder's next modseq under the folder's row lock, so that modseqs are committed in order.
Whoever changes several folders, or what the account uses, locks the account's row of mail_usage first.

Sets of UIDs stand first in a join, so that each number is looked up in the primary key: the plan is made before
the set is known (store/pool.py), and IN or = ANY would have it compare each row with each number.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mailservices.mail import uidset
from mailservices.mail.changes import Changes, Flagged
from mailservices.mail.errors import MailboxFull, NoSuchFolder, Unavailable
from mailservices.mail.flags import DELETED, SEEN
from mailservices.mail.inventory import Inventory
from mailservices.store import doubt
from mailservices.store.chosen import IS_CHOSEN, chosen_messages
from mailservices.store.modseqs import EPOCH, IS_LOGGED, LOGGED, NEW, drawn, logged
from mailservices.store.pool import Connection, Pool, connection, transaction
from mailservices.store.room import has_room

UIDS = """
SELECT ARRAY(SELECT uid FROM mail_message WHERE account_id = $1 AND mailbox_id = $2 ORDER BY uid)
"""
# A moment of a folder: the UIDs alone are told by the key.
_MOMENT = f"""
SELECT m.modseq, {EPOCH} AS epoch, listed.* FROM mail_mailbox m CROSS JOIN LATERAL (
    SELECT {{columns}} FROM (
        SELECT uid, flags FROM mail_message WHERE account_id = $1 AND mailbox_id = $2 ORDER BY uid) one
) listed
WHERE m.account_id = $1 AND m.mailbox_id = $2
"""  # noqa: S608 - ours
MOMENT = _MOMENT.format(columns="array_agg(uid) AS uids")
MOMENT_WITH_FLAGS = _MOMENT.format(columns="array_agg(uid) AS uids, string_agg(int2send(flags), '') AS flags")
# By its index (store/criteria.py, has_index).
FIRST_UNSEEN = """
SELECT uid FROM mail_message WHERE account_id + 0 = $1 AND mailbox_id = $2 AND NOT seen ORDER BY uid LIMIT 1
"""

_FOLDER = f"""
WITH folder AS (
    SELECT m.modseq, {IS_LOGGED} AS logged FROM mail_mailbox m WHERE m.account_id = $1 AND m.mailbox_id = $2
)
"""  # noqa: S608 - ours
# Of the two, one is carried out.
_CHANGED = f"""
SELECT {{columns}} FROM {chosen_messages(uids=LOGGED)} JOIN mail_message m ON {IS_CHOSEN}
WHERE (SELECT f.logged FROM folder f)
UNION ALL
SELECT {{columns}} FROM mail_message m WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.modseq > $3
  AND NOT (SELECT f.logged FROM folder f)
"""  # noqa: S608 - ours
# One statement, so that all see the same moment.
CHANGES = f"""
{_FOLDER}
SELECT 0 AS kind, 0::bigint AS uid, modseq, 0::smallint AS flags, NULL::text[] AS keywords, {EPOCH} AS epoch
FROM folder
UNION ALL
{_CHANGED.format(columns="1, m.uid, m.modseq, m.flags, m.keywords, NULL::uuid")}
UNION ALL
SELECT 2, uid, modseq, 0, NULL, NULL FROM mail_expunged WHERE account_id = $1 AND mailbox_id = $2 AND modseq > $3
ORDER BY kind, uid
"""  # noqa: S608 - ours

#: UIDs
CHANGED = f"{_FOLDER}{_CHANGED.format(columns='m.uid')} ORDER BY uid"

#: Of the folder: uidnext, up to which modseq it has forgotten, and the UIDs of tombstones after one.
VANISHED = """
SELECT uidnext, forgotten, ARRAY(
    SELECT uid FROM mail_expunged WHERE account_id = $1 AND mailbox_id = $2 AND modseq > $3 ORDER BY uid)
FROM mail_mailbox WHERE account_id = $1 AND mailbox_id = $2
"""

DRAW = f"""
UPDATE mail_mailbox m SET {drawn()} WHERE account_id = $1 AND mailbox_id = $2 RETURNING modseq
"""  # noqa: S608 - ours

RECOUNT = """
UPDATE mail_mailbox SET messages = messages + $3, unseen = unseen + $4, deleted = deleted + $5, bytes = bytes + $6
WHERE account_id = $1 AND mailbox_id = $2
"""

LOCK_ACCOUNT = """
SELECT u.bytes, a.quota_bytes, u.messages, a.quota_messages
FROM mail_usage u JOIN directory_account a ON a.id = u.account_id
WHERE u.account_id = $1 FOR UPDATE OF u
"""

_REMOVE = """
WITH gone AS (
    DELETE FROM mail_message m {which} RETURNING m.account_id, m.mailbox_id, m.uid, m.content_id, m.size, m.flags
), readers AS (
    DELETE FROM mail_seen s USING gone
    WHERE s.account_id = gone.account_id AND s.mailbox_id = gone.mailbox_id AND s.uid = gone.uid
), stones AS (
    INSERT INTO mail_expunged (account_id, mailbox_id, uid, modseq, content_id)
    SELECT $1, $2, uid, $3, content_id FROM gone
)
SELECT uid, size, flags FROM gone ORDER BY uid
"""
REMOVE_DELETED = _REMOVE.format(which="WHERE m.account_id + 0 = $1 AND m.mailbox_id = $2 AND m.deleted")
# With $5, of the chosen ones only those that are flagged \\Deleted.
REMOVE_CHOSEN = _REMOVE.format(
    which=f"USING {chosen_messages(uids='$4')} WHERE {IS_CHOSEN} AND (NOT $5::boolean OR m.deleted)"
)

USE = "UPDATE mail_usage SET bytes = bytes + $2, messages = messages + $3 WHERE account_id = $1"

CHOSEN = f"""
SELECT m.uid, m.size, m.flags, m.content_id FROM {chosen_messages()} JOIN mail_message m ON {IS_CHOSEN}
ORDER BY m.uid
"""  # noqa: S608 - ours
TARGET = f"""
WITH target AS (
    UPDATE mail_mailbox m
    SET uidnext = uidnext + $3, {drawn()}, messages = messages + $3, unseen = unseen + $4,
        deleted = deleted + $5, bytes = bytes + $6
    WHERE account_id = $1 AND mailbox_id = $2
    RETURNING uidvalidity, uidnext - $3 AS first_uid, uidnext, modseq
), noted AS ({logged(f"$1, $2, modseq, {NEW} FROM target")})
SELECT uidvalidity, first_uid, modseq FROM target
"""  # noqa: S608 - ours
# Of messages with one content in a folder, each that came after the first is a twin: POP3 tells them apart by it.
COPY = f"""
INSERT INTO mail_message
    (account_id, mailbox_id, uid, modseq, flags, keywords, internaldate, savedate, size, content_id, twin)
SELECT m.account_id, $3, $4::bigint + row_number() OVER (ORDER BY m.uid) - 1, $5, m.flags, m.keywords,
       m.internaldate, now(), m.size, m.content_id,
       row_number() OVER (PARTITION BY m.content_id ORDER BY m.uid) > 1 OR EXISTS (
           SELECT FROM mail_message t
           WHERE t.account_id = $1 AND t.content_id = m.content_id AND t.mailbox_id = $3)
FROM {chosen_messages(uids="$6")} JOIN mail_message m ON {IS_CHOSEN}
"""  # noqa: S608 - ours
COPIED = """
SELECT ARRAY(SELECT content_id FROM mail_message
             WHERE account_id = $1 AND mailbox_id = $2 AND uid BETWEEN $3 AND $4 ORDER BY uid) = $5::uuid[]
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """RFC 4315 COPYUID: which message became which; `modseq` is the target's, the contents are shared."""

    uidvalidity: int
    source_uids: tuple[int, ...]
    target_uids: tuple[int, ...]
    modseq: int
    contents: tuple[UUID, ...]


async def uids(pool: Pool, account_id: int, mailbox_id: int) -> list[int]:
    """Every UID, ascending."""
    async with connection(pool) as db:
        found: list[int] = await db.fetchval(UIDS, account_id, mailbox_id)
    return found


async def inventory(pool: Pool, account_id: int, mailbox_id: int, *, flags: bool) -> Inventory:
    """All messages that are there now, with their system flags or without.

    Raises:
        NoSuchFolder: it is gone.
    """
    async with connection(pool) as db:
        row = await db.fetchrow(MOMENT_WITH_FLAGS if flags else MOMENT, account_id, mailbox_id)
    if row is None:
        raise NoSuchFolder
    # The lower half of each pair of octets.
    return Inventory(
        row["modseq"], row["epoch"], row["uids"] or (), (row["flags"] or b"")[1::2] if flags else None
    )


async def first_unseen(pool: Pool, account_id: int, mailbox_id: int) -> int | None:
    """The UID of the first message without \\Seen."""
    async with connection(pool) as db:
        uid: int | None = await db.fetchval(FIRST_UNSEEN, account_id, mailbox_id)
    return uid


async def changes(pool: Pool, account_id: int, mailbox_id: int, since: int) -> Changes:
    """What happened after this modseq.

    Raises:
        NoSuchFolder: it is gone.
    """
    async with connection(pool) as db:
        rows = await db.fetch(CHANGES, account_id, mailbox_id, since)
    if not rows or rows[0]["kind"] != 0:
        raise NoSuchFolder
    changed = tuple(flagged(row) for row in rows if row["kind"] == 1)
    gone = tuple(row["uid"] for row in rows if row["kind"] == 2)
    return Changes(rows[0]["modseq"], changed, gone, rows[0]["epoch"])


async def vanished(pool: Pool, account_id: int, mailbox_id: int, since: int) -> tuple[int, list[int] | None]:
    """The folder's uidnext, and the UIDs expunged after this modseq; None where that is too long ago to be known.

    Raises:
        NoSuchFolder: it is gone.
    """
    async with connection(pool) as db:
        row = await db.fetchrow(VANISHED, account_id, mailbox_id, since)
    if row is None:
        raise NoSuchFolder
    return row[0], None if since < row[1] else row[2]


def flagged(row: Any) -> Flagged:
    """A row of uid, flags, keywords and modseq."""
    return Flagged(row["uid"], row["flags"], tuple(row["keywords"] or ()), row["modseq"])


async def changed_since(pool: Pool, account_id: int, mailbox_id: int, since: int) -> list[int]:
    """The UIDs, ascending, of messages that were changed after this modseq."""
    async with connection(pool) as db:
        return [row["uid"] for row in await db.fetch(CHANGED, account_id, mailbox_id, since)]


async def changed(pool: Pool, account_id: int, mailbox_id: int, chosen: Sequence[int], since: int) -> list[int]:
    """Those of these ascending UIDs whose messages were changed after this modseq."""
    return uidset.among(await changed_since(pool, account_id, mailbox_id, since), chosen)


async def _draw(db: Connection, account_id: int, mailbox_id: int) -> int:
    modseq: int | None = await db.fetchval(DRAW, account_id, mailbox_id)
    if modseq is None:
        raise NoSuchFolder
    return modseq


async def expunge(pool: Pool, account_id: int, mailbox_id: int, chosen: Sequence[int] | None) -> Changes:
    """Remove what is flagged \\Deleted: all of it, or only among these UIDs (RFC 4315 §2.1).

    Raises:
        NoSuchFolder
    """
    async with transaction(pool) as db:
        await db.execute(LOCK_ACCOUNT, account_id)
        return await _remove(db, account_id, mailbox_id, chosen, only_deleted=True)


async def remove(
    pool: Pool,
    account_id: int,
    mailbox_id: int,
    chosen: Sequence[int],
    trash_id: int | None,
    first: Callable[[Connection], Awaitable[None]],
) -> list[tuple[int, int]]:
    """Remove these messages, whatever their flags, or move them to another folder: POP3's UPDATE (RFC 1939 §6).

    Args:
        first: is done in the same transaction; what it raises undoes it.

    Returns:
        (folder, modseq) of each folder that has changed.
    """
    async with transaction(pool) as db:
        await first(db)
        if trash_id is None:
            await db.execute(LOCK_ACCOUNT, account_id)
            gone = await _remove(db, account_id, mailbox_id, chosen, only_deleted=False)
            return [(mailbox_id, gone.modseq)]
        copied, gone = await _move(db, account_id, mailbox_id, chosen, trash_id)
        return [(trash_id, copied.modseq), (mailbox_id, gone.modseq)]


async def remove_chosen(db: Connection, account_id: int, mailbox_id: int, chosen: Sequence[int]) -> Changes:
    """Remove messages in the caller's transaction, whatever their flags.

    Raises:
        NoSuchFolder
    """
    await db.execute(LOCK_ACCOUNT, account_id)
    return await _remove(db, account_id, mailbox_id, chosen, only_deleted=False)


async def _remove(
    db: Connection, account_id: int, mailbox_id: int, chosen: Sequence[int] | None, *, only_deleted: bool
) -> Changes:
    modseq = await _draw(db, account_id, mailbox_id)
    if chosen is None:
        rows = await db.fetch(REMOVE_DELETED, account_id, mailbox_id, modseq)
    else:
        rows = await db.fetch(REMOVE_CHOSEN, account_id, mailbox_id, modseq, chosen, only_deleted)
    if rows:
        octets = sum(row["size"] for row in rows)
        unseen, deleted = _unseen(rows), sum(bool(row["flags"] & DELETED) for row in rows)
        await db.execute(RECOUNT, account_id, mailbox_id, -len(rows), -unseen, -deleted, -octets)
        await db.execute(USE, account_id, -octets, -len(rows))
    return Changes(modseq, expunged=tuple(row["uid"] for row in rows))


def _unseen(rows: Sequence[Any]) -> int:
    return sum(not row["flags"] & SEEN for row in rows)


async def copy(pool: Pool, account_id: int, mailbox_id: int, chosen: Sequence[int], target_id: int) -> Copied:
    """RFC 9051 §6.4.7: all messages are copied, or none. Their contents are shared.

    Raises:
        NoSuchFolder, MailboxFull
    """
    copied: Copied | None = None
    try:
        async with transaction(pool) as db:
            copied, octets = await _copy(db, account_id, mailbox_id, chosen, target_id, grows=True)
            await db.execute(USE, account_id, octets, len(copied.source_uids))
    except Unavailable:
        if copied is None or not await _stands(pool, account_id, target_id, copied):
            raise
    return copied


async def _stands(pool: Pool, account_id: int, target_id: int, copied: Copied) -> bool:
    """Whether a copy was committed though the answer was lost: a client that hears "later" makes another."""
    if not copied.target_uids:
        return False

    async def ask(db: Connection) -> bool:
        await db.execute(LOCK_ACCOUNT, account_id)
        first, last = copied.target_uids[0], copied.target_uids[-1]
        return bool(await db.fetchval(COPIED, account_id, target_id, first, last, copied.contents))

    return await doubt.stands(pool, ask)


async def move(
    pool: Pool, account_id: int, mailbox_id: int, chosen: Sequence[int], target_id: int
) -> tuple[Copied, Changes]:
    """RFC 6851: each message is in one of the two folders at any moment.

    Raises:
        NoSuchFolder
    """
    async with transaction(pool) as db:
        return await _move(db, account_id, mailbox_id, chosen, target_id)


async def _move(
    db: Connection, account_id: int, mailbox_id: int, chosen: Sequence[int], target_id: int
) -> tuple[Copied, Changes]:
    copied, octets = await _copy(db, account_id, mailbox_id, chosen, target_id, grows=False)
    await db.execute(USE, account_id, octets, len(copied.source_uids))
    gone = await _remove(db, account_id, mailbox_id, copied.source_uids, only_deleted=False)
    return copied, gone


async def _copy(
    db: Connection, account_id: int, mailbox_id: int, chosen: Sequence[int], target_id: int, *, grows: bool
) -> tuple[Copied, int]:
    account = await db.fetchrow(LOCK_ACCOUNT, account_id)
    rows = await db.fetch(CHOSEN, account_id, mailbox_id, chosen)
    octets = sum(row["size"] for row in rows)
    if account is None:
        raise NoSuchFolder
    if grows and not has_room(account, octets, len(rows)):
        raise MailboxFull
    deleted = sum(bool(row["flags"] & DELETED) for row in rows)
    target = await db.fetchrow(TARGET, account_id, target_id, len(rows), _unseen(rows), deleted, octets)
    if target is None:
        raise NoSuchFolder
    source = tuple(row["uid"] for row in rows)
    await db.execute(COPY, account_id, mailbox_id, target_id, target["first_uid"], target["modseq"], source)
    first = target["first_uid"]
    target_uids = tuple(range(first, first + len(rows)))
    contents = tuple(row["content_id"] for row in rows)
    return Copied(target["uidvalidity"], source, target_uids, target["modseq"], contents), octets
