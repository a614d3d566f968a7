"""What this client has been told of the selected folder: sequence numbers, UIDs, and what it does not know yet.

Rules: a sequence number means what it meant when the client last heard of it. Whoever was expunged elsewhere keeps
its number until an EXPUNGE may be told (RFC 9051 §7.5.1); it just cannot be found any more. Pure: no I/O.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from mailservices.mail.changes import Changes
from mailservices.mail.errors import ProtocolError
from mailservices.mail.uidset import EVERYTHING, SAVED, NumberSet, within


@dataclass(frozen=True, slots=True)
class Exists:
    """So many messages are there now."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunged:
    """This number is gone; those above it move down by one."""

    number: int
    uid: int


class NewFlags(NamedTuple):
    """The flags of this message are now these."""

    number: int
    uid: int
    bits: int
    keywords: tuple[str, ...]
    modseq: int


class NewModseq(NamedTuple):
    """This message was changed as the client itself asked, which it need only be told when (RFC 7162 §3.1.3)."""

    number: int
    uid: int
    modseq: int


Told = Exists | Expunged | NewFlags | NewModseq


class View:
    """One client's knowledge of one folder."""

    def __init__(self, uids: Sequence[int], modseq: int) -> None:
        self._uids = array("I", uids)
        #: Expunged elsewhere, not told yet.
        self._gone: set[int] = set()
        #: What "$" stands for: UIDs, ascending (RFC 5182 §2.1).
        self._saved = array("I")
        #: Everything up to this modification sequence is in here.
        self.modseq = modseq
        #: What `modseq` was before the first of those that are gone.
        self._before_gone = modseq

    def __len__(self) -> int:
        return len(self._uids)

    @property
    def waiting(self) -> bool:
        """Whether expunges wait to be told."""
        return bool(self._gone)

    @property
    def gone(self) -> AbstractSet[int]:
        """UIDs of those that wait to be told."""
        return self._gone

    @property
    def told_modseq(self) -> int:
        """The client has been told of everything up to here, expunges too (RFC 7162 §3.1.2.1 HIGHESTMODSEQ)."""
        return self._before_gone if self._gone else self.modseq

    @property
    def last_uid(self) -> int:
        return self._uids[-1] if self._uids else 0

    def number(self, uid: int) -> int:
        """The sequence number of a UID, or 0."""
        place = bisect_left(self._uids, uid)
        return place + 1 if place < len(self._uids) and self._uids[place] == uid else 0

    def numbers(self, uids: Sequence[int]) -> Sequence[int]:
        """The sequence numbers of UIDs that all have one."""
        if self._uids and self._uids[-1] - self._uids[0] + 1 == len(self._uids):
            # Nothing was ever removed between them: no need to look for each.
            before = self._uids[0] - 1
            return [uid - before for uid in uids] if before else uids
        return [self.number(uid) for uid in uids]

    def onward(self, before: int, uid: int, count: int) -> Sequence[int]:
        """`count` UIDs from this one on, in the direction in which it lies beside the one before; else it."""
        place = bisect_left(self._uids, uid)
        step = self.number(uid) - self.number(before) if self.number(before) else 0
        if step == 1:
            return self._uids[place : place + count]
        return self._uids[max(0, place + 1 - count) : place + 1] if step == -1 else (uid,)

    def below(self, uid: int) -> int:
        """How many messages have a lower UID."""
        return bisect_left(self._uids, uid)

    def chosen(self, numbers: NumberSet, *, by_uid: bool, beyond: bool = False) -> Sequence[int]:
        """The UIDs that a command names, ascending, without those that are gone.

        Args:
            beyond: sequence numbers that no message has are passed over, as searches do (RFC 7377 §2).

        Raises:
            ProtocolError: a sequence number that no message has (RFC 9051 §9 seq-number); but 1:*, which everybody
                says who means all, is fine in an empty folder too.
        """
        if numbers == SAVED:
            return [uid for uid in self._saved if uid not in self._gone]
        if not by_uid and not beyond and numbers.largest > len(self._uids) and numbers != EVERYTHING:
            raise ProtocolError("There is no message of that number.")
        uids: array[int] = array("I")
        for low, high in numbers.resolve(self.last_uid if by_uid else len(self._uids)):
            if by_uid:
                uids += self._uids[bisect_left(self._uids, low) : bisect_right(self._uids, high)]
            else:
                uids += self._uids[max(low, 1) - 1 : high]
        if self._gone:
            return [uid for uid in uids if uid not in self._gone]
        return uids

    def save(self, uids: Sequence[int]) -> None:
        """Let "$" stand for these."""
        self._saved = array("I", uids)

    def missing(self, numbers: NumberSet, uidnext: int) -> list[tuple[int, int]]:
        """The UIDs among these that no message of the folder has, as ranges: what may have been expunged."""
        found = []
        for low, high in numbers.resolve(uidnext - 1):
            first, last = max(low, 1), min(high, uidnext - 1)
            for uid in self._uids[bisect_left(self._uids, low) : bisect_right(self._uids, high)]:
                if first < uid:
                    found.append((first, uid - 1))
                first = uid + 1
            if first <= last:
                found.append((first, last))
        return found

    def batches(self, size: int) -> list[tuple[int, int]]:
        """Ranges of UIDs, the highest first, with `size` messages each and fewer in the last, which ends at 1.

        Together they are all that there are, and none is twice (RFC 9957 §3.1).
        """
        uids = [uid for uid in self._uids if uid not in self._gone] if self._gone else self._uids
        found: list[tuple[int, int]] = []
        high = uids[-1] if uids else 0
        for start in range(len(uids) - size, -size, -size):
            low = uids[start] if start > 0 else 1
            found.append((high, low))
            high = low - 1
        return found

    def names_gone(self, numbers: NumberSet) -> bool:
        """Whether a command by sequence number names a message that another session has expunged."""
        if not self._gone:
            return False
        if numbers == SAVED:
            return not self._gone.isdisjoint(self._saved)
        return bool(within(map(self.number, self._gone), numbers.resolve(len(self._uids))))

    def learn(self, changes: Changes, *, may_expunge: bool) -> list[Told]:
        """Take in what happened, and return what may be told of it now, in the order in which it must be told."""
        if not self._gone:
            self._before_gone = self.modseq
        self._gone.update(uid for uid in changes.expunged if self.number(uid))
        told: list[Told] = []
        if may_expunge:
            told += self.expunge()
        known = self.last_uid
        new = [one.uid for one in changes.flagged if one.uid > known]
        if new:
            # A client that hears of a new message asks for its flags itself.
            self._uids.extend(new)
            told.append(Exists(len(self._uids)))
        for one in changes.flagged:
            number = self.number(one.uid) if one.uid <= known else 0
            if number and one.uid not in self._gone:
                told.append(NewFlags(number, *one))
        self.modseq = max(self.modseq, changes.modseq)
        return told

    def expunge(self) -> list[Told]:
        """Tell of all that is gone, the highest number first, so that the others keep theirs meanwhile."""
        if not self._gone:
            return []
        gone = [Expunged(self.number(uid), uid) for uid in sorted(self._gone, reverse=True)]
        # RFC 5182 §2.1: whoever is expunged is out of the saved result, too.
        self._saved = array("I", [uid for uid in self._saved if uid not in self._gone])
        self._gone.clear()
        kept, start = self._uids[:0], 0
        for one in reversed(gone):
            kept += self._uids[start : one.number - 1]
            start = one.number
        self._uids = kept + self._uids[start:]
        return [*gone]

    def forget(self, uids: Sequence[int]) -> list[Told]:
        """This client's own EXPUNGE or MOVE removed them."""
        self._gone.update(uid for uid in uids if self.number(uid))
        return self.expunge()

    def keep_up(self, modseq: int) -> bool:
        """Our own change drew this modseq: take it for known. False where others changed something before it."""
        if modseq != self.modseq + 1:
            return False
        self.modseq = modseq
        return True
