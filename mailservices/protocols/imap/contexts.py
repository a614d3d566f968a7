"""A search whose result a client keeps up to date (RFC 5267 §4.3): what is in it, and how changes of it are told.

Pure: others find out what fits; here it is turned into positions. Of a SEARCH no positions are told: they are
those of the folder.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from mailservices.mail.search import Key
from mailservices.mail.sorting import SortKey

#: A place in the results, counted from 1, or 0; and UIDs in the results' order.
Change = tuple[int, list[int]]


@dataclass(slots=True)
class Context:
    """One search.

    Attributes:
        key: its sequence numbers are UIDs by now (§4.3: they are those of the moment of the command).
        results: UIDs, in the order of the results.
        modseq: what happened up to here is in them.
    """

    tag: bytes
    key: Key
    order: tuple[SortKey, ...]
    by_uid: bool
    results: list[int]
    modseq: int
    _known: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self._known = set(self.results)

    def __contains__(self, uid: int) -> bool:
        return uid in self._known

    def remove(self, uids: Collection[int]) -> list[Change]:
        """These do not fit any more, or are gone; those that are not in the results are passed over."""
        gone = self._known.intersection(uids)
        if not gone:
            return []
        changes: list[Change] = []
        place = 1
        for uid in self.results:
            if uid not in gone:
                place += 1
            elif changes and changes[-1][0] == place:
                changes[-1][1].append(uid)
            else:
                changes.append((place, [uid]))
        self._known -= gone
        self.results = [uid for uid in self.results if uid not in gone]
        return changes if self.order else [(0, sorted(gone))]

    def add(self, uids: Collection[int], ordered: Sequence[int]) -> list[Change]:
        """These fit now. `ordered` has all that fit, these among them, in the order of the results."""
        new = set(uids) - self._known
        if not new:
            return []
        self._known |= new
        self.results = [uid for uid in ordered if uid in self._known]
        if not self.order:
            return [(0, sorted(new))]
        changes: list[Change] = []
        following = 0
        for place, uid in enumerate(self.results, 1):
            if uid in new:
                if place == following:
                    changes[-1][1].append(uid)
                else:
                    changes.append((place, [uid]))
                following = place + 1
        return changes
