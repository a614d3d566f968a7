"""What this client has been told of the selected folder: sequence numbers, UIDs, and what it does not know yet.

Rules: a sequence number means what it meant when the client last heard of it. Whoever was expunged elsewhere keeps
its number until an EXPUNGE may be told (RFC 9051 §7.5.1); it just cannot be found any more. Pure: no I/O.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from mailservices.mail.changes import Changes
from mailservices.mail.errors import ProtocolError
from mailservices.mail.uidset import EVERYTHING, NumberSet


@dataclass(frozen=True, slots=True)
class Exists:
    """So many messages are there now."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunged:
    """This number is gone; those above it move down by one."""

    number: int


@dataclass(frozen=True, slots=True)
class NewFlags:
    """The flags of this message are now these."""

    number: int
    uid: int
    bits: int
    keywords: tuple[str, ...]


Told = Exists | Expunged | NewFlags


class View:
    """One client's knowledge of one folder."""

    def __init__(self, uids: Sequence[int], modseq: int) -> None:
        self._uids = array("I", uids)
        #: Expunged elsewhere, not told yet.
        self._gone: set[int] = set()
        #: Everything up to this modification sequence is in here.
        self.modseq = modseq

    def __len__(self) -> int:
        return len(self._uids)

    @property
    def waiting(self) -> bool:
        """Whether expunges wait to be told."""
        return bool(self._gone)

    @property
    def last_uid(self) -> int:
        return self._uids[-1] if self._uids else 0

    def number(self, uid: int) -> int:
        """The sequence number of a UID, or 0."""
        place = bisect_left(self._uids, uid)
        return place + 1 if place < len(self._uids) and self._uids[place] == uid else 0

    def below(self, uid: int) -> int:
        """How many messages have a lower UID."""
        return bisect_left(self._uids, uid)

    def chosen(self, numbers: NumberSet, *, by_uid: bool) -> Sequence[int]:
        """The UIDs that a command names, ascending, without those that are gone.

        Raises:
            ProtocolError: a sequence number that no message has (RFC 9051 §9 seq-number); but 1:*, which everybody
                says who means all, is fine in an empty folder too.
        """
        if not by_uid and numbers.largest > len(self._uids) and numbers != EVERYTHING:
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

    def names_gone(self, numbers: NumberSet) -> bool:
        """Whether a command by sequence number names a message that another session has expunged."""
        named = numbers.resolve(len(self._uids))
        starts = [low for low, _ in named]
        for number in map(self.number, self._gone):
            place = bisect_right(starts, number)
            if place and number <= named[place - 1][1]:
                return True
        return False

    def learn(self, changes: Changes, *, may_expunge: bool) -> list[Told]:
        """Take in what happened, and return what may be told of it now, in the order in which it must be told."""
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
                told.append(NewFlags(number, one.uid, one.bits, one.keywords))
        self.modseq = max(self.modseq, changes.modseq)
        return told

    def expunge(self) -> list[Told]:
        """Tell of all that is gone, the highest number first, so that the others keep theirs meanwhile."""
        if not self._gone:
            return []
        numbers = sorted(map(self.number, self._gone))
        self._gone.clear()
        kept, start = self._uids[:0], 0
        for number in numbers:
            kept += self._uids[start : number - 1]
            start = number
        self._uids = kept + self._uids[start:]
        return [Expunged(number) for number in reversed(numbers)]

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
