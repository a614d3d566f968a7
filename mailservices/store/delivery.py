"""What enters the store in one transaction: messages with their placements, what to queue, what to tell.

Locks are taken in one order, accounts by id, so that two processes that deliver to the same people wait for each
other and never deadlock. A delivery is written wholly or not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mailservices.mail.errors import MailboxFull, MailError, NoSuchFolder, TooLargeForMailbox
from mailservices.mail.flags import DELETED, SEEN
from mailservices.store import aggregates, answers, bodies, outgoing, queue, reports, returned, trace, webhooks
from mailservices.store.bodies import Body
from mailservices.store.ids import new_id
from mailservices.store.modseqs import NEW, drawn, logged
from mailservices.store.outgoing import Outgoing
from mailservices.store.pool import Connection
from mailservices.store.room import has_room
from mailservices.store.rows import Rows, insert

LOCK = """
SELECT u.account_id, u.bytes, a.quota_bytes, u.messages, a.quota_messages
FROM mail_usage u JOIN directory_account a ON a.id = u.account_id
WHERE u.account_id = ANY($1::bigint[])
ORDER BY u.account_id FOR UPDATE OF u
"""

# The accounts' usage by the way: one round trip less.
DRAW = f"""
WITH used AS (
    UPDATE mail_usage u SET bytes = u.bytes + d.bytes, messages = u.messages + d.messages
    FROM unnest($7::bigint[], $8::bigint[], $9::bigint[]) AS d(account_id, bytes, messages)
    WHERE u.account_id = d.account_id
), numbers AS (
    UPDATE mail_mailbox m
    SET uidnext = m.uidnext + d.messages, {drawn()}, messages = m.messages + d.messages,
        unseen = m.unseen + d.unseen, deleted = m.deleted + d.deleted, bytes = m.bytes + d.bytes
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS d(account_id, mailbox_id, messages, unseen, deleted, bytes)
    WHERE m.account_id = d.account_id AND m.mailbox_id = d.mailbox_id
    RETURNING m.account_id, m.mailbox_id, m.uidvalidity, m.uidnext - d.messages AS first_uid, m.uidnext, m.modseq
), noted AS ({logged(f"account_id, mailbox_id, modseq, {NEW} FROM numbers")})
SELECT account_id, mailbox_id, uidvalidity, first_uid, modseq FROM numbers
"""  # noqa: S608 - ours

STANDS = """
SELECT EXISTS (SELECT FROM mail_content WHERE blob_id = ANY($1::uuid[]))
    OR EXISTS (SELECT FROM queue_message WHERE blob_id = ANY($1::uuid[]))
"""

CONTENT_COLUMNS = (
    "account_id", "content_id", "blob_id", "body_size", "prefix", "header", "envelope", "bodystructure", "sent_at",
    "sent_on",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "account_id", "mailbox_id", "uid", "modseq", "flags", "keywords", "internaldate", "size", "content_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Content:
    """An immutable message, ready to be stored: what clients see is prefix + header + body."""

    prefix: bytes
    header: bytes
    body: Body
    envelope: bytes
    bodystructure: bytes
    #: The Date field's moment, in the zone that it names.
    sent_at: datetime | None

    @property
    def size(self) -> int:
        return len(self.prefix) + len(self.header) + self.body.size


@dataclass(frozen=True, slots=True)
class Placement:
    """A mailbox that a message goes into."""

    account_id: int
    mailbox_id: int
    internaldate: datetime
    flags: int = 0
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Messages that enter together or not at all, each with its placements; what to queue, what to tell."""

    contents: tuple[tuple[Content, tuple[Placement, ...]], ...] = ()
    outgoing: Outgoing | None = None
    #: Where the message is a delivery report.
    report: reports.Report | None = None
    #: Where it was held in the queue until now.
    settlement: queue.Settlement | None = None
    events: tuple[trace.Row, ...] = ()
    #: Where the message may be a report that somebody else wrote.
    suspect: returned.Suspect | None = None
    #: Where the message is a report of ours on a day.
    counted: aggregates.Counted | None = None
    #: Who may answer the message because they are away.
    away: tuple[answers.Away, ...] = ()
    #: Where the message is such an answer.
    answered: answers.Answered | None = None
    #: What is queued besides: copies for those whom the others must not see.
    copies: tuple[Outgoing, ...] = ()

    @property
    def size(self) -> int:
        return sum(content.size for content, _ in self.contents)

    def placements(self) -> Iterator[Placement]:
        for _, places in self.contents:
            yield from places

    def bodies(self) -> Iterator[Body]:
        for content, _ in self.contents:
            yield content.body
        for one in self.leaving():
            yield one.body
        if self.suspect and self.suspect.body:
            yield self.suspect.body

    def leaving(self) -> Iterator[Outgoing]:
        """Whatever goes into the queue."""
        if self.outgoing:
            yield self.outgoing
        yield from self.copies


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one placement ended: what APPENDUID and nudges need."""

    account_id: int
    mailbox_id: int
    uidvalidity: int
    uid: int
    modseq: int


async def write(
    db: Connection, deliveries: Sequence[Delivery], wanted: frozenset[str] = frozenset()
) -> list[list[Placed] | MailError]:
    """Write these deliveries in the caller's transaction; for each, where it lies or why it cannot be.

    Args:
        wanted: kinds of happenings that hooks are told of.

    Raises:
        NoSuchFolder: a mailbox is not there; the transaction must be undone.
        AlreadyReported, LeaseLost: somebody else has written the report or answer, or delivers the message.
    """
    draft = _Draft(await _lock(db, deliveries))
    refusals = [draft.add(delivery) for delivery in deliveries]
    accepted = [delivery for delivery, refusal in zip(deliveries, refusals, strict=True) if not refusal]
    numbers = await _draw(db, draft) if draft.boxes else {}
    numbered = _Numbered(numbers)
    results = [refusal or numbered.add(delivery) for delivery, refusal in zip(deliveries, refusals, strict=True)]
    await insert(
        db,
        *numbered.rows(),
        bodies.rows(body for delivery in accepted for body in delivery.bodies()),
        *outgoing.rows([one for delivery in accepted for one in delivery.leaving()]),
        trace.rows(row for delivery in accepted for row in delivery.events),
        answers.rows(away for one in accepted for away in one.away),
        returned.rows([(one.suspect, one.suspect.body or next(one.bodies())) for one in accepted if one.suspect]),
    )
    for delivery in accepted:
        if delivery.counted:
            await aggregates.clear(db, delivery.counted)
        if delivery.answered:
            await answers.clear(db, delivery.answered)
        if delivery.report:
            await reports.clear(db, delivery.report)
        if delivery.settlement:
            await queue.settle_delivered(db, delivery.settlement, wanted)
    if wanted:
        queued = [
            one for delivery in accepted for leaving in delivery.leaving() for one in outgoing.happenings(leaving)
        ]
        await webhooks.note(db, [one for one in queued if one.kind in wanted])
    return results


async def stands(db: Connection, deliveries: Sequence[Delivery]) -> bool:
    """Whether the transaction that wrote these was committed, though its answer was lost on the way.

    The locks come first: they are had only once that transaction has ended.
    """
    await _lock(db, deliveries)
    return bool(await db.fetchval(STANDS, [body.blob_id for one in deliveries for body in one.bodies()]))


def content_row(account_id: int, content_id: UUID, content: Content) -> tuple[Any, ...]:
    """The values of CONTENT_COLUMNS."""
    return (
        account_id, content_id, content.body.blob_id, content.body.size, content.prefix, content.header,
        content.envelope, content.bodystructure, content.sent_at, content.sent_at and content.sent_at.date(),
    )  # fmt: skip


async def _lock(db: Connection, deliveries: Sequence[Delivery]) -> dict[int, Any]:
    """Lock the accounts that these go to or leave from; for each, what it uses and may use."""
    accounts = {place.account_id for delivery in deliveries for place in delivery.placements()}
    # Only for `stands`: a sender's account is not changed.
    leaving = (one for delivery in deliveries for one in delivery.leaving())
    accounts |= {one.account_id for one in leaving if one.account_id}
    return {row["account_id"]: row for row in await db.fetch(LOCK, list(accounts))} if accounts else {}


class _Draft:
    """What one transaction will add, counted by mailbox and account."""

    def __init__(self, rooms: dict[int, Any]) -> None:
        self._rooms = rooms
        #: (account, mailbox) -> messages, unseen, deleted, bytes
        self.boxes: dict[tuple[int, int], list[int]] = {}
        #: account -> bytes, messages
        self.used: dict[int, list[int]] = {}

    def add(self, delivery: Delivery) -> MailError | None:
        """Count a delivery, or say why it cannot be."""
        added: dict[int, list[int]] = {}
        for content, places in delivery.contents:
            for place in places:
                added.setdefault(place.account_id, []).append(content.size)
        for account_id, sizes in added.items():
            if refusal := self._refusal(account_id, sum(sizes), len(sizes)):
                return refusal
        for content, places in delivery.contents:
            for place in places:
                self._count(place, content.size)
        return None

    def _refusal(self, account_id: int, octets: int, messages: int) -> MailError | None:
        room = self._rooms.get(account_id)
        if room is None:
            return NoSuchFolder()
        if room["quota_bytes"] is not None and octets > room["quota_bytes"]:
            return TooLargeForMailbox()
        bytes_drafted, messages_drafted = self.used.get(account_id, (0, 0))
        return None if has_room(room, bytes_drafted + octets, messages_drafted + messages) else MailboxFull()

    def _count(self, place: Placement, size: int) -> None:
        box = self.boxes.setdefault((place.account_id, place.mailbox_id), [0, 0, 0, 0])
        box[0] += 1
        box[1] += not place.flags & SEEN
        box[2] += bool(place.flags & DELETED)
        box[3] += size
        used = self.used.setdefault(place.account_id, [0, 0])
        used[0] += size
        used[1] += 1


@dataclass(slots=True)
class _Numbers:
    """What a mailbox gave out: the next UID to use, and the modseq of everything in this transaction."""

    uidvalidity: int
    uid: int
    modseq: int


async def _draw(db: Connection, draft: _Draft) -> dict[tuple[int, int], _Numbers]:
    boxes, used = sorted(draft.boxes.items()), sorted(draft.used.items())
    drawn = await db.fetch(
        DRAW,
        [account for (account, _), _ in boxes],
        [mailbox for (_, mailbox), _ in boxes],
        *([counts[i] for _, counts in boxes] for i in range(4)),
        [account for account, _ in used],
        *([counts[i] for _, counts in used] for i in range(2)),
    )
    if len(drawn) < len(boxes):
        raise NoSuchFolder
    return {
        (row["account_id"], row["mailbox_id"]): _Numbers(row["uidvalidity"], row["first_uid"], row["modseq"])
        for row in drawn
    }


class _Numbered:
    """The rows of one transaction, numbered."""

    def __init__(self, numbers: dict[tuple[int, int], _Numbers]) -> None:
        self._numbers = numbers
        self._contents: list[tuple[Any, ...]] = []
        self._messages: list[tuple[Any, ...]] = []

    def add(self, delivery: Delivery) -> list[Placed]:
        placed = []
        for content, places in delivery.contents:
            # One row of content for each account, however many of its folders the message goes into.
            content_ids: dict[int, UUID] = {}
            for place in places:
                content_id = content_ids.get(place.account_id)
                if content_id is None:
                    content_id = content_ids[place.account_id] = self._add_content(place.account_id, content)
                placed.append(self._add_message(place, content.size, content_id))
        return placed

    def _add_content(self, account_id: int, content: Content) -> UUID:
        content_id = new_id()
        self._contents.append(content_row(account_id, content_id, content))
        return content_id

    def _add_message(self, place: Placement, size: int, content_id: UUID) -> Placed:
        numbers = self._numbers[place.account_id, place.mailbox_id]
        uid, numbers.uid = numbers.uid, numbers.uid + 1
        self._messages.append(
            (
                place.account_id, place.mailbox_id, uid, numbers.modseq, place.flags, list(place.keywords) or None,
                place.internaldate, size, content_id,
            )
        )  # fmt: skip
        return Placed(place.account_id, place.mailbox_id, numbers.uidvalidity, uid, numbers.modseq)

    def rows(self) -> tuple[Rows, Rows]:
        return ("mail_content", CONTENT_COLUMNS, self._contents), ("mail_message", MESSAGE_COLUMNS, self._messages)
