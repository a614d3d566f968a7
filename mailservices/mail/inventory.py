"""The messages that a folder has at one moment: their UIDs, and their system flags where somebody asked."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import compress
from uuid import UUID

from mailservices.mail.changes import Changes


class Inventory:
    """Five octets for each message.

    Args:
        uids: ascending.
        flags: an octet for each of them, bits of mail/flags.py.
        epoch: in which they were read (store/modseqs.py).
    """

    def __init__(self, modseq: int, epoch: UUID | None, uids: Iterable[int], flags: bytes | None = None) -> None:
        #: Everything up to this modification sequence is in here.
        self.modseq = modseq
        self.epoch = epoch
        self.uids = array("I", uids)
        self._flags = None if flags is None else bytearray(flags)

    @property
    def has_flags(self) -> bool:
        return self._flags is not None

    def learn(self, changes: Changes) -> None:
        """Take in what happened since the moment, or since an earlier one."""
        if changes.modseq <= self.modseq:
            return
        self._remove(changes.expunged)
        last = self.uids[-1] if self.uids else 0
        for one in changes.flagged:
            if one.uid > last:
                self.uids.append(one.uid)
                if self._flags is not None:
                    self._flags.append(one.bits)
            elif self._flags is not None:
                place = bisect_left(self.uids, one.uid)
                if self.uids[place] == one.uid:
                    self._flags[place] = one.bits
        self.modseq = changes.modseq

    def _remove(self, gone: Sequence[int]) -> None:
        """Slice by slice: it is little of all, or lies together."""
        uids, flags, start = self.uids[:0], bytearray(), 0
        for uid in gone:
            place = bisect_left(self.uids, uid, start)
            if place < len(self.uids) and self.uids[place] == uid:
                uids += self.uids[start:place]
                flags += (self._flags or b"")[start:place]
                start = place + 1
        if start:
            self.uids = uids + self.uids[start:]
            self._flags = None if self._flags is None else flags + self._flags[start:]

    def having(self, wanted: bytes, last_uid: int) -> list[int]:
        """The UIDs, ascending up to the last one, whose flags are wanted: of `mail.search.by_flags`.

        Without flags none is set, as far as a key goes that asks for none.
        """
        flags = bytes(len(self.uids)) if self._flags is None else self._flags
        return [*compress(self.uids, flags[: bisect_right(self.uids, last_uid)].translate(wanted))]
