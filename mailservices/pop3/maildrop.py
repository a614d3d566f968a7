"""A locked maildrop: INBOX as it was when the session signed in (RFC 1939 §4 and §5), and what is marked in it.

Numbers and sizes lie in arrays, so that a hundred thousand messages are a megabyte. Texts are read ahead where a
client takes one message after the other, which nearly all clients do.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from mailservices import log
from mailservices.mail.errors import InUse, MessageGone, Unavailable
from mailservices.mail.vocabulary import INBOX
from mailservices.store import bodies, fetch, leases, mailboxes, messages
from mailservices.store.bodies import PIECE_OCTETS
from mailservices.store.pool import Pool

#: Octets and messages that are read ahead.
AHEAD_OCTETS = 512 * 1024
AHEAD_MESSAGES = 100

_log = log.get()


class Maildrop:
    """One session's. `open` takes the lock, `close` gives it back."""

    def __init__(self, pool: Pool, account_id: int, owner: UUID) -> None:
        self._pool = pool
        self._account_id = account_id
        self._owner = owner
        self.mailbox_id = 0
        self._uidvalidity = 0
        self._uids: array[int] = array("I")
        self._sizes: array[int] = array("Q")
        self.deleted: set[int] = set()
        #: Number -> row of store.fetch.BODIES.
        self._ahead: dict[int, Any] = {}
        self._last = 0
        self._renewing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, pool: Pool, account_id: int, lost: Callable[[], None]) -> "Maildrop":
        """Lock and list; `lost` is called should the lock be lost.

        Raises:
            InUse, Unavailable
        """
        self = cls(pool, account_id, await leases.take(pool, account_id))
        self._renewing = asyncio.create_task(self._renew(lost))
        try:
            folder = await mailboxes.find(pool, account_id, INBOX)
            self.mailbox_id, self._uidvalidity = folder.mailbox_id, folder.uidvalidity
            for uid, size in await messages.sizes(pool, account_id, folder.mailbox_id):
                self._uids.append(uid)
                self._sizes.append(size)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        # The lock runs out by itself where it cannot be given back.
        with suppress(Unavailable):
            await leases.release(self._pool, self._account_id, self._owner)

    async def _renew(self, lost: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(leases.RENEW_SECONDS)
            try:
                if not await leases.renew(self._pool, self._account_id, self._owner):
                    _log.warning("maildrop lost", account=self._account_id)
                    lost()
                    return
            except Unavailable:
                _log.warning("maildrop not renewed", account=self._account_id)

    # what a client asks for

    def numbers(self) -> list[int]:
        """Of the messages that are not marked."""
        return [number for number in range(1, len(self._uids) + 1) if number not in self.deleted]

    def check(self, number: int) -> None:
        """Raises: MessageGone: there is no such message, or it is marked."""
        if not 1 <= number <= len(self._uids) or number in self.deleted:
            raise MessageGone(words="There is no such message.")

    def size(self, number: int) -> int:
        return self._sizes[number - 1]

    def unique_id(self, number: int) -> bytes:
        """RFC 1939 §7: never another message's; a content's id would be shared by copies in one folder."""
        return b"%d.%d" % (self._uidvalidity, self._uids[number - 1])

    @property
    def octets(self) -> int:
        return sum(self._sizes) - sum(self.size(number) for number in self.deleted)

    async def text(self, number: int) -> AsyncIterator[bytes]:
        """The message's octets: its header, then its body in pieces.

        Raises:
            MessageGone: another session expunged it.
        """
        _, prefix, header, blob_id, body_size, zstd, data = await self._row(number)
        yield prefix + header
        yield bodies.unpack(zstd, data)
        if body_size > PIECE_OCTETS:
            async for piece in bodies.read(self._pool, blob_id, PIECE_OCTETS, body_size):
                yield piece

    async def _row(self, number: int) -> Any:
        if number not in self._ahead:
            await self._read(number)
        self._last = number
        row = self._ahead.pop(number, None)
        if row is None:
            raise MessageGone
        return row

    async def _read(self, number: int) -> None:
        """This message, and those behind it where the client takes one after the other."""
        chosen, octets = [number], self.size(number)
        if number == self._last + 1:
            for following in range(number + 1, min(number + AHEAD_MESSAGES, len(self._uids) + 1)):
                octets += min(self.size(following), PIECE_OCTETS)
                if octets > AHEAD_OCTETS:
                    break
                chosen.append(following)
        uids = [self._uids[one - 1] for one in chosen]
        rows = await fetch.first_pieces(self._pool, self._account_id, self.mailbox_id, uids)
        by_uid = {row[0]: row for row in rows}
        self._ahead = {one: by_uid[self._uids[one - 1]] for one in chosen if self._uids[one - 1] in by_uid}

    async def update(self) -> int:
        """RFC 1939 §6: remove what is marked, in one transaction; returns the folder's modseq, 0: nothing to do.

        Raises:
            InUse, Unavailable: nothing was removed.
        """
        if not self.deleted:
            return 0
        if not await leases.renew(self._pool, self._account_id, self._owner):
            raise InUse
        uids = [self._uids[number - 1] for number in sorted(self.deleted)]
        changes = await messages.remove(self._pool, self._account_id, self.mailbox_id, uids)
        return changes.modseq
