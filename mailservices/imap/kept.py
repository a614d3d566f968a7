"""What one process keeps of what never changes: parts of FETCH's lines, and small messages, asked for lately; and
how far the text index has read.

A UID names one message for as long as its folder is there (RFC 9051 §2.3.1.1), and its text, envelope, structure,
size and dates stay as they are. So who asks again costs only the flags. Whoever asks has the message before him: a
session tells only of UIDs that it knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mailservices.store.fetch import AHEAD_OCTETS, Row, text_size, unpacked

#: Octets of all that is kept, and of one folder.
ALL_OCTETS: Final = 32 * 1024 * 1024
FOLDER_OCTETS: Final = 16 * 1024 * 1024
#: What a line costs besides its octets.
LINE_OCTETS: Final = 150
#: Octets of the messages that are kept, and what one costs besides its own.
TEXT_OCTETS: Final = 64 * 1024 * 1024
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
    """Small messages of one process, unpacked: rows of store.fetch.BODIES."""

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

    def among(self, mailbox_id: int, uids: Iterable[int]) -> dict[int, Row]:
        """By UID, the rows of those that are kept; they are wanted now."""
        return {uid: row for uid in uids if (row := self.of(mailbox_id, uid)) is not None}

    def keep(self, mailbox_id: int, rows: Iterable[Row]) -> dict[int, Row]:
        """Add these, but not the large; what is wanted least goes for them. Returns all of them by UID."""
        given: dict[int, Row] = {}
        for row in rows:
            uid, size = row[0], text_size(row)
            if size <= AHEAD_OCTETS:
                given[uid] = self.of(mailbox_id, uid) or self._add(mailbox_id, unpacked(row), size)
            else:
                given[uid] = row
        while self._octets > TEXT_OCTETS:
            self._octets -= text_size(self._rows.pop(next(iter(self._rows)))) + ROW_OCTETS
        return given

    def _add(self, mailbox_id: int, row: Row, size: int) -> Row:
        self._rows[mailbox_id, row[0]] = row
        self._octets += size + ROW_OCTETS
        return row


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
