"""Commands about messages of the selected folder: search, fetch, change, copy, remove (RFC 9051 §6.4)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import Change, Flags
from mailservices.mail.search import Key
from mailservices.mail.sorting import SortKey
from mailservices.mail.threads import Algorithm
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap import fetch, search
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.sources import MULTISEARCH, Source, read_sources

Made = TypeVar("Made")
_Modifiers: TypeAlias = tuple[int | None, bool, search.Partial | None]

#: What is fetched is remembered: so many ways to say it, none longer than so many octets.
KNOWN: Final = 500
KNOWN_OCTETS: Final = 500

_IN: Final = re.compile(rb"IN \(", re.IGNORECASE)
_UNCHANGED_SINCE: Final = re.compile(rb"\(UNCHANGEDSINCE ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expunge:
    """UID EXPUNGE names its messages (RFC 4315); EXPUNGE means all."""

    messages: NumberSet | None


@dataclass(frozen=True, slots=True)
class Search:
    """`returns` is None where the answer shall be as RFC 3501 §7.2.5 says."""

    key: Key
    returns: search.Returns | None
    by_uid: bool


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """ESEARCH (RFC 7377); without sources it is the selected folder that is searched."""

    sources: tuple[Source, ...]
    key: Key
    returns: search.Returns


@dataclass(frozen=True, slots=True)
class CancelUpdate:
    """RFC 5267 §4.3.5; the tags of searching commands."""

    tags: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """RFC 5256 §3; `returns` is None where the answer shall be as that says, and not as RFC 5267 §3 does."""

    order: tuple[SortKey, ...]
    key: Key
    returns: search.Returns | None
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """RFC 5256 §3."""

    algorithm: Algorithm
    key: Key
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    """RFC 9051 §6.4.5.

    Attributes:
        changed_since: the modification sequence of RFC 7162 §3.1.4.1, None where there is none.
        vanished: whoever was expunged since then is to be told, too (§3.2.6).
        partial: so many of them only (RFC 9394 §3.3).
    """

    messages: NumberSet
    items: tuple[fetch.Item, ...]
    by_uid: bool
    changed_since: int | None = None
    vanished: bool = False
    partial: search.Partial | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """`unchanged_since` is the modification sequence of RFC 7162 §3.1.3, None where there is none."""

    messages: NumberSet
    change: Change
    flags: Flags
    silent: bool
    by_uid: bool
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    messages: NumberSet
    mailbox: str
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Move:
    messages: NumberSet
    mailbox: str
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Batches:
    """UIDBATCHES (RFC 9957 §3.1): of so many messages each, from which on to which; None: to the last."""

    size: int
    first: int = 1
    last: int | None = None


Request = Expunge | Search | MultiSearch | CancelUpdate | Sort | Thread | Fetch | Store | Copy | Move | Batches


def read_uid_expunge(scanner: Scanner) -> Expunge:
    scanner.space()
    return Expunge(scanner.number_set())


def read_search(*, by_uid: bool) -> Callable[[Scanner], Search]:
    def read(scanner: Scanner) -> Search:
        scanner.space()
        returns = search.returns(scanner)
        key = search.parse(scanner)
        search.check_relevancy(key, returns)
        return Search(key, returns, by_uid)

    return read


def read_multi_search(scanner: Scanner) -> MultiSearch:
    """RFC 7377 §4 esearch."""
    scanner.space()
    sources: tuple[Source, ...] = ()
    if scanner.take(_IN):
        sources = read_sources(scanner, MULTISEARCH)
        scanner.expect(b") ")
    returns = search.returns(scanner)
    key = search.parse(scanner)
    search.check_relevancy(key, returns)
    return MultiSearch(sources, key, returns or search.EVERYTHING)


def read_batches(scanner: Scanner) -> Batches:
    scanner.space()
    size = scanner.positive()
    if not scanner.skip(b" "):
        return Batches(size)
    first = scanner.positive()
    scanner.expect(b":")
    return Batches(size, first, scanner.positive())


def read_cancel_update(scanner: Scanner) -> CancelUpdate:
    tags = []
    while scanner.skip(b" "):
        tags.append(scanner.astring())
    if not tags:
        raise ProtocolError("A tag is needed.")
    return CancelUpdate(tuple(tags))


def read_sort(*, by_uid: bool) -> Callable[[Scanner], Sort]:
    def read(scanner: Scanner) -> Sort:
        scanner.space()
        returns = search.returns(scanner)
        order = search.sort_keys(scanner)
        scanner.space()
        key = search.parse_in_charset(scanner)
        search.check_relevancy(key, returns, order)
        return Sort(order, key, returns, by_uid)

    return read


def read_thread(*, by_uid: bool) -> Callable[[Scanner], Thread]:
    def read(scanner: Scanner) -> Thread:
        scanner.space()
        algorithm = search.algorithm(scanner)
        scanner.space()
        return Thread(algorithm, search.parse_in_charset(scanner), by_uid)

    return read


def read_fetch(*, by_uid: bool) -> Callable[[Scanner], Fetch]:
    def read(scanner: Scanner) -> Fetch:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        rest = scanner.rest(KNOWN_OCTETS)
        items, modifiers = _what(scanner, by_uid=by_uid) if rest is None else _known_what(rest, by_uid=by_uid)
        return Fetch(messages, items, by_uid, *modifiers)

    return read


@lru_cache(KNOWN)
def _known_what(rest: bytes, *, by_uid: bool) -> tuple[tuple[fetch.Item, ...], _Modifiers]:
    """The same of a command's last octets: programs ask for the same of one message after the other."""
    scanner = Scanner((rest,))
    what = _what(scanner, by_uid=by_uid)
    scanner.end()
    return what


def _what(scanner: Scanner, *, by_uid: bool) -> tuple[tuple[fetch.Item, ...], _Modifiers]:
    return fetch.parse(scanner), _fetch_modifiers(scanner, by_uid=by_uid)


def read_store(*, by_uid: bool) -> Callable[[Scanner], Store]:
    def read(scanner: Scanner) -> Store:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        since = _unchanged_since(scanner)
        name = scanner.store_item().upper()
        change = Change(name.removesuffix(b".SILENT").decode("ascii"))
        scanner.space()
        return Store(messages, change, scanner.flag_list(), name.endswith(b".SILENT"), by_uid, since)

    return read


def _fetch_modifiers(scanner: Scanner, *, by_uid: bool) -> _Modifiers:
    """RFC 7162 §7 fetch-modifier, RFC 9394 §4: since when, whether VANISHED is wanted (§3.2.6), and how many."""
    since: int | None = None
    partial: search.Partial | None = None
    vanished = False
    if not scanner.skip(b" ("):
        return since, vanished, partial
    while True:
        match scanner.atom().upper():
            case b"CHANGEDSINCE":
                scanner.space()
                since = scanner.modseq()
            case b"VANISHED":
                vanished = True
            case b"PARTIAL":
                scanner.space()
                partial = search.partial(scanner)
            case _:
                raise ProtocolError("The modifier is not known.")
        if scanner.skip(b")"):
            break
        scanner.space()
    if vanished and (since is None or not by_uid):
        raise ProtocolError("VANISHED belongs to UID FETCH with CHANGEDSINCE.")
    return since, vanished, partial


def _unchanged_since(scanner: Scanner) -> int | None:
    """RFC 7162 §7 store-modifier, and the space behind it."""
    if not scanner.take(_UNCHANGED_SINCE):
        return None
    since = scanner.modseq()
    scanner.expect(b") ")
    return since


def to_mailbox(make: Callable[[NumberSet, str, bool], Made], *, by_uid: bool) -> Callable[[Scanner], Made]:
    def read(scanner: Scanner) -> Made:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        return make(messages, scanner.mailbox(), by_uid)

    return read
