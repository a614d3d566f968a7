"""The commonest delivery, one message for one mailbox that shares no transaction, by one statement.

It is a transaction of its own, so that locks, numbers, rows and commit cost one round trip instead of five. What
it cannot do, it does not do at all, and the transaction of delivery.py finds out why.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Final

import asyncpg

from mailservices.mail.flags import DELETED, SEEN
from mailservices.store import bodies, trace
from mailservices.store.delivery import CONTENT_COLUMNS, MESSAGE_COLUMNS, Delivery, Placed, content_row
from mailservices.store.ids import new_id
from mailservices.store.modseqs import NEW, drawn, logged
from mailservices.store.pool import Connection
from mailservices.store.rows import Shape, shape

#: Events that such a delivery may bring; a few are usual.
EVENTS: Final = 4

# Locks in the order of delivery.py: the account, then the mailbox. All else hangs on `used`: no room, no rows. A
# mailbox that is gone makes a UID that is NULL, which undoes the statement.
_NUMBERED: Final = f"""
WITH used AS (
    UPDATE mail_usage u SET bytes = u.bytes + $3::bigint, messages = u.messages + 1
    FROM directory_account a
    WHERE u.account_id = $1::bigint AND a.id = $1 AND (a.quota_bytes IS NULL OR u.bytes + $3 <= a.quota_bytes)
      AND (a.quota_messages IS NULL OR u.messages < a.quota_messages)
    RETURNING u.account_id
),
drawn AS (
    UPDATE mail_mailbox m
    SET uidnext = m.uidnext + 1, {drawn()}, messages = m.messages + 1, bytes = m.bytes + $3,
        unseen = m.unseen + $4::bigint, deleted = m.deleted + $5::bigint
    WHERE m.account_id = (SELECT account_id FROM used) AND m.mailbox_id = $2::bigint
    RETURNING m.uidvalidity, m.uidnext - 1 AS first_uid, m.uidnext, m.modseq
),
noted AS ({logged(f"$1, $2, modseq, {NEW} FROM drawn")})"""  # noqa: S608 - ours
_PLACED: Final = f"""
INSERT INTO mail_message ({", ".join(MESSAGE_COLUMNS)})
SELECT $1, $2, (SELECT first_uid FROM drawn), (SELECT modseq FROM drawn), $6, $7, $8, $3, $9 FROM used
RETURNING uid, modseq, (SELECT uidvalidity FROM drawn) AS uidvalidity
"""  # noqa: S608 - ours

#: Where a message lies whose commit was not answered; it may have been moved or removed since.
FIND = """
SELECT m.account_id, m.mailbox_id, b.uidvalidity, m.uid, m.modseq
FROM mail_content c
JOIN mail_message m ON m.account_id = c.account_id AND m.content_id = c.content_id
JOIN mail_mailbox b ON b.account_id = m.account_id AND b.mailbox_id = m.mailbox_id
WHERE c.account_id = $1 AND c.blob_id = $2
"""

BAR = "INSERT INTO mail_blob (blob_id, piece, zstd, data) VALUES ($1, 0, false, '') ON CONFLICT DO NOTHING"


def possible(delivery: Delivery) -> bool:
    """Whether this delivery is of that kind."""
    if (
        delivery.outgoing
        or delivery.copies
        or delivery.report
        or delivery.settlement
        or delivery.suspect
        or delivery.counted
        or delivery.away
        or delivery.answered
        or len(delivery.contents) != 1
        or len(delivery.events) > EVENTS
    ):
        return False
    [(content, places)] = delivery.contents
    return len(places) == 1 and content.body.data is not None


async def write(db: Connection, delivery: Delivery) -> Placed | None:
    """Write and commit it, outside any transaction; None, and nothing written, where that cannot be."""
    [(content, (place,))] = delivery.contents
    content_id = new_id()
    tables = (
        ("mail_content", CONTENT_COLUMNS, [content_row(place.account_id, content_id, content)]),
        bodies.rows([content.body]),
        trace.rows(delivery.events),
    )
    arguments = [
        place.account_id, place.mailbox_id, content.size, int(not place.flags & SEEN),
        int(bool(place.flags & DELETED)), place.flags, list(place.keywords) or None, place.internaldate,
        content_id,
    ]  # fmt: skip
    for _, _, rows in tables:
        for row in rows:
            arguments += row
    try:
        drawn = await db.fetchrow(statement(shape(tables)), *arguments)
    except asyncpg.NotNullViolationError:
        return None
    if drawn is None:
        return None
    return Placed(place.account_id, place.mailbox_id, drawn["uidvalidity"], drawn["uid"], drawn["modseq"])


async def find(db: Connection, delivery: Delivery) -> list[Placed]:
    """Where the message lies now."""
    [(content, (place,))] = delivery.contents
    return [Placed(**row) for row in await db.fetch(FIND, place.account_id, content.body.blob_id)]


async def bar(db: Connection, delivery: Delivery) -> None:
    """Undo a statement that may still be on its way, when it arrives: it finds its body's place taken.

    Unlike COMMIT, it holds no locks yet while it travels. Tidying removes the row.
    """
    [(content, _)] = delivery.contents
    await db.execute(BAR, content.body.blob_id)


@lru_cache(2 * (EVENTS + 1))
def statement(tables: Shape) -> str:
    """The statement that writes the message, and so many rows into these tables beside it."""
    return ",\n".join([_NUMBERED, *_inserts(tables)]) + _PLACED


def _inserts(tables: Shape) -> Iterator[str]:
    numbers = count(10)
    for table, columns, rows in tables:
        for row in range(rows):
            values = ", ".join(f"${next(numbers)}" for _ in columns)
            yield (
                f"{table}_{row} AS (INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - ours
                f"SELECT {values} FROM used)"
            )


#: As it is for a message that was received.
RECEIVED = statement(
    (("mail_content", CONTENT_COLUMNS, 1), (*bodies.rows(())[:2], 1), (*trace.rows(())[:2], 2)),
)
