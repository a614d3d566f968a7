"""Messages that enter the outgoing queue: what they are, and their rows. From then on they are queue.py's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mailservices.mail import urgency
from mailservices.mail.vocabulary import HeldBy, QueueState
from mailservices.mail.webhooks import Happening, Kind
from mailservices.store import trace
from mailservices.store.bodies import Body
from mailservices.store.pool import Pool, connection
from mailservices.store.rows import Rows

MESSAGE_COLUMNS = (
    "message_id", "expires_at", "account_id", "sender", "envid", "ret", "eightbit", "smtputf8", "message_id_field",
    "size", "prefix", "header", "blob_id", "priority", "require_tls", "deliver_by", "by_mode", "future_release",
    "words",
)  # fmt: skip
RECIPIENT_COLUMNS = (
    "message_id", "address", "destination", "orcpt", "received_as", "notify", "priority", "expires_at",
)  # fmt: skip
HELD_COLUMNS = (*RECIPIENT_COLUMNS, "next_attempt_at")
STOPPED_COLUMNS = (*RECIPIENT_COLUMNS, "state", "held_by", "last_reply")
HELD_WORDS = "Held: its sender has sent too much today"
SETTLED_COLUMNS = (*RECIPIENT_COLUMNS, "state", "report_due", "settled_at")

HELD = """
SELECT count(*) FROM queue_message m WHERE m.account_id = $1 AND m.future_release <> ''
   AND EXISTS (SELECT FROM queue_recipient r WHERE r.message_id = m.message_id AND r.state = 'waiting')
"""


@dataclass(frozen=True, slots=True)
class OutgoingRecipient:
    """One recipient to be queued; `notify` is None where NOTIFY was absent."""

    address: str
    destination: str
    orcpt: str = ""
    notify: tuple[str, ...] | None = None
    #: The address by which it came to us, where that is another one.
    received_as: str = ""
    #: A report that is due at once: it is not to be sent any more, only to be told of.
    report: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be queued, and its recipients."""

    recipients: tuple[OutgoingRecipient, ...]
    #: Empty for the null path.
    sender: str
    expires_at: datetime
    prefix: bytes
    header: bytes
    body: Body
    message_id: UUID
    account_id: int | None = None
    envid: str = ""
    ret: str = ""
    eightbit: bool = False
    smtputf8: bool = False
    message_id_field: str = ""
    priority: int = 0
    require_tls: bool = False
    deliver_by: datetime | None = None
    #: RFC 2852 §4: R or N, and T after it; empty without deliver_by.
    by_mode: str = ""
    #: When it may go, and how that was asked for (RFC 4865 §5.1.2).
    release_at: datetime | None = None
    future_release: str = ""
    #: Until the administrator lets it go.
    held: bool = False

    @property
    def size(self) -> int:
        return len(self.prefix) + len(self.header) + self.body.size


def rows(messages: Sequence[Outgoing], now: datetime | None = None) -> tuple[Rows, ...]:
    """What these are in the queue's tables; `now` is when those that are only told of were settled."""
    now = now or datetime.now(UTC)
    queued = [
        (
            m.message_id, m.expires_at, m.account_id, m.sender, m.envid, m.ret, m.eightbit, m.smtputf8,
            trace.clean(m.message_id_field), m.size, m.prefix, m.header, m.body.blob_id, m.priority, m.require_tls,
            m.deliver_by, m.by_mode, m.future_release, _words(m),
        )
        for m in messages
    ]  # fmt: skip
    waiting: list[tuple[Any, ...]] = []
    held: list[tuple[Any, ...]] = []
    stopped: list[tuple[Any, ...]] = []
    settled: list[tuple[Any, ...]] = []
    for m in messages:
        rank = urgency.rank(m.priority, report=not m.sender, recipients=len(m.recipients), size=m.size)
        for r in m.recipients:
            notify = None if r.notify is None else list(r.notify)
            row = (m.message_id, r.address, r.destination, r.orcpt, r.received_as, notify, rank, m.expires_at)
            if r.report:
                state = QueueState.EXPANDED if r.report == "expanded" else QueueState.DELIVERED
                settled.append((*row, state, r.report, now))
            elif m.held:
                stopped.append((*row, QueueState.HELD, HeldBy.LIMIT, HELD_WORDS))
            elif m.release_at:
                held.append((*row, m.release_at))
            else:
                waiting.append(row)
    return (
        ("queue_message", MESSAGE_COLUMNS, queued),
        ("queue_recipient", RECIPIENT_COLUMNS, waiting),
        ("queue_recipient", HELD_COLUMNS, held),
        ("queue_recipient", STOPPED_COLUMNS, stopped),
        ("queue_recipient", SETTLED_COLUMNS, settled),
    )


def _words(message: Outgoing) -> str:
    """What the queue is searched by: each address of it once."""
    words = " ".join(dict.fromkeys([message.sender, *(one.address for one in message.recipients)])).lower()
    return trace.clean(words, len(words))


def happenings(message: Outgoing) -> list[Happening]:
    """What hooks are told of its recipients."""
    now = datetime.now(UTC)
    found = []
    for one in message.recipients:
        kind = Kind(one.report) if one.report else Kind.HELD if message.held else Kind.QUEUED
        reply = HELD_WORDS if message.held else ""
        found.append(
            Happening(
                kind, now, message.message_id.hex, message.sender, one.address, message.message_id_field,
                message.envid, reply,
            )
        )  # fmt: skip
    return found


async def count_held(pool: Pool, account_id: int) -> int:
    """Messages of an account that wait for the moment that their sender named."""
    async with connection(pool) as db:
        return int(await db.fetchval(HELD, account_id))
