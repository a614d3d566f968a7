"""SEARCH: whatever rows and the text index can tell is SQL; the text is asked where the index lacks it.

How a tree of keys is written as SQL is in criteria.py. A part that all matches must fulfil narrows the rows
themselves; a tree that needs the text is cut there.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from mailservices.mail.search import And, InUids, Key, asks_for
from mailservices.mail.sorting import SortKey
from mailservices.mail.uidset import EVERYTHING
from mailservices.store import criteria
from mailservices.store.criteria import BEGUN, READ, TEXT, Answered, Seen, Writer
from mailservices.store.pool import Connection, Pool, connection, planned

#: The UID up to which it has read into all, of those beyond $3: messages come by rising UIDs (RFC 9051 §2.3.1.1).
READ_UNTIL = f"""
SELECT coalesce(
    (SELECT min(m.uid) - 1 FROM mail_message m
     WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid > $3 AND NOT {BEGUN.format("")}),
    (SELECT max(m.uid) FROM mail_message m WHERE m.account_id = $1 AND m.mailbox_id = $2 AND m.uid > $3),
    $3::bigint)
"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates: a row is (uid, size, modseq, *answers). `rest` is what the text must still tell, or None."""

    rows: Sequence[Any]
    rest: Key | Answered | None


async def read_until(pool: Pool, account_id: int, mailbox_id: int, known: int) -> int:
    """The UID up to which the index has read into all messages of a folder; once it has, it stays so.

    Args:
        known: what this was before, or 0.
    """
    async with connection(pool) as db:
        return int(await db.fetchval(READ_UNTIL, account_id, mailbox_id, known))


async def find(
    pool: Pool,
    account_id: int,
    mailbox_id: int,
    key: Key,
    seen: Seen,
    order: Sequence[SortKey] = (),
    *,
    read: int = 0,
) -> Found:
    """The messages for which the tree holds as far as rows can tell, in this order and then by UID.

    What is ordered by a gist, is so where store/gists.py has completed the folder. Of a tree that asks for text,
    only those are found whose wording is not in the index, or not whole: `find_read` finds the others.

    Args:
        read: what `read_until` has said.
    """
    writer = Writer(seen)
    conditions, rest = [], []
    for part in key.keys if isinstance(key, And) else (key,):
        if asks_for(part, TEXT):
            rest.append(writer.cut(part))
        else:
            conditions.append(writer.condition(part))
    if rest:
        conditions.append(writer.unread(read))
    rows = await _select(pool, account_id, mailbox_id, key, writer, conditions, order)
    return Found(rows, And(tuple(rest)) if rest else None)


async def uids(
    pool: Pool, account_id: int, mailbox_id: int, key: Key, seen: Seen, order: Sequence[SortKey] = ()
) -> list[int]:
    """The same of a tree that needs no text, and the UIDs alone: what most searches ask for."""
    writer = Writer(seen)
    statement = f"SELECT ARRAY({criteria.statement(key, writer, 'm.uid', [writer.condition(key)], order)})"
    async with _asked(pool, writer) as db:
        found: list[int] = await db.fetchval(statement, account_id, mailbox_id, *writer.arguments)
    return found


async def find_read(pool: Pool, account_id: int, mailbox_id: int, key: Key, seen: Seen) -> Sequence[Any]:
    """Rows (uid, size, modseq), by UID: for what the index has read of them, the tree holds."""
    writer = Writer(seen)
    parts = key.keys if isinstance(key, And) else (key,)
    conditions = [writer.condition(part) for part in parts]
    if not any(isinstance(part, TEXT) for part in parts):
        conditions.append(READ)  # else it is among what was read that the words are looked for
    return await _select(pool, account_id, mailbox_id, key, writer, conditions)


async def ordered(
    pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int], key: Key, order: Sequence[SortKey]
) -> list[int]:
    """These UIDs, which the key has found, in this order, and then ascending; those that are gone are left out."""
    these = InUids(EVERYTHING)
    writer = Writer(Seen(lambda _key: uids, 0))
    rows = await _select(pool, account_id, mailbox_id, key, writer, [writer.condition(these)], order)
    return [row[0] for row in rows]


async def relevancies(
    pool: Pool, account_id: int, mailbox_id: int, uids: Sequence[int], key: Key
) -> dict[int, int]:
    """UID -> how well it fits a fuzzy search, from 1 to 100 (RFC 6203 §4); those that are gone are left out."""
    these = InUids(EVERYTHING)
    writer = Writer(Seen(lambda _key: uids, 0))
    writer.columns.append(writer.relevancy(key))
    rows = await _select(pool, account_id, mailbox_id, key, writer, [writer.condition(these)])
    return {row[0]: row[3] for row in rows}


async def _select(
    pool: Pool,
    account_id: int,
    mailbox_id: int,
    key: Key,
    writer: Writer,
    conditions: Sequence[str],
    order: Sequence[SortKey] = (),
) -> Sequence[Any]:
    columns = "".join(f", {column}" for column in writer.columns)
    statement = criteria.statement(key, writer, f"m.uid, m.size, m.modseq{columns}", conditions, order)
    async with _asked(pool, writer) as db:
        found: Sequence[Any] = await db.fetch(statement, account_id, mailbox_id, *writer.arguments)
    return found


def _asked(pool: Pool, writer: Writer) -> AbstractAsyncContextManager[Connection]:
    """Whether the index tells sooner who has the words, or a look at each message, depends on the folder and on
    the words: such statements are planned for both.
    """
    return planned(pool) if writer.looks_up else connection(pool)
