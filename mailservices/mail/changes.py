"""What one session, or a delivery, tells another of a folder: pure data (RFC 7162 §3.1 modification sequences)."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


class Flagged(NamedTuple):
    """A message whose flags are now these; new to a client that has not seen the UID.

    A tuple, for there are thousands at once: a dataclass takes four times as long to make.
    """

    uid: int
    bits: int
    keywords: tuple[str, ...]
    modseq: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that happened to a folder after some modification sequence, up to `modseq`."""

    modseq: int
    #: Ascending by UID.
    flagged: tuple[Flagged, ...] = ()
    #: UIDs, ascending.
    expunged: tuple[int, ...] = ()
    #: In which this was read (store/modseqs.py), where it was read.
    epoch: UUID | None = None
