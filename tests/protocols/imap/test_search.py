"""SEARCH keys (RFC 9051 §6.4.4, RFC 3501 §6.4.4) to the tree."""

from datetime import date
from uuid import UUID

import pytest

from mailservices.mail import flags, uidset
from mailservices.mail.errors import ProtocolError
from mailservices.mail.search import (
    All,
    And,
    Arrived,
    ChangedSince,
    Fuzzy,
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
    OfContent,
    Older,
    Or,
    Saved,
    Sent,
    Smaller,
    When,
    Younger,
)
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap.grammar import DEPTH
from mailservices.protocols.imap.search import (
    EVERYTHING,
    KEYS,
    BadCharset,
    Partial,
    Result,
    Returns,
    parse,
    returns,
)
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
        (b"OLDER 3600", Older(3600)),
        (b"SAVEDBEFORE 1-Jul-2026", Saved(When.BEFORE, DAY)),
        (b"SAVEDON 1-Jul-2026", Saved(When.ON, DAY)),
        (b"SAVEDSINCE 1-Jul-2026", Saved(When.SINCE, DAY)),
        (b"SAVEDATESUPPORTED", All()),
        (b"EMAILID M01890a5dac96774bbcceb302099a8057", OfContent(UUID("01890a5dac96774bbcceb302099a8057"))),
        (b"EMAILID M1", Not(All())),
        (b"THREADID T1", Not(All())),
        (b"YOUNGER 4294967295", Younger(2**32 - 1)),
        (b"MODSEQ 7", ChangedSince(7)),
        (b'MODSEQ "/flags/\\\\draft" all 0', ChangedSince(0)),
        (b'MODSEQ "/flags/blue" Shared 12', ChangedSince(12)),
        (b"LARGER 7", Larger(7)),
        (b"SMALLER 7", Smaller(7)),
        (b"UID 1:3,*", InUids(SET)),
        (b"UIDAFTER 7", InUids(NumberSet(((8, 2**32 - 1),)))),
        (b"UIDAFTER 4294967295", Not(All())),
        (b"UIDBEFORE 7", InUids(NumberSet(((1, 6),)))),
        (b"UIDBEFORE 1", Not(All())),
        (b"FUZZY SUBJECT x", Fuzzy(InHeader("subject", "x"))),
        (b"FUZZY NOT (BODY x SEEN)", Not(And((Fuzzy(InBody("x")), SEEN)))),
        (b"FUZZY FUZZY TEXT x", Fuzzy(InText("x"))),
        (b'FUZZY TEXT "?" TEXT x', And((InText("?"), InText("x")))),
        (b"1:3,*", InSequence(SET)),
        (b"*", InSequence(uidset.parse(b"*"))),
        (b"$", InSequence(uidset.SAVED)),
        (b"OR UID $ $", Or(InUids(uidset.SAVED), InSequence(uidset.SAVED))),
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
        b"BEFORE yesterday", b"BEFORE 31-Feb-2026", b"LARGER x", b"OLDER 0", b"SAVEDON x", b"MODSEQ x",
        b'MODSEQ "/flags/" all 1', b'MODSEQ "/flags/a" none 1', b'MODSEQ "flags" all 1', b"YOUNGER x",
        b"YOUNGER 4294967296",
        b"LARGER 9223372036854775808", b"KEYWORD",
        b"UID x", b"UID 0", b"1:x", b"0", b"NOT", b"NOT ", b"OR SEEN", b"OR SEEN ", b"()", b"(SEEN",
        b"(SEEN ALL", b"( SEEN)", b"SEEN  ALL", b"SEEN ", b'TEXT "\xff"', b"CHARSET UTF-8", b"CHARSET",
        b"FUZZY", b"FUZZY ", b"FUZZY x", b"FUZZY " * (DEPTH + 2) + b"ALL", b"UIDAFTER 0", b"UIDBEFORE *",
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


FIRST_TWO, LAST_TWO = Partial(1, 2, False, b"1:2"), Partial(1, 2, True, b"-1:-2")


@pytest.mark.parametrize(
    ("partial", "some"),
    [
        (FIRST_TWO, [2, 5]), (LAST_TWO, [5, 7]), (Partial(2, 9, False, b""), [5, 7]),
        (Partial(4, 9, False, b""), []),
        (Partial(2, 9, True, b""), [2, 5]), (Partial(4, 9, True, b""), []), (Partial(3, 3, True, b""), [2]),
    ],
)  # fmt: skip
def test_some_of_the_results(partial: Partial, some: list[int]) -> None:
    """RFC 9394 §3.1: what is beyond them is nothing."""
    assert partial.of([2, 5, 7]) == some


@pytest.mark.parametrize(
    ("options", "partial", "saved"),
    [
        ({Result.SAVE, Result.PARTIAL}, LAST_TWO, [5, 7]),
        ({Result.SAVE, Result.PARTIAL, Result.MIN, Result.UPDATE}, LAST_TWO, [2, 5, 7]),
        ({Result.SAVE, Result.PARTIAL, Result.MAX}, FIRST_TWO, [2, 5, 7]),
        ({Result.SAVE, Result.RELEVANCY}, None, [2, 5, 7]),
        ({Result.SAVE, Result.PARTIAL, Result.COUNT}, FIRST_TWO, [2, 5, 7]),
    ],
)
def test_what_is_saved_of_some(options: set[Result], partial: Partial | None, saved: list[int]) -> None:
    """RFC 9394 §3.2."""
    assert Returns(frozenset(options), partial).ends([2, 5, 7]) == saved
    assert Returns(frozenset(options)).updates is (Result.UPDATE in options)


MIN, MAX, ALL, COUNT, SAVE = Result.MIN, Result.MAX, Result.ALL, Result.COUNT, Result.SAVE


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"ALL", None),
        (b"RETURN x", None),
        (b"RETURN () ", EVERYTHING),
        (b"RETURN (all) ", EVERYTHING),
        (
            b"RETURN (partial 9:2 COUNT update Context) ",
            Returns(
                frozenset({Result.PARTIAL, COUNT, Result.UPDATE, Result.CONTEXT}), Partial(2, 9, False, b"9:2")
            ),
        ),
        (b"RETURN (PARTIAL -1:-100) ", Returns(frozenset({Result.PARTIAL}), Partial(1, 100, True, b"-1:-100"))),
        (b"return (Min MAX COUNT Save MIN) ", Returns(frozenset({MIN, MAX, COUNT, SAVE}))),
    ],
)
def test_result_options(text: bytes, wanted: Returns | None) -> None:
    """RFC 4731 §3.1: an empty list means ALL."""
    scanner = scanner_of(text + b"ALL")
    assert returns(scanner) == wanted


@pytest.mark.parametrize(
    "text",
    [
        b"RETURN (PARTIAL) ALL",
        b"RETURN (PARTIAL 1) ALL",
        b"RETURN (PARTIAL 0:1) ALL",
        b"RETURN (PARTIAL -1:1) ALL",
        b"RETURN (PARTIAL 1:*) ALL",
        b"RETURN (ALL PARTIAL 1:2) ALL",
        b"RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL",
        b"RETURN (LAST) ALL",
        b"RETURN (MIN",
        b"RETURN (MIN)ALL",
        b"RETURN (MIN)",
        b"RETURN (",
    ],
)
def test_what_is_no_result_option_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        returns(scanner_of(text))


@pytest.mark.parametrize(
    ("options", "saved", "tells"),
    [
        ({SAVE}, [2, 5, 7], False),
        ({SAVE, ALL}, [2, 5, 7], True),
        ({SAVE, COUNT, MIN}, [2, 5, 7], True),
        ({SAVE, MIN}, [2], True),
        ({SAVE, MAX}, [7], True),
        ({SAVE, MIN, MAX}, [2, 7], True),
    ],
)
def test_what_is_saved(options: set[Result], saved: list[int], *, tells: bool) -> None:
    """RFC 5182 §2.4."""
    wanted = Returns(frozenset(options))
    assert wanted.saves
    assert wanted.tells is tells
    assert wanted.ends([2, 5, 7]) == saved
    assert wanted.ends([]) == []
    assert wanted.ends([3]) == [3]
