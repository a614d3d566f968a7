"""What one process keeps of FETCH's lines: the parts that never change, of folders that were asked for lately.

A UID names one message for as long as its folder is there (RFC 9051 §2.3.1.1), and its envelope, structure, size
and dates stay as they are. So who asks again costs only the flags.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: Octets of all that is kept, and of one folder.
ALL_OCTETS: Final = 32 * 1024 * 1024
FOLDER_OCTETS: Final = 16 * 1024 * 1024
#: What a line costs besides its octets.
LINE_OCTETS: Final = 150


@dataclass(slots=True)
class Kept:
    """Of one folder, in one form: line by UID."""

    lines: dict[int, bytes] = field(default_factory=dict)
    octets: int = 0


class Lines:
    """Those of one process."""

    def __init__(self) -> None:
        #: By folder and form; the least wanted first.
        self._kept: dict[tuple[int, bytes], Kept] = {}
        self._octets = 0

    def of(self, mailbox_id: int, form: bytes) -> Mapping[int, bytes]:
        """What is kept of a folder in this form, by UID; it is wanted now. What is removed later, it has still."""
        return self._wanted(mailbox_id, form).lines

    def keep(self, mailbox_id: int, form: bytes, lines: Mapping[int, bytes]) -> None:
        """Add these, while there is room; what is wanted least goes for it."""
        kept = self._wanted(mailbox_id, form)
        for uid, line in lines.items():
            octets = len(line) + LINE_OCTETS
            if uid not in kept.lines and kept.octets + octets <= FOLDER_OCTETS:
                kept.lines[uid] = line
                kept.octets += octets
                self._octets += octets
        while self._octets > ALL_OCTETS:
            self._octets -= self._kept.pop(next(iter(self._kept))).octets

    def _wanted(self, mailbox_id: int, form: bytes) -> Kept:
        kept = self._kept.pop((mailbox_id, form), None) or Kept()
        self._kept[mailbox_id, form] = kept
        return kept
