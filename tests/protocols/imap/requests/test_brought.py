"""What clients bring: commands as they are read, refusals, which literals are messages (RFC 9051 §6.3.12)."""

from datetime import UTC, datetime

import pytest

from mailservices.mail import uidset
from mailservices.mail.flags import SEEN, Flags
from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.reader import LiteralAhead, Reader
from mailservices.protocols.imap.requests.brought import (
    MESSAGES,
    PIECES,
    Append,
    Brought,
    Expected,
    Replace,
    Request,
    expected,
)
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of

WORD, MESSAGE, PIECE = Expected.WORD, Expected.MESSAGE, Expected.PIECE
MOMENT = datetime(2026, 7, 1, 2, 44, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"APPEND Old {4}\r\ntext", Append("Old", (Brought(Flags(), None, 4),))),
        (b"APPEND Old ~{4}\r\nt\0xt", Append("Old", (Brought(Flags(), None, 4, binary=True),))),
        (b"APPEND Old {4}\r\ntext (\\Seen) {2}\r\n12 UTF8 (~{1}\r\nx)",
         Append("Old", (Brought(Flags(), None, 4), Brought(Flags(SEEN), None, 2),
                        Brought(Flags(), None, 1, binary=True)))),
        (b"APPEND Old UTF8 (~{4}\r\ntext)", Append("Old", (Brought(Flags(), None, 4, binary=True),))),
        (b"APPEND Old (\\Seen) utf8 ({4+}\r\ntext)", Append("Old", (Brought(Flags(SEEN), None, 4),))),
        (b"APPEND Old (\\Seen) ~{4+}\r\ntext", Append("Old", (Brought(Flags(SEEN), None, 4, binary=True),))),
        (b"APPEND Old (\\Seen a) {4}\r\ntext", Append("Old", (Brought(Flags(SEEN, ("a",)), None, 4),))),
        (b'APPEND Old " 1-Jul-2026 02:44:25 +0000" {4+}\r\ntext', Append("Old", (Brought(Flags(), MOMENT, 4),))),
        (b"APPEND Old CATENATE (TEXT {4}\r\ntext URL /a) (\\Seen) catenate (url {2}\r\n/b) {1}\r\nx",
         Append("Old", (Brought(Flags(), None, 0, pieces=(None, b"/a")),
                        Brought(Flags(SEEN), None, 0, pieces=(b"/b",)), Brought(Flags(), None, 1)))),
        (b"REPLACE 1 Old (\\Seen) {4}\r\ntext",
         Replace(uidset.parse(b"1"), "Old", Brought(Flags(SEEN), None, 4), by_uid=False)),
        (b"uid replace 7 Old CATENATE (URL /a)",
         Replace(uidset.parse(b"7"), "Old", Brought(Flags(), None, 0, pieces=(b"/a",)), by_uid=True)),
        (b'APPEND {3}\r\nOld () "01-Jul-2026 02:44:25 +0000" {0}\r\n',
         Append("Old", (Brought(Flags(), MOMENT, 0),))),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Request) -> None:
    assert parse(parts_of(b"a1 " + line, feed)).command == command


@pytest.mark.parametrize(
    "line",
    [
        b"a1 APPEND Old", b"a1 APPEND ~{3}\r\nOld {1}\r\nx", b"a1 APPEND Old~{1}\r\nx",
        b"a1 APPEND Old UTF8 (~{1}\r\nx", b"a1 APPEND Old UTF8 ~{1}\r\nx", b"a1 APPEND Old text",
        b'a1 APPEND Old "text"', b"a1 APPEND Old (\\Seen {4}\r\ntext",
        b'a1 APPEND Old "1 Jul 2026" {4}\r\ntext', b"a1 APPEND Old {4}\r\ntext more",
        b"a1 APPEND Old (\\Bad) {4}\r\ntext", b"a1 APPEND Old {4}\r\ntext{4}\r\nmore",
        b"a1 APPEND Old {1}\r\nx (\\Seen)",
        b"a1 REPLACE Old {1}\r\nx", b"a1 REPLACE 1 Old", b"a1 REPLACE 1 Old {1}\r\nx {1}\r\ny",
        b"a1 APPEND Old CATENATE ()", b"a1 APPEND Old CATENATE (TEXT x)", b"a1 APPEND Old CATENATE (URL /a",
        b"a1 APPEND Old CATENATE (LINK /a)", b"a1 APPEND Old CATENATE (URL /a" + b" URL /a" * PIECES + b")",
        b"a1 APPEND Old" + b" {1}\r\nx" * (MESSAGES + 1),
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(line))


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        (b"a REPLACE 1 Old {1}", [MESSAGE]),
        (b"a uid replace 7 {3+}\r\nOld (\\Seen) {1}", [WORD, MESSAGE]),
        (b"a REPLACE {1}", [WORD]),
        (b"a APPEND Old CATENATE (TEXT {1}\r\nx URL {1}\r\nx Text {2}\r\nyy) {1}", [PIECE, WORD, PIECE, MESSAGE]),
        (b"a APPEND Old catenate (URL {1}", [WORD]),
        (b"a APPEND TEXT {1}", [MESSAGE]),
        (b"a APPEND URL {1}", [MESSAGE]),
        (b"a APPEND Old {1}", [MESSAGE]),
        (b"a append Old (\\Seen) {1}", [MESSAGE]),
        (b'a APPEND "My Folder" {1}', [MESSAGE]),
        (b"a APPEND Old {1}\r\nx (\\Seen) {2}\r\n12 {3}", [MESSAGE, MESSAGE, MESSAGE]),
        # The mailbox may be a literal too, which then is the first one.
        (b"a APPEND {3}\r\nOld {1}", [WORD, MESSAGE]),
        (b"a APPEND {3+}\r\nOld (\\Seen) {1}", [WORD, MESSAGE]),
        (b"a LOGIN {1}", [WORD]),
        (b"a {1}", [WORD]),
        (b"{1}", [WORD]),
    ],
)
def test_which_literal_is_a_message(line: bytes, answers: list[bool]) -> None:
    reader, found = Reader(), []
    reader.receive(line + b"\r\n")
    while isinstance(event := reader.next_event(), LiteralAhead):
        found.append(expected(event.parts))
        reader.accept()
    assert found == answers
