"""What happened to messages: rows of trace_event, written with the commit they tell of or in batches after."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import Event
from mailservices.store.pool import Connection, Pool, connection
from mailservices.store.rows import Rows, insert

#: Characters kept of each text.
TEXT_LIMIT = 500
#: Characters of what the search looks through.
WORDS_LIMIT = 2000
#: Rows that wait to be written; more are dropped, and counted in the log.
WAITING_ROWS = 5000
FLUSH_SECONDS = 0.5

_COLUMNS = (
    "trace_id", "kind", "service", "account_id", "remote_host", "sender", "recipient", "message_id_field", "size",
    "detail",
)  # fmt: skip
#: Of rows that tell how a message came.
_MORE = ("subject", "envid", "words", "facts", "domains")

_log = log.get()


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that happened to one message, or to one of its recipients."""

    trace_id: UUID
    kind: Event
    service: str
    account_id: int | None = None
    #: An IP address, or None.
    remote_host: str | None = None
    sender: str = ""
    recipient: str = ""
    message_id_field: str = ""
    size: int | None = None
    detail: str = ""
    subject: str = ""
    #: RFC 3461 §4.4.
    envid: str = ""
    #: What the search finds the whole trace by (see `words`): only in a row that begins a trace, or adds to it.
    words: str = ""
    #: What else is known of it: helo, tls, checks and the like; webadmin/trace/timeline.py shows them.
    facts: Mapping[str, Any] | None = None
    #: Domain of ours whose mail it is, besides that of its recipients: of whoever signed in to send it, or whose
    #: address sends it on. A sender's alone proves nothing.
    of: str = ""


def of(account_id: int | None, sender: str, received_as: str = "") -> str:
    """Whose mail the queue sends: the domain of the account that sent it, or of the address that sends it on."""
    return domain_of(sender if account_id is not None else received_as)


def domain_of(address: str) -> str:
    """The domain of an address; empty where there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def words(*texts: str | None) -> str:
    """What the search looks through: each of these once, in lower case."""
    return " ".join(dict.fromkeys(text.lower() for text in texts if text))[:WORDS_LIMIT]


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """What PostgreSQL takes as text: no NUL, no lone surrogate, not endless."""
    text = text[:limit]
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


async def write(db: Connection, events: Iterable[Row]) -> None:
    """Write these events in the caller's transaction."""
    await insert(db, rows(events))


def rows(events: Iterable[Row]) -> Rows:
    """What they are in the table."""
    return "trace_event", (*_COLUMNS, *_MORE), [(*values(row), *_more(row)) for row in events]


def values(row: Row) -> tuple[Any, ...]:
    """All but how a message came."""
    return (
        row.trace_id, row.kind, row.service, row.account_id, row.remote_host, clean(row.sender),
        clean(row.recipient), clean(row.message_id_field), row.size, clean(row.detail),
    )  # fmt: skip


def _more(row: Row) -> tuple[Any, ...]:
    facts = orjson.dumps(_cleaned(row.facts)).decode() if row.facts else None
    return clean(row.subject), clean(row.envid), clean(row.words, WORDS_LIMIT), facts, domains(row)


def domains(row: Row) -> list[str]:
    """Whose administrators see it: names of the recipients' domains and of the one whose mail it is."""
    found = dict.fromkeys([*map(domain_of, row.recipient.split(", ")), row.of])
    return [clean(name) for name in found if name]


def _cleaned(value: Any) -> Any:
    """The same with no text that jsonb does not take."""
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {name: _cleaned(one) for name, one in value.items()}
        case list() | tuple():
            return [_cleaned(one) for one in value]
        case _:
            return value


class Journal:
    """Rows that belong to no transaction, such as refusals: gathered, written twice a second, bounded."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rows: list[Row] = []
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, row: Row) -> None:
        if len(self._rows) >= WAITING_ROWS:
            self._dropped += 1
            return
        self._rows.append(row)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Write what waits. What the database does not take now is lost: it is told, not promised."""
        rows, self._rows = self._rows, []
        dropped, self._dropped = self._dropped, 0
        try:
            async with connection(self._pool) as db:
                await write(db, rows)
        except Unavailable:
            dropped += len(rows)
        if dropped:
            _log.warning("trace rows dropped", rows=dropped)
