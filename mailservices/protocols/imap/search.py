"""What SEARCH asks for: result options (RFC 4731 §3.1, RFC 5182 §2.1), and keys, to the tree of mail/search.py
(RFC 9051 §6.4.4, RFC 3501 §6.4.4).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailservices.mail import flags, object_id, uidset
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
    asks_for,
    replaced,
)
from mailservices.mail.sorting import By, SortKey
from mailservices.mail.threads import Algorithm
from mailservices.mail.wording import words
from mailservices.protocols.imap.grammar import DEPTH, Scanner

#: Keys of one SEARCH.
KEYS: Final = 1000
CHARSETS: Final = ("US-ASCII", "UTF-8")

#: RFC 7162 §7 entry-flag-name, to its closing quote and the space behind it.
_ENTRY: Final = re.compile(rb'(?:\\\\)?[A-Za-z0-9$_.-]+" ')
_PARTIAL: Final = re.compile(rb"(-?)([1-9]\d{0,9}):(-?)([1-9]\d{0,9})(?!\d)")
_RETURN: Final = re.compile(rb"RETURN (?=\()", re.IGNORECASE)

_FLAGS: Final = {
    "ANSWERED": flags.ANSWERED,
    "DELETED": flags.DELETED,
    "DRAFT": flags.DRAFT,
    "FLAGGED": flags.FLAGGED,
    "SEEN": flags.SEEN,
}

#: Keys without arguments.
_PLAIN: Final[dict[str, Key]] = {
    "ALL": All(),
    "NEW": And((IsRecent(), Not(HasFlag(flags.SEEN)))),
    "OLD": Not(IsRecent()),
    "RECENT": IsRecent(),
    "SAVEDATESUPPORTED": All(),  # RFC 8514 §4.3: here it is kept of every message
    **{name: HasFlag(bit) for name, bit in _FLAGS.items()},
    **{f"UN{name}": Not(HasFlag(bit)) for name, bit in _FLAGS.items()},
}


_NONE: Final = Not(All())


def _email_id(scanner: Scanner) -> Key:
    """RFC 8474 §5.4; what is no identifier of ours names no message."""
    found = object_id.content_id(scanner.atom().decode("ascii"))
    return OfContent(found) if found else _NONE


def _thread_id(scanner: Scanner) -> Key:
    """No message has one."""
    scanner.atom()
    return _NONE


def _modseq(scanner: Scanner) -> int:
    """RFC 7162 §3.1.5: whichever flag is named before it, here a message has one modification sequence."""
    if scanner.skip(b'"'):
        scanner.expect(b"/flags/")
        if not scanner.take(_ENTRY):
            raise ProtocolError("A flag is needed.")
        if scanner.atom().lower() not in (b"priv", b"shared", b"all"):
            raise ProtocolError("priv, shared or all is needed.")
        scanner.space()
    return scanner.modseq()


def _uids(first: int, last: int) -> Key:
    return InUids(uidset.NumberSet(((first, last),))) if first <= last else _NONE


#: Keys with one argument: how it is read.
_READERS: Final[dict[str, Callable[[Scanner], Key]]] = {
    "BCC": lambda scanner: InHeader("bcc", scanner.text()),
    "CC": lambda scanner: InHeader("cc", scanner.text()),
    "FROM": lambda scanner: InHeader("from", scanner.text()),
    "SUBJECT": lambda scanner: InHeader("subject", scanner.text()),
    "TO": lambda scanner: InHeader("to", scanner.text()),
    "BODY": lambda scanner: InBody(scanner.text()),
    "TEXT": lambda scanner: InText(scanner.text()),
    "BEFORE": lambda scanner: Arrived(When.BEFORE, scanner.date()),
    "ON": lambda scanner: Arrived(When.ON, scanner.date()),
    "SINCE": lambda scanner: Arrived(When.SINCE, scanner.date()),
    "SAVEDBEFORE": lambda scanner: Saved(When.BEFORE, scanner.date()),
    "SAVEDON": lambda scanner: Saved(When.ON, scanner.date()),
    "SAVEDSINCE": lambda scanner: Saved(When.SINCE, scanner.date()),
    "SENTBEFORE": lambda scanner: Sent(When.BEFORE, scanner.date()),
    "SENTON": lambda scanner: Sent(When.ON, scanner.date()),
    "SENTSINCE": lambda scanner: Sent(When.SINCE, scanner.date()),
    "KEYWORD": lambda scanner: HasKeyword(scanner.flag().decode("ascii")),
    "UNKEYWORD": lambda scanner: Not(HasKeyword(scanner.flag().decode("ascii"))),
    # RFC 5032 §4
    "OLDER": lambda scanner: Older(scanner.positive()),
    "YOUNGER": lambda scanner: Younger(scanner.positive()),
    "EMAILID": _email_id,
    "THREADID": _thread_id,
    "MODSEQ": lambda scanner: ChangedSince(_modseq(scanner)),
    "LARGER": lambda scanner: Larger(scanner.number()),
    "SMALLER": lambda scanner: Smaller(scanner.number()),
    "UID": lambda scanner: InUids(scanner.number_set()),
    # RFC 9738 §3.4
    "UIDAFTER": lambda scanner: _uids(scanner.positive() + 1, uidset.LARGEST),
    "UIDBEFORE": lambda scanner: _uids(1, scanner.positive() - 1),
}


class Result(Enum):
    """A result option."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"
    #: RFC 9394 §3.1, RFC 5267 §4.4.
    PARTIAL = b"PARTIAL"
    #: RFC 5267 §4.3.
    UPDATE = b"UPDATE"
    #: RFC 5267 §4.2: a hint that more will be asked of this.
    CONTEXT = b"CONTEXT"
    #: RFC 6203 §4.
    RELEVANCY = b"RELEVANCY"


@dataclass(frozen=True, slots=True)
class Partial:
    """Some of the results: from the first on, or counted from the last (RFC 9394 §3.1). `words` as they came."""

    first: int
    last: int
    from_end: bool
    words: bytes

    def of(self, found: Sequence[int]) -> Sequence[int]:
        if not self.from_end:
            return found[self.first - 1 : self.last]
        return found[max(0, len(found) - self.last) : max(0, len(found) - self.first + 1)]


@dataclass(frozen=True, slots=True)
class Returns:
    """RETURN ( ... ): what the answer shall tell."""

    options: frozenset[Result]
    partial: Partial | None = None

    @property
    def saves(self) -> bool:
        return Result.SAVE in self.options

    @property
    def updates(self) -> bool:
        return Result.UPDATE in self.options

    @property
    def tells(self) -> bool:
        """Whether there is an answer at all: none where the result is only saved (RFC 5182 §2.1)."""
        return self.options != {Result.SAVE}

    def ends(self, found: Sequence[int]) -> Sequence[int]:
        """What "$" stands for afterwards (RFC 5182 §2.4, RFC 9394 §3.2): all, unless some alone were asked for."""
        wanted = self.options - {Result.SAVE, Result.UPDATE, Result.CONTEXT, Result.RELEVANCY}
        if not found or not wanted or wanted - {Result.MIN, Result.MAX, Result.PARTIAL}:
            return found
        some = set(self.partial.of(found)) if self.partial else set()
        some |= {found[0]} if Result.MIN in wanted else set()
        return sorted(some | {found[-1]} if Result.MAX in wanted else some)


#: RFC 4731 §3.1: an empty list means ALL; IMAP4rev2 means it without any list (RFC 9051 §6.4.4).
EVERYTHING: Final = Returns(frozenset({Result.ALL}))


class BadCharset(ProtocolError):
    """RFC 9051 §6.4.4: a charset that is not known gets NO [BADCHARSET]."""


def returns(scanner: Scanner) -> Returns | None:
    """RETURN (options) and the space behind it, where it is there.

    Raises:
        ProtocolError: an option that is not known.
    """
    if not scanner.take(_RETURN):
        return None
    partials: list[Partial] = []
    options = frozenset(scanner.parenthesised(lambda: _option(scanner, partials)))
    scanner.space()
    if len(partials) + (Result.ALL in options) > 1:
        raise ProtocolError("Either ALL or one PARTIAL is told.")  # RFC 9394 §3.1
    return Returns(options, partials[0] if partials else None) if options else EVERYTHING


def check_relevancy(key: Key, returns: Returns | None, order: Sequence[SortKey] = ()) -> None:
    """RFC 6203 §4 and §6: how well something fits is asked of a fuzzy search alone.

    Raises:
        ProtocolError
    """
    asked = returns is not None and Result.RELEVANCY in returns.options
    if (asked or any(one.by is By.RELEVANCY for one in order)) and not asks_for(key, (Fuzzy,)):
        raise ProtocolError("RELEVANCY belongs to a FUZZY search.")


def _option(scanner: Scanner, partials: list[Partial]) -> Result:
    try:
        option = Result(scanner.atom().upper())
    except ValueError:
        raise ProtocolError("The result option is not known.") from None
    if option is Result.PARTIAL:
        scanner.space()
        partials.append(partial(scanner))
    return option


def partial(scanner: Scanner) -> Partial:
    """1:100, or -1:-100 (RFC 9394 §4 partial-range).

    Raises:
        ProtocolError
    """
    match = scanner.take(_PARTIAL)
    if not match or bool(match[1]) is not bool(match[3]):
        raise ProtocolError("A range such as 1:100 or -1:-100 is needed.")
    first, last = sorted((int(match[2]), int(match[4])))
    return Partial(first, last, bool(match[1]), match[0])


def sort_keys(scanner: Scanner) -> tuple[SortKey, ...]:
    """( [REVERSE] criterion ... ), each once (RFC 5256 §5 sort-criteria, RFC 5957 §5).

    Raises:
        ProtocolError: none, or one that is not known.
    """
    keys = tuple(dict.fromkeys(scanner.parenthesised(lambda: _sort_key(scanner))))
    if not keys:
        raise ProtocolError("A criterion is needed.")
    return keys


def _sort_key(scanner: Scanner) -> SortKey:
    word = scanner.atom().upper()
    reverse = word == b"REVERSE"
    if reverse:
        scanner.space()
        word = scanner.atom().upper()
    try:
        return SortKey(By(word), reverse)
    except ValueError:
        raise ProtocolError("The criterion is not known.") from None


def algorithm(scanner: Scanner) -> Algorithm:
    """RFC 5256 §5 thread-alg.

    Raises:
        ProtocolError: not known.
    """
    try:
        return Algorithm(scanner.atom().upper())
    except ValueError:
        raise ProtocolError("The algorithm is not known.") from None


def parse(scanner: Scanner) -> Key:
    """[CHARSET name] key *(key): all of them must hold.

    Raises:
        BadCharset, ProtocolError
    """
    first = _word(scanner)
    if first == "CHARSET":
        scanner.space()
        return parse_in_charset(scanner)
    return _all_of(scanner, first)


def parse_in_charset(scanner: Scanner) -> Key:
    """charset key *(key), as SORT and THREAD want it (RFC 5256 §5 search-criteria).

    Raises:
        BadCharset, ProtocolError
    """
    if scanner.astring().decode("ascii", "replace").upper() not in CHARSETS:
        raise BadCharset("The charset is not known.")
    scanner.space()
    return _all_of(scanner, _word(scanner))


def _all_of(scanner: Scanner, first: str) -> Key:
    keys = [_key(scanner, first, 0)]
    while scanner.skip(b" "):
        keys.append(_key(scanner, _word(scanner), 0))
        if len(keys) > KEYS:
            raise ProtocolError("These are too many keys.")
    return keys[0] if len(keys) == 1 else And(tuple(keys))


def _word(scanner: Scanner) -> str:
    """The name of a key; empty where a set or a parenthesis stands instead."""
    if scanner.at_any_of(b"(0123456789*$"):
        return ""
    return scanner.atom().decode("ascii").upper()


def _key(scanner: Scanner, word: str, depth: int) -> Key:
    if depth > DEPTH:
        raise ProtocolError("The keys are nested too deeply.")
    if not word:
        return _nested(scanner, depth) if scanner.skip(b"(") else InSequence(scanner.number_set())
    if word in _PLAIN:
        return _PLAIN[word]
    scanner.space()
    if word == "NOT":
        return Not(_key(scanner, _word(scanner), depth + 1))
    if word == "FUZZY":
        return replaced(_key(scanner, _word(scanner), depth + 1), _fuzzy)
    if word == "OR":
        left = _key(scanner, _word(scanner), depth + 1)
        scanner.space()
        return Or(left, _key(scanner, _word(scanner), depth + 1))
    if word == "HEADER":
        name = scanner.text().lower()
        scanner.space()
        return InHeader(name, scanner.text())
    if word not in _READERS:
        raise ProtocolError(f"The key {word} is not known.")
    return _READERS[word](scanner)


def _fuzzy(leaf: Key) -> Key:
    """RFC 6203 §5: what is no text is compared as ever, and so is a text without words."""
    return Fuzzy(leaf) if isinstance(leaf, InHeader | InBody | InText) and words(leaf.text) else leaf


def _nested(scanner: Scanner, depth: int) -> Key:
    keys = [_key(scanner, _word(scanner), depth + 1)]
    while scanner.skip(b" "):
        keys.append(_key(scanner, _word(scanner), depth + 1))
        if len(keys) > KEYS:
            raise ProtocolError("These are too many keys.")
    scanner.expect(b")")
    return keys[0] if len(keys) == 1 else And(tuple(keys))
