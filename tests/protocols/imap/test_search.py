"""SEARCH keys (RFC 9051 §6.4.4, RFC 3501 §6.4.4) to the tree."""

from datetime import date

import pytest

from mailservices.mail import flags, uidset
from mailservices.mail.errors import ProtocolError
from mailservices.mail.search import (
    All,
    And,
    Arrived,
    HasFlag,
    HasKeyword,
    InBody,
    InHeader,
    InSequence,
    InText,
    InUids,
    IsRecent,
    Key,
    Larger,
    Not,
    Or,
    Sent,
    Smaller,
    When,
)
from mailservices.protocols.imap.grammar import DEPTH
from mailservices.protocols.imap.search import KEYS, BadCharset, parse
from tests.protocols.imap.feeding import scanner_of

DAY = date(2026, 7, 1)
SEEN = HasFlag(flags.SEEN)
SET = uidset.parse(b"1:3,*")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"ALL", All()),
        (b"all", All()),
        (b"ANSWERED", HasFlag(flags.ANSWERED)),
        (b"DELETED", HasFlag(flags.DELETED)),
        (b"DRAFT", HasFlag(flags.DRAFT)),
        (b"FLAGGED", HasFlag(flags.FLAGGED)),
        (b"SEEN", SEEN),
        (b"UNANSWERED", Not(HasFlag(flags.ANSWERED))),
        (b"UNDELETED", Not(HasFlag(flags.DELETED))),
        (b"UNDRAFT", Not(HasFlag(flags.DRAFT))),
        (b"UNFLAGGED", Not(HasFlag(flags.FLAGGED))),
        (b"UNSEEN", Not(SEEN)),
        (b"RECENT", IsRecent()),
        (b"OLD", Not(IsRecent())),
        (b"NEW", And((IsRecent(), Not(SEEN)))),
        (b"KEYWORD blue", HasKeyword("blue")),
        (b"UNKEYWORD blue", Not(HasKeyword("blue"))),
        (b"BCC x", InHeader("bcc", "x")),
        (b"CC x", InHeader("cc", "x")),
        (b"FROM x", InHeader("from", "x")),
        (b'SUBJECT "two words"', InHeader("subject", "two words")),
        (b"TO {3}\r\na\r\n", InHeader("to", "a\r\n")),
        (b'HEADER Message-ID ""', InHeader("message-id", "")),
        (b"BODY x", InBody("x")),
        (b'TEXT "gr\xc3\xbc\xc3\x9fe"', InText("grüße")),
        (b"BEFORE 1-Jul-2026", Arrived(When.BEFORE, DAY)),
        (b'ON "1-Jul-2026"', Arrived(When.ON, DAY)),
        (b"SINCE 1-Jul-2026", Arrived(When.SINCE, DAY)),
        (b"SENTBEFORE 1-Jul-2026", Sent(When.BEFORE, DAY)),
        (b"SENTON 1-Jul-2026", Sent(When.ON, DAY)),
        (b"SENTSINCE 1-Jul-2026", Sent(When.SINCE, DAY)),
        (b"LARGER 7", Larger(7)),
        (b"SMALLER 7", Smaller(7)),
        (b"UID 1:3,*", InUids(SET)),
        (b"1:3,*", InSequence(SET)),
        (b"*", InSequence(uidset.parse(b"*"))),
        (b"NOT SEEN", Not(SEEN)),
        (b"NOT NOT SEEN", Not(Not(SEEN))),
        (b"OR SEEN ALL", Or(SEEN, All())),
        (b"OR (SEEN ALL) NOT ALL", Or(And((SEEN, All())), Not(All()))),
        (b"SEEN ALL", And((SEEN, All()))),
        (b"(SEEN)", SEEN),
        (b"(SEEN ALL) ALL", And((And((SEEN, All())), All()))),
        (b"CHARSET UTF-8 SEEN", SEEN),
        (b"charset us-ascii SEEN ALL", And((SEEN, All()))),
        (b'CHARSET "utf-8" SEEN', SEEN),
        (b"(" * DEPTH + b"ALL" + b")" * DEPTH, All()),
    ],
)
def test_keys(text: bytes, key: Key) -> None:
    scanner = scanner_of(text)
    assert parse(scanner) == key
    scanner.end()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"NONSENSE", b"NONSENSE x", b"FROM", b"FROM ", b"FROM (x)", b"HEADER x", b"HEADER x ",
        b"BEFORE yesterday", b"BEFORE 31-Feb-2026", b"LARGER x", b"LARGER 9223372036854775808", b"KEYWORD",
        b"UID x", b"UID 0", b"1:x", b"0", b"NOT", b"NOT ", b"OR SEEN", b"OR SEEN ", b"()", b"(SEEN",
        b"(SEEN ALL", b"( SEEN)", b"SEEN  ALL", b"SEEN ", b'TEXT "\xff"', b"CHARSET UTF-8", b"CHARSET",
        b"SUBJECT {3}\r\na\0b", b"RETURN (ALL) SEEN", b"(" * (DEPTH + 1) + b"ALL" + b")" * (DEPTH + 1),
        b"NOT " * 10_000 + b"ALL", b"OR ALL " * 5_000 + b"ALL", b" ".join([b"ALL"] * (KEYS + 1)),
        b"(" + b" ".join([b"ALL"] * (KEYS + 1)) + b")",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(scanner_of(text))
    assert not isinstance(caught.value, BadCharset)


@pytest.mark.parametrize("text", [b"CHARSET KOI8-R ALL", b"CHARSET {1}\r\n\xff ALL"])
def test_a_charset_that_is_not_known_is_told_apart(text: bytes) -> None:
    with pytest.raises(BadCharset):
        parse(scanner_of(text))
