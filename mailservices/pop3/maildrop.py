"""A locked maildrop: a folder as it was when the session signed in (RFC 1939 §4 and §5), and what is marked in it.

The list is one value (store/maildrops.py), so that a hundred thousand messages are three megabytes. Texts are read
ahead where a client takes one message after the other, which nearly all clients do.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mailservices.mail.errors import MessageGone, Unavailable
from mailservices.mail.object_id import email_id
from mailservices.store import bodies, fetch, maildrops
from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.maildrops import Held, Lists, Locks
from mailservices.store.pool import Pool

#: Octets and messages that are read at once; as many are on their way while the client takes these.
AHEAD_OCTETS = 256 * 1024
AHEAD_MESSAGES = 100

_ROW = struct.Struct(maildrops.ROW)


@dataclass(frozen=True, slots=True)
class Text:
    """A message: its header, the first piece of its body, and where the others are."""

    header: bytes
    body: bytes
    blob_id: UUID
    #: Octets of the body.
    size: int

    @property
    def more(self) -> bool:
        """Whether there are other pieces."""
        return self.size > PIECE_OCTETS


class Maildrop:
    """One session's. `open` takes the lock; `update` or `close` gives it back."""

    def __init__(self, pool: Pool, locks: Locks, held: Held) -> None:
        self._pool = pool
        self._locks = locks
        self.held = held
        self._fill(held.mailbox_id, 0, b"")

    def _fill(self, mailbox_id: int, octets: int, rows: bytes) -> None:
        self.mailbox_id = mailbox_id
        self._rows = rows
        #: The highest number.
        self.last = len(rows) // maildrops.ROW_OCTETS
        self._all_octets = octets
        self.marked: set[int] = set()
        #: Of the messages that are not marked.
        self.octets = octets
        #: What was retrieved whole, where it is removed with QUIT for that (RFC 2449 §6.7, EXPIRE 0).
        self._retrieved: set[int] = set()
        #: Number -> row of store.fetch.BODIES.
        self._ahead: dict[int, Any] = {}
        #: The numbers that are read next, while the client takes those.
        self._coming: tuple[range, asyncio.Task[dict[int, Any]]] | None = None
        self._last = 0

    @classmethod
    async def open(
        cls, pool: Pool, locks: Locks, lists: Lists, account_id: int, lost: Callable[[], None]
    ) -> "Maildrop":
        """Lock and list; `lost` is called should the lock be lost.

        Raises:
            InUse, TooSoon, SwitchedOff, NoSuchFolder, Unavailable
        """
        self = cls(pool, locks, await locks.take(account_id, lost))
        try:
            # Most programs ask again and again whether there is anything: nothing costs nothing.
            if self.held.messages:
                self._fill(self.held.mailbox_id, *await lists.of(self.held))
        except BaseException:
            await self.close()
            raise
        return self

    async def turn_to(self, mailbox_id: int, newest_days: int | None = None) -> None:
        """List this folder, with nothing marked in it."""
        _give_up(self._coming)
        self._fill(mailbox_id, *await maildrops.listing(self._pool, self.held, mailbox_id, newest_days))

    async def close(self) -> None:
        """Give the lock back; what was marked stays."""
        _give_up(self._coming)
        # The lock runs out by itself where it cannot be given back.
        with suppress(Unavailable):
            await self._locks.release(self.held)

    # what a client asks for

    def _row(self, number: int) -> tuple[int, int, bytes, bool]:
        """UID, size, content's id, whether it is a twin."""
        found: tuple[int, int, bytes, bool] = _ROW.unpack_from(self._rows, (number - 1) * maildrops.ROW_OCTETS)
        return found

    @property
    def count(self) -> int:
        """Of the messages that are not marked."""
        return self.last - len(self.marked)

    def mark(self, number: int) -> None:
        """Raises: MessageGone: there is no such message, or it is marked already."""
        self.check(number)
        self.marked.add(number)
        self.octets -= self.size(number)

    def unmark(self) -> None:
        """No message is marked any more."""
        self.marked.clear()
        self.octets = self._all_octets

    def check(self, number: int) -> None:
        """Raises: MessageGone: there is no such message, or it is marked."""
        if not 1 <= number <= self.last or number in self.marked:
            raise MessageGone(words="There is no such message.")

    def size(self, number: int) -> int:
        return self._row(number)[1]

    def sizes(self) -> Iterator[tuple[int, int]]:
        """(number, octets) of the messages that are not marked."""
        rows = enumerate(_ROW.iter_unpack(self._rows), 1)
        return ((number, row[1]) for number, row in rows if number not in self.marked)

    def unique_ids(self) -> Iterator[tuple[int, bytes]]:
        """(number, unique id) of the messages that are not marked."""
        rows = enumerate(_ROW.iter_unpack(self._rows), 1)
        return ((number, _unique_id(*row)) for number, row in rows if number not in self.marked)

    def unique_id(self, number: int) -> bytes:
        return _unique_id(*self._row(number))

    def retrieved(self, number: int) -> None:
        """The client has all of it."""
        if self.held.delete_retrieved:
            self._retrieved.add(number)

    async def read(self, number: int) -> Text:
        """The message's octets.

        Raises:
            MessageGone: another session expunged it.
        """
        if number not in self._ahead:
            await self._read_ahead(number)
        self._last = number
        row = self._ahead.pop(number, None)
        if row is None:
            raise MessageGone
        _, prefix, header, blob_id, size, zstd, data = row
        return Text(prefix + header, bodies.unpack(zstd, data), blob_id, size)

    async def rest(self, text: Text) -> AsyncIterator[bytes]:
        """What comes after the first piece of its body, piece by piece."""
        async for piece in bodies.read(self._pool, text.blob_id, PIECE_OCTETS, text.size):
            yield piece

    async def _read_ahead(self, number: int) -> None:
        """This message; and where the client takes one after the other those behind it, and then the next ones."""
        in_order = number == self._last + 1
        coming, self._coming = self._coming, None
        if coming is not None and number in coming[0]:
            chosen, self._ahead = coming[0], await coming[1]
        else:
            _give_up(coming)
            chosen = self._batch(number) if in_order else range(number, number + 1)
            self._ahead = await self._fetch(chosen)
        if in_order and chosen.stop <= self.last:
            following = self._batch(chosen.stop)
            self._coming = following, asyncio.create_task(self._fetch(following))

    def _batch(self, first: int) -> range:
        """As many messages from this one on as are read at once."""
        octets, stop = self.size(first), first + 1
        while stop <= self.last and stop - first < AHEAD_MESSAGES:
            octets += min(self.size(stop), PIECE_OCTETS)
            if octets > AHEAD_OCTETS:
                break
            stop += 1
        return range(first, stop)

    async def _fetch(self, chosen: range) -> dict[int, Any]:
        """Number -> row of store.fetch.BODIES; what is gone is left out."""
        numbers = {self._row(number)[0]: number for number in chosen}
        rows = await fetch.first_pieces(self._pool, self.held.account_id, self.mailbox_id, list(numbers))
        return {numbers[row[0]]: row for row in rows}

    def turn_away(self) -> None:
        """List nothing."""
        _give_up(self._coming)
        self._fill(self.mailbox_id, 0, b"")

    async def update(self, *, keep: bool = False) -> list[tuple[int, int]]:
        """RFC 1939 §6: remove what is marked, in one transaction, and give the lock back, unless it is kept.

        Returns:
            (folder, modseq) of each folder that has changed.

        Raises:
            InUse, Unavailable: nothing was removed, and the lock is held until `close`.
        """
        uids = [self._row(number)[0] for number in self.marked | self._retrieved]
        changed = await maildrops.update(self._pool, self._locks, self.held, self.mailbox_id, uids, keep=keep)
        if not keep:
            _give_up(self._coming)
        return changed


def _give_up(coming: tuple[range, asyncio.Task[Any]] | None) -> None:
    """One that has failed meanwhile is not asked for any more; why, the log has been told."""
    if coming is not None and not coming[1].cancel() and not coming[1].cancelled():
        coming[1].exception()


def _unique_id(uid: int, _size: int, content_id: bytes, twin: bool) -> bytes:
    """RFC 1939 §7: never another message's: IMAP's EMAILID, and for a twin its UID besides. 44 octets at most."""
    return f"{email_id(content_id)}.{uid}".encode() if twin else email_id(content_id).encode()
