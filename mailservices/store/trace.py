"""What happened to messages: rows of trace_event, written with the commit they tell of or in batches after."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import Event
from mailservices.store.pool import Connection, Pool, connection
from mailservices.store.rows import Rows, insert

#: Characters kept of each text.
TEXT_LIMIT = 500
#: Rows that wait to be written; more are dropped, and counted in the log.
WAITING_ROWS = 5000
FLUSH_SECONDS = 0.5

_COLUMNS = (
    "trace_id", "kind", "service", "account_id", "remote_host", "sender", "recipient", "message_id_field", "size",
    "detail",
)  # fmt: skip

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


def clean(text: str) -> str:
    """What PostgreSQL takes as text: no NUL, no lone surrogate, not endless."""
    text = text[:TEXT_LIMIT]
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


async def write(db: Connection, events: Iterable[Row]) -> None:
    """Write these events in the caller's transaction."""
    await insert(db, rows(events))


def rows(events: Iterable[Row]) -> Rows:
    """What they are in the table."""
    records = [
        (
            row.trace_id, row.kind, row.service, row.account_id, row.remote_host, clean(row.sender),
            clean(row.recipient), clean(row.message_id_field), row.size, clean(row.detail),
        )
        for row in events
    ]  # fmt: skip
    return "trace_event", _COLUMNS, records


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
