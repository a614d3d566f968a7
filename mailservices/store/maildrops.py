"""Maildrops (RFC 1939 §4): how an account is served, the exclusive lock, the list of its messages, the update.

A lock is a row with an owner and an end. Its holder renews it while the session lives; a holder that dies lets
it run out, so nobody is locked out for long, whatever process or host it was.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from mailservices import log
from mailservices.mail.errors import InUse, NoSuchFolder, SwitchedOff, TooSoon, Unavailable
from mailservices.mail.vocabulary import SpecialUse
from mailservices.store import mailboxes, messages
from mailservices.store.gathering import Gathering
from mailservices.store.ids import new_id
from mailservices.store.pool import Connection, Pool, connection

#: How long a lock holds unless it is renewed, and seconds between renewals.
LEASE = timedelta(seconds=60)
RENEW_SECONDS = 20.0
#: Messages that have expired and are removed with one QUIT: of more, the others with the next.
EXPIRED_AT_ONCE = 10_000
#: Octets of one message in a listing: uid, size, content's id, whether it is a twin.
ROW = ">QQ16s?"
ROW_OCTETS = 33
#: Of the lists that one process keeps, and of one of them.
LISTS_OCTETS = 16 * 1024 * 1024
LIST_OCTETS = 1024 * 1024

_log = log.get()

# One statement for several: the wishes, and the locks where they let them be taken. One that is held is left out
# first: a long UPDATE may have locked its row, and nobody else is to wait for that.
TAKE = """
WITH wish AS (
    SELECT asked.*, coalesce(p.active, true) AS active, coalesce(p.folder, 'INBOX') AS folder, m.mailbox_id,
           m.messages, m.modseq, p.newest_days, coalesce(p.delete_retrieved, false) AS delete_retrieved,
           coalesce(p.to_trash, false) AS to_trash, coalesce(p.login_delay, 0) AS login_delay, p.expire_days,
           coalesce(l.until >= now(), false) AS in_use
    FROM unnest($1::bigint[], $2::uuid[]) AS asked(account_id, owner)
    JOIN directory_account a ON a.id = asked.account_id
    LEFT JOIN directory_pop_choices p ON p.account_id = a.id
    LEFT JOIN mail_mailbox m ON m.account_id = a.id AND m.name = coalesce(p.folder, 'INBOX')
    LEFT JOIN mail_lease l ON l.account_id = a.id
), taken AS (
    INSERT INTO mail_lease AS held (account_id, owner, until)
    SELECT DISTINCT ON (account_id) account_id, owner, now() + $3::interval
    FROM wish WHERE active AND mailbox_id IS NOT NULL AND NOT in_use ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET owner = excluded.owner, until = excluded.until, taken_at = now()
    WHERE held.until < now()
      AND held.taken_at <= now() - (SELECT max(login_delay) FROM wish WHERE account_id = held.account_id)
                                   * interval '1 second'
    RETURNING owner
)
SELECT wish.*, EXISTS (SELECT FROM taken WHERE taken.owner = wish.owner) AS taken FROM wish
"""
RENEW = "UPDATE mail_lease SET until = now() + $3::interval WHERE account_id = $1 AND owner = $2"
# What is locked is being given back by its own session, or was given back meanwhile; what is lost is told.
RENEW_ALL = """
WITH held AS (
    SELECT * FROM unnest($1::bigint[], $2::uuid[]) AS held(account_id, owner)
), free AS (
    SELECT account_id FROM mail_lease JOIN held USING (account_id, owner)
    WHERE until > '-infinity' FOR UPDATE OF mail_lease SKIP LOCKED
), renewed AS (
    UPDATE mail_lease l SET until = now() + $3::interval FROM free WHERE l.account_id = free.account_id
)
SELECT owner FROM held WHERE NOT EXISTS (SELECT FROM mail_lease l WHERE l.owner = held.owner
                                                                    AND l.account_id = held.account_id)
"""
# They stay as rows: the next sign-in may have to wait for its time.
RELEASE = """
UPDATE mail_lease l SET until = '-infinity' FROM unnest($1::bigint[], $2::uuid[]) AS held(account_id, owner)
WHERE l.account_id = held.account_id AND l.owner = held.owner
"""

# One value, so that a hundred thousand messages are three megabytes here and not as many objects.
# In order because it comes so from the key: to sort within the aggregate took half as long again.
LIST = """
SELECT coalesce(sum(size), 0)::bigint AS octets,
       coalesce(string_agg(int8send(uid) || int8send(size) || uuid_send(content_id) || boolsend(twin), ''::bytea),
                '') AS rows
FROM (SELECT uid, size, content_id, twin FROM mail_message
      WHERE account_id = $1 AND mailbox_id = $2
        AND ($3::integer IS NULL OR internaldate > now() - make_interval(days => $3))
      ORDER BY uid) AS listed
"""
EXPIRED = """
SELECT ARRAY(SELECT uid FROM mail_message
             WHERE account_id = $1 AND mailbox_id = $2 AND savedate < now() - make_interval(days => $3)
             ORDER BY uid LIMIT $4)
"""

# What may hold for somebody, of those for whom anything but the default does.
EXTREMES = """
SELECT min(CASE WHEN delete_retrieved THEN 0 ELSE expire_days END) AS expires,
       coalesce(max(login_delay), 0) AS delay
FROM directory_pop_choices WHERE active
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A maildrop under lock, and how its account is served (webadmin/directory/models.py, PopChoices)."""

    account_id: int
    owner: UUID
    folder: str
    mailbox_id: int
    #: Of the folder when it was locked: its messages, and its last change.
    messages: int
    modseq: int
    newest_days: int | None = None
    delete_retrieved: bool = False
    to_trash: bool = False
    login_delay: int = 0
    expire_days: int | None = None


class Locks:
    """Those of one process: taken and given back together, renewed all at once. Made inside the event loop."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._taking: Gathering[int, Any] = Gathering(self._take)
        self._leaving: Gathering[Held, None] = Gathering(self._release)
        #: Whom to tell should one be lost.
        self._held: dict[Held, Callable[[], None]] = {}
        self._renewing = asyncio.create_task(self._renew_always())

    async def close(self) -> None:
        self._renewing.cancel()
        await asyncio.wait([self._renewing])

    async def take(self, account_id: int, lost: Callable[[], None]) -> Held:
        """Lock a maildrop; `lost` is called should the lock be lost.

        Raises:
            InUse: another session has it.
            TooSoon: the last sign-in was but a moment ago.
            SwitchedOff, NoSuchFolder: it is not served at all.
        """
        row = await self._taking.answer(account_id)
        if row is None or not row["active"]:
            raise SwitchedOff
        if row["mailbox_id"] is None:
            raise NoSuchFolder(words=f"The folder {row['folder']}, which POP serves, is not there.")
        if not row["taken"]:
            if row["in_use"] or not row["login_delay"]:
                raise InUse
            raise TooSoon(words=f"Sign in no more often than every {row['login_delay']} seconds.")
        held = Held(
            account_id, row["owner"], row["folder"], row["mailbox_id"], row["messages"], row["modseq"],
            row["newest_days"], row["delete_retrieved"], row["to_trash"], row["login_delay"], row["expire_days"],
        )  # fmt: skip
        self._held[held] = lost
        return held

    async def release(self, held: Held) -> None:
        self.forget(held)
        await self._leaving.answer(held)

    def forget(self, held: Held) -> None:
        """It was given back, or is to run out."""
        self._held.pop(held, None)

    async def renew(self) -> None:
        """Hold all of them for another while; who has lost one is told."""
        if not self._held:
            return
        async with connection(self._pool) as db:
            rows = await db.fetch(RENEW_ALL, *_columns(list(self._held)), LEASE)
        gone = {row["owner"] for row in rows}
        for held in [one for one in self._held if one.owner in gone]:
            _log.warning("maildrop lost", account=held.account_id)
            self._held.pop(held)()

    async def _renew_always(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(Unavailable):  # they hold for a while yet: the log has the cause
                await self.renew()

    async def _take(self, accounts: Sequence[int]) -> list[Any]:
        owners = [new_id() for _ in accounts]
        async with connection(self._pool) as db:
            rows = {row["owner"]: row for row in await db.fetch(TAKE, accounts, owners, LEASE)}
        return [rows.get(owner) for owner in owners]

    async def _release(self, several: Sequence[Held]) -> list[None]:
        async with connection(self._pool) as db:
            await db.execute(RELEASE, *_columns(several))
        return [None] * len(several)


def _columns(several: Sequence[Held]) -> tuple[list[int], list[UUID]]:
    """In one order for all processes, so that none waits for another."""
    ordered = sorted(several, key=lambda held: held.account_id)
    return [held.account_id for held in ordered], [held.owner for held in ordered]


class Lists:
    """Those of one process, kept while nothing changes: most programs ask again and again whether mail came.

    Who asks holds the lock, so no other session of the account asks meanwhile. What changed after the folder
    was locked may be in its list already; then the folder's modseq is another the next time.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        #: Folder -> its modseq and its listing; the least wanted first.
        self._kept: dict[int, tuple[int, tuple[int, bytes]]] = {}
        self._octets = 0

    async def of(self, held: Held) -> tuple[int, bytes]:
        """The `listing` of the folder that is served."""
        modseq, found = self._forget(held.mailbox_id)
        if modseq != held.modseq or held.newest_days is not None:  # what is new does not stay so
            found = await listing(self._pool, held, held.mailbox_id, held.newest_days)
        if held.newest_days is None and len(found[1]) <= LIST_OCTETS:
            self._keep(held, found)
        return found

    def _keep(self, held: Held, found: tuple[int, bytes]) -> None:
        self._kept[held.mailbox_id] = held.modseq, found
        self._octets += len(found[1])
        while self._octets > LISTS_OCTETS:
            self._forget(next(iter(self._kept)))

    def _forget(self, mailbox_id: int) -> tuple[int, tuple[int, bytes]]:
        """What was kept, for no change at all where nothing was."""
        modseq, found = self._kept.pop(mailbox_id, (-1, (0, b"")))
        self._octets -= len(found[1])
        return modseq, found


async def listing(pool: Pool, held: Held, mailbox_id: int, newest_days: int | None) -> tuple[int, bytes]:
    """What the messages of a folder measure together, and each by UID as ROW_OCTETS octets."""
    async with connection(pool) as db:
        row: Any = await db.fetchrow(LIST, held.account_id, mailbox_id, newest_days)
    return row["octets"], row["rows"]


async def update(
    pool: Pool, locks: Locks, held: Held, mailbox_id: int, marked: Sequence[int], *, keep: bool = False
) -> list[tuple[int, int]]:
    """RFC 1939 §6: remove what is marked and what has expired, and give the lock back: all of it, or nothing.

    Args:
        keep: the lock is kept (RFC 937, FOLD).

    Returns:
        (folder, modseq) of each folder that has changed.

    Raises:
        InUse: the lock was lost.
        Unavailable
    """
    chosen, trash_id = set(marked), None
    # Only where it was decided for: FOLD may have led to another folder.
    if held.expire_days is not None and mailbox_id == held.mailbox_id:
        async with connection(pool) as db:
            gone = await db.fetchval(EXPIRED, held.account_id, mailbox_id, held.expire_days, EXPIRED_AT_ONCE)
        chosen.update(gone)
    if not chosen:
        if not keep:
            await locks.release(held)
        return []
    if held.to_trash:
        found = await mailboxes.with_role(pool, [held.account_id], SpecialUse.TRASH)
        trash_id = found[held.account_id] if found[held.account_id] != mailbox_id else None

    async def hold(db: Connection) -> None:
        if keep:
            done = await db.execute(RENEW, held.account_id, held.owner, LEASE)
        else:
            done = await db.execute(RELEASE, *_columns([held]))
        if done != "UPDATE 1":
            raise InUse

    changed = await messages.remove(pool, held.account_id, mailbox_id, sorted(chosen), trash_id, hold)
    if not keep:
        locks.forget(held)
    return changed


async def extremes(pool: Pool) -> tuple[int | None, int]:
    """The fewest days after which anybody's mail is removed, None for never; the longest delay of a sign-in."""
    async with connection(pool) as db:
        row: Any = await db.fetchrow(EXTREMES)
    return row["expires"], row["delay"]
