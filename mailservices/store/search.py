"""SEARCH: whatever rows can tell is one SQL statement; whatever only the text can tell is asked afterwards.

The tree is cut where a key needs the text: every part of it that rows can answer becomes one boolean column, so
that each key has its meaning in one place. A part that all matches must fulfil narrows the rows themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailservices.mail.search import (
    All,
    And,
    Arrived,
    HasFlag,
    HasKeyword,
    InBody,
    InHeader,
    InSequence,
    InText,
    InUids,
    IsRecent,
    Key,
    Larger,
    Not,
    Or,
    Sent,
    Smaller,
    When,
    asks_for,
)
from mailservices.store.pool import Pool, connection

#: Keys that need the message's text.
TEXT: tuple[type, ...] = (InHeader, InBody, InText)

_COMPARED = {When.BEFORE: "<", When.ON: "=", When.SINCE: ">="}

FROM_ROWS = "FROM mail_message m WHERE m.account_id = $1 AND m.mailbox_id = $2"
FROM_CONTENTS = (
    "FROM mail_message m JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id "
    "WHERE m.account_id = $1 AND m.mailbox_id = $2"
)


@dataclass(frozen=True, slots=True)
class Answered:
    """Stands in the tree for a part that rows have answered: the number of its column."""

    column: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a session means by sequence numbers and \\Recent: UIDs."""

    uids: Callable[[InSequence | InUids], Sequence[int]]
    recent_from: int


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates: a row is (uid, size, *answers). `rest` is what the text must still tell; None: nothing."""

    rows: Sequence[Any]
    rest: Key | Answered | None


async def find(pool: Pool, account_id: int, mailbox_id: int, key: Key, seen: Seen) -> Found:
    """The messages for which the tree holds as far as rows can tell."""
    writer = _Writer(seen)
    conditions, rest = [], []
    for part in key.keys if isinstance(key, And) else (key,):
        if asks_for(part, TEXT):
            rest.append(writer.cut(part))
        else:
            conditions.append(writer.condition(part))
    columns = "".join(f", {column}" for column in writer.columns)
    where = "".join(f" AND {condition}" for condition in conditions)
    joined = FROM_CONTENTS if asks_for(key, (Sent,)) else FROM_ROWS
    async with connection(pool) as db:
        rows = await db.fetch(
            f"SELECT m.uid, m.size{columns} {joined}{where} ORDER BY m.uid",
            account_id, mailbox_id, *writer.arguments,
        )  # fmt: skip
    return Found(rows, And(tuple(rest)) if rest else None)


class _Writer:
    """Writes conditions; what a client chose goes into arguments, never into the text."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.arguments: list[object] = []
        self.columns: list[str] = []

    def cut(self, key: Key) -> Any:
        """The same tree, with what rows can answer replaced by columns."""
        if not asks_for(key, TEXT):
            self.columns.append(self.condition(key))
            return Answered(len(self.columns) - 1)
        match key:
            case And(keys):
                return And(tuple(map(self.cut, keys)))
            case Or(left, right):
                return Or(self.cut(left), self.cut(right))
            case Not(inner):
                return Not(self.cut(inner))
            case _:
                return key

    def condition(self, key: Key) -> str:
        match key:
            case And(keys):
                return "(" + " AND ".join(map(self.condition, keys)) + ")"
            case Or(left, right):
                return f"({self.condition(left)} OR {self.condition(right)})"
            case Not(inner):
                return f"NOT coalesce({self.condition(inner)}, false)"
            case _:
                return self._leaf(key)

    def _leaf(self, key: Key) -> str:
        match key:
            case All():
                return "true"
            case HasFlag(bit):
                return f"m.flags & {int(bit)} <> 0"
            case HasKeyword(word):
                # RFC 9051 §2.3.2: keywords are compared without regard to case.
                return f"lower({self._argument(word)}::text) = ANY(lower(m.keywords::text)::text[])"
            case InUids() | InSequence():
                # Not bare, or the planner would join the set, whose size it does not know: this way it is hashed.
                return (
                    f"coalesce(m.uid IN (SELECT unnest({self._argument(self._seen.uids(key))}::bigint[])), false)"
                )
            case IsRecent():
                return f"m.uid >= {self._argument(self._seen.recent_from)}::bigint"
            case Larger(octets):
                return f"m.size > {self._argument(octets)}::bigint"
            case Smaller(octets):
                return f"m.size < {self._argument(octets)}::bigint"
            case Arrived(when, day):
                return f"(m.internaldate AT TIME ZONE 'UTC')::date {_COMPARED[when]} {self._argument(day)}::date"
            case Sent(when, day):
                return f"c.sent_on {_COMPARED[when]} {self._argument(day)}::date"
            case _:
                raise TypeError(f"rows know nothing of {type(key).__name__}")

    def _argument(self, value: object) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments) + 2}"
