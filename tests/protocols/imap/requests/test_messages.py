"""Commands about messages: every one as it is read, and what is refused (RFC 9051 §6.4)."""

import pytest

from mailservices.mail import uidset
from mailservices.mail.flags import DELETED, SEEN, Change, Flags
from mailservices.mail.search import All, Fuzzy, HasFlag, InHeader
from mailservices.mail.sorting import By, SortKey
from mailservices.mail.threads import Algorithm
from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.fetch import Kind as Part
from mailservices.protocols.imap.fetch import Section, Simple
from mailservices.protocols.imap.requests.messages import (
    Batches,
    CancelUpdate,
    Copy,
    Expunge,
    Fetch,
    Move,
    MultiSearch,
    Request,
    Search,
    Sort,
    Store,
    Thread,
)
from mailservices.protocols.imap.search import EVERYTHING, Partial, Result, Returns
from mailservices.protocols.imap.sources import Kind, Source
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of

SET = uidset.parse(b"1:3,*")
TO = Section(b"BODY[HEADER.FIELDS (To)]", kind=Part.FIELDS, fields=(b"To",), marks_seen=False)
FUZZY, RELEVANCY = Fuzzy(InHeader("subject", "x")), Returns(frozenset({Result.RELEVANCY}))
SAVE = Returns(frozenset({Result.SAVE}))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EXPUNGE", Expunge(None)),
        (b"UID EXPUNGE 1:3,*", Expunge(SET)),
        (b"SEARCH ALL", Search(All(), None, by_uid=False)),
        (b"UID SEARCH CHARSET utf-8 SEEN", Search(HasFlag(SEEN), None, by_uid=True)),
        (b"SEARCH RETURN (save) SEEN", Search(HasFlag(SEEN), SAVE, by_uid=False)),
        (b"UID SEARCH return (SAVE) charset utf-8 SEEN", Search(HasFlag(SEEN), SAVE, by_uid=True)),
        (b"UID FETCH 1:3,* FLAGS (partial -1:-3 CHANGEDSINCE 9 VANISHED)",
         Fetch(SET, (Simple.FLAGS,), by_uid=True, changed_since=9, vanished=True,
               partial=Partial(1, 3, True, b"-1:-3"))),
        (b"UID FETCH 1:3,* FLAGS (PARTIAL 1:3)",
         Fetch(SET, (Simple.FLAGS,), by_uid=True, partial=Partial(1, 3, False, b"1:3"))),
        (b"ESEARCH SEEN", MultiSearch((), HasFlag(SEEN), EVERYTHING)),
        (b"esearch in (personal) return (save) charset utf-8 SEEN",
         MultiSearch((Source(Kind.PERSONAL),), HasFlag(SEEN), SAVE)),
        (b"SEARCH RETURN (RELEVANCY) FUZZY SUBJECT x", Search(FUZZY, RELEVANCY, by_uid=False)),
        (b"ESEARCH RETURN (RELEVANCY) FUZZY SUBJECT x", MultiSearch((), FUZZY, RELEVANCY)),
        (b"SORT (RELEVANCY) UTF-8 FUZZY SUBJECT x", Sort((SortKey(By.RELEVANCY),), FUZZY, None, by_uid=False)),
        (b"UIDBATCHES 500", Batches(500)),
        (b"uidbatches 500 2:7", Batches(500, 2, 7)),
        (b'CANCELUPDATE "a1" b2', CancelUpdate((b"a1", b"b2"))),
        (b"SORT (DATE) UTF-8 SEEN", Sort((SortKey(By.DATE),), HasFlag(SEEN), None, by_uid=False)),
        (b"uid sort return (save) (reverse Size displayto) us-ascii SEEN",
         Sort((SortKey(By.SIZE, reverse=True), SortKey(By.DISPLAYTO)), HasFlag(SEEN), SAVE, by_uid=True)),
        (b"THREAD references UTF-8 SEEN", Thread(Algorithm.REFERENCES, HasFlag(SEEN), by_uid=False)),
        (b"UID THREAD REFS UTF-8 SEEN", Thread(Algorithm.REFS, HasFlag(SEEN), by_uid=True)),
        (b"UID EXPUNGE $", Expunge(uidset.SAVED)),
        (b"FETCH $ (UID)", Fetch(uidset.SAVED, (Simple.UID,), by_uid=False)),
        (b"FETCH 1:3,* FLAGS", Fetch(SET, (Simple.FLAGS,), by_uid=False)),
        (b"UID FETCH 1:3,* (UID)", Fetch(SET, (Simple.UID,), by_uid=True)),
        # What is too long to be remembered, or has a literal in it, is read all the same.
        (b"FETCH $ (UID" + b" RFC822.SIZE" * 60 + b")",
         Fetch(uidset.SAVED, (Simple.UID, Simple.SIZE), by_uid=False)),
        (b"FETCH $ BODY.PEEK[HEADER.FIELDS ({2}\r\nTo)]", Fetch(uidset.SAVED, (TO,), by_uid=False)),
        (b"FETCH 1:3,* (UID MODSEQ) (CHANGEDSINCE 12)",
         Fetch(SET, (Simple.UID, Simple.MODSEQ), by_uid=False, changed_since=12)),
        (b"UID FETCH 1:3,* FLAGS (changedsince 9223372036854775807)",
         Fetch(SET, (Simple.FLAGS,), by_uid=True, changed_since=2**63 - 1)),
        (b"UID FETCH 1:3,* FLAGS (CHANGEDSINCE 9 VANISHED)",
         Fetch(SET, (Simple.FLAGS,), by_uid=True, changed_since=9, vanished=True)),
        (b"UID FETCH 1:3,* FLAGS (vanished changedsince 9)",
         Fetch(SET, (Simple.FLAGS,), by_uid=True, changed_since=9, vanished=True)),
        (b"STORE 1:3,* (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)",
         Store(SET, Change.ADD, Flags(SEEN), silent=True, by_uid=False, unchanged_since=0)),
        (b"STORE 1:3,* FLAGS (\\Seen)", Store(SET, Change.REPLACE, Flags(SEEN), silent=False, by_uid=False)),
        (b"STORE 1:3,* +flags.silent \\Seen a",
         Store(SET, Change.ADD, Flags(SEEN, ("a",)), silent=True, by_uid=False)),
        (b"uid store 1:3,* -FLAGS (\\Deleted)",
         Store(SET, Change.REMOVE, Flags(DELETED), silent=False, by_uid=True)),
        (b"COPY 1:3,* Old", Copy(SET, "Old", by_uid=False)),
        (b"UID COPY 1:3,* Old", Copy(SET, "Old", by_uid=True)),
        (b"MOVE 1:3,* Old", Move(SET, "Old", by_uid=False)),
        (b"UID MOVE 1:3,* Old", Move(SET, "Old", by_uid=True)),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Request) -> None:
    assert parse(parts_of(b"a1 " + line, feed)).command == command


@pytest.mark.parametrize(
    "line",
    [
        b"a1 UID EXPUNGE", b"a1 UID EXPUNGE 0", b"a1 SEARCH", b"a1 SEARCH RETURN (SAVE)",
        b"a1 UID FETCH 1 UID (PARTIAL)", b"a1 UID FETCH 1 UID (PARTIAL 1:2 VANISHED)", b"a1 CANCELUPDATE",
        b"a1 UID FETCH 1 UID (PARTIAL 1:2", b"a1 ESEARCH", b"a1 ESEARCH IN (personal (x)) ALL",
        b"a1 ESEARCH IN (selected-delayed) ALL", b"a1 ESEARCH IN (personal)", b"a1 ESEARCH IN () ALL",
        b"a1 UIDBATCHES", b"a1 UIDBATCHES 0", b"a1 UIDBATCHES 500 0:1", b"a1 UIDBATCHES 500 1",
        b"a1 UIDBATCHES 500 1:*",
        b"a1 SEARCH RETURN (RELEVANCY) ALL", b"a1 ESEARCH RETURN (RELEVANCY) ALL",
        b"a1 SORT (RELEVANCY) UTF-8 ALL", b"a1 SORT () UTF-8 ALL", b"a1 SORT (REVERSE) UTF-8 ALL",
        b"a1 SORT (X) UTF-8 ALL",
        b"a1 SORT DATE UTF-8 ALL", b"a1 SORT (DATE) UTF-8", b"a1 THREAD X UTF-8 ALL", b"a1 THREAD REFS UTF-8",
        b"a1 SEARCH RETURN (LAST) ALL", b"a1 FETCH $,1 UID", b"a1 FETCH 1 UID (CHANGEDSINCE 1 VANISHED)",
        b"a1 UID FETCH 1 UID (VANISHED)", b"a1 FETCH 1 UID (CHANGEDSINCE x)",
        b"a1 FETCH 1 UID (CHANGEDSINCE 1",
        b"a1 FETCH 1 UID (LATER 1)", b"a1 FETCH 1 UID (CHANGEDSINCE 9223372036854775808)",
        b"a1 STORE 1 (UNCHANGEDSINCE 1)",
        b"a1 STORE 1 (UNCHANGEDSINCE) FLAGS (\\Seen)", b"a1 FETCH 1", b"a1 FETCH x FLAGS",
        b"a1 FETCH 1 (FLAGS", b"a1 STORE 1 FLAGS", b"a1 STORE 1 FLAGS ", b"a1 STORE 1 FLAGS.LOUD (\\Seen)",
        b"a1 STORE 1 (\\Seen)", b"a1 STORE 1 FLAGS (\\Seen) x", b"a1 COPY 1", b"a1 COPY Old 1", b"a1 MOVE 1:3",
        b"a1 MOVE 1:3 ",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(line))
