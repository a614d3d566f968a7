"""What one process keeps of what never changes: parts of FETCH's lines, and small messages, asked for lately; and
how far the text index has read.

A UID names one message for as long as its folder is there (RFC 9051 §2.3.1.1), and its text, envelope, structure,
size and dates stay as they are. So who asks again costs only the flags. Whoever asks has the message before him: a
session tells only of UIDs that it knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mailservices.store.fetch import AHEAD_OCTETS, Row

#: Octets of all that is kept, and of one folder.
ALL_OCTETS: Final = 32 * 1024 * 1024
FOLDER_OCTETS: Final = 16 * 1024 * 1024
#: What a line costs besides its octets.
LINE_OCTETS: Final = 150
#: Octets of the messages that are kept, and what one costs besides its own.
TEXT_OCTETS: Final = 16 * 1024 * 1024
ROW_OCTETS: Final = 500
#: Folders of which is kept how far the text index has read.
FOLDERS: Final = 10_000


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


class Texts:
    """Small messages of one process: rows of store.fetch.AHEAD."""

    def __init__(self) -> None:
        #: By folder and UID; the least wanted first.
        self._rows: dict[tuple[int, int], Row] = {}
        self._octets = 0

    def of(self, mailbox_id: int, uid: int) -> Row | None:
        """The row, if it is kept; it is wanted now."""
        row = self._rows.pop((mailbox_id, uid), None)
        if row is not None:
            self._rows[mailbox_id, uid] = row
        return row

    def keep(self, mailbox_id: int, rows: Mapping[int, Row]) -> None:
        """Add these, by UID, but not the large; what is wanted least goes for them."""
        for uid, row in rows.items():
            if row["size"] <= AHEAD_OCTETS and (mailbox_id, uid) not in self._rows:
                self._rows[mailbox_id, uid] = row
                self._octets += row["size"] + ROW_OCTETS
        while self._octets > TEXT_OCTETS:
            self._octets -= self._rows.pop(next(iter(self._rows)))["size"] + ROW_OCTETS


class Indexed:
    """Up to which UID of a folder the text index has all messages, as far as one process has heard."""

    def __init__(self) -> None:
        #: By folder; the least wanted first.
        self._until: dict[int, int] = {}

    def until(self, mailbox_id: int) -> int:
        return self._until.get(mailbox_id, 0)

    def keep(self, mailbox_id: int, uid: int) -> None:
        self._until.pop(mailbox_id, None)
        self._until[mailbox_id] = uid
        if len(self._until) > FOLDERS:
            del self._until[next(iter(self._until))]
