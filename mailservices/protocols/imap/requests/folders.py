"""Commands about folders: open, close, make, list, ask (RFC 9051 §6.3, §6.4.1, §6.4.2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from mailservices.mail import uidset
from mailservices.mail.errors import ProtocolError
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.requests.metadata import ENTRIES, entry

Made = TypeVar("Made")

#: Patterns of one LIST.
PATTERNS: Final = 100
#: RFC 9051 §6.3.9.1, RFC 6154 §5.2; and §6.3.9.2.
SELECT_OPTIONS: Final = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
RETURN_OPTIONS: Final = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "STATUS", "METADATA", "MYRIGHTS"})
#: RFC 9051 §6.3.11, RFC 8438, RFC 7162 §3.1.7, RFC 9208 §4.1.4; RECENT is RFC 3501's.
STATUS_ITEMS: Final = frozenset(
    {"MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT", "HIGHESTMODSEQ", "MAILBOXID",
     "DELETED-STORAGE"}
)  # fmt: skip

_RETURN: Final = re.compile(rb" RETURN (?=\()", re.IGNORECASE)
_USE: Final = re.compile(rb" \(USE ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resync:
    """What a client that comes back knows (RFC 7162 §3.2.5); `known` are UIDs.

    The pairs of numbers and UIDs that it may add (`with_numbers`) are for servers that do not remember what they
    have expunged.
    """

    uidvalidity: int
    modseq: int
    known: NumberSet
    with_numbers: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """`condstore`: it asks for modification sequences (RFC 7162 §3.1.8)."""

    mailbox: str
    read_only: bool
    condstore: bool = False
    resync: Resync | None = None


@dataclass(frozen=True, slots=True)
class Create:
    mailbox: str
    #: RFC 6154 §3 USE, without the backslash; empty where absent.
    special_use: str


@dataclass(frozen=True, slots=True)
class Delete:
    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename:
    mailbox: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    mailbox: str


@dataclass(frozen=True, slots=True)
class List:
    """RFC 9051 §6.3.9.

    Attributes:
        select, returns: options, in capitals; `status` are the items of the return option STATUS (RFC 5819),
            `metadata` the entries of METADATA (RFC 9590 §3).
        extended: it is said in the syntax of RFC 5258, whose answers know more attributes.
    """

    reference: str
    patterns: tuple[str, ...]
    select: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset()
    status: tuple[str, ...] = ()
    extended: bool = False
    metadata: tuple[str, ...] = ()

    @property
    def recursive(self) -> bool:
        return "RECURSIVEMATCH" in self.select


@dataclass(frozen=True, slots=True)
class Lsub:
    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Namespace:
    pass


@dataclass(frozen=True, slots=True)
class Status:
    mailbox: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetQuota:
    """RFC 9208 §4.1.1."""

    root: bytes


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    """RFC 9208 §4.1.2."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Check:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    pass


@dataclass(frozen=True, slots=True)
class Unselect:
    pass


Request = (
    Select | Create | Delete | Rename | Subscribe | Unsubscribe | List | Lsub | Namespace
    | Status | GetQuota | GetQuotaRoot | Check | Close | Unselect
)  # fmt: skip


def of_mailbox(make: Callable[[str], Made]) -> Callable[[Scanner], Made]:
    def read(scanner: Scanner) -> Made:
        scanner.space()
        return make(scanner.mailbox())

    return read


def read_select(*, read_only: bool) -> Callable[[Scanner], Select]:
    def read(scanner: Scanner) -> Select:
        scanner.space()
        mailbox = scanner.mailbox()
        found = scanner.parenthesised(lambda: _parameter(scanner)) if scanner.skip(b" ") else []
        resyncs = [one for one in found if one is not None]
        return Select(mailbox, read_only, None in found, resyncs[-1] if resyncs else None)

    return read


def _parameter(scanner: Scanner) -> Resync | None:
    """CONDSTORE, which is None here, or QRESYNC with what belongs to it (RFC 7162 §7 select-param)."""
    word = scanner.atom().upper()
    if word == b"CONDSTORE":
        return None
    if word != b"QRESYNC":
        raise ProtocolError("The parameter is not known.")
    scanner.expect(b" (")
    uidvalidity = scanner.number(uidset.LARGEST)
    scanner.space()
    modseq, known = scanner.modseq(), uidset.EVERYTHING
    if scanner.skip(b" ") and not scanner.at_any_of(b"("):
        known = scanner.number_set()
        if scanner.skip(b" ") and not scanner.at_any_of(b"("):
            raise ProtocolError("Numbers and UIDs in parentheses are needed.")
    with_numbers = scanner.skip(b"(")
    if with_numbers:
        scanner.number_set()
        scanner.space()
        scanner.number_set()
        scanner.expect(b")")
    scanner.expect(b")")
    return Resync(uidvalidity, modseq, known, with_numbers)


def read_create(scanner: Scanner) -> Create:
    scanner.space()
    mailbox, use = scanner.mailbox(), ""
    if scanner.take(_USE):
        roles = scanner.parenthesised(scanner.flag)
        scanner.expect(b")")
        # Two roles are none that a folder of ours can have: the handler knows no such word.
        use = " ".join(role.removeprefix(b"\\").decode("ascii").capitalize() for role in roles)
    return Create(mailbox, use)


def read_rename(scanner: Scanner) -> Rename:
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    return Rename(mailbox, scanner.mailbox())


def read_list(scanner: Scanner) -> List:
    """RFC 5258 §6: [options] reference pattern or patterns [RETURN options]."""
    scanner.space()
    extended = scanner.at_any_of(b"(")
    select = frozenset(_options(scanner, SELECT_OPTIONS)) if extended else frozenset()
    if select and select <= {"RECURSIVEMATCH", "REMOTE"} and "RECURSIVEMATCH" in select:
        raise ProtocolError("RECURSIVEMATCH needs another option.")  # RFC 9051 §6.3.9.1
    if extended:
        scanner.space()
    reference = scanner.mailbox()
    scanner.space()
    if scanner.at_any_of(b"("):
        extended, patterns = True, tuple(scanner.parenthesised(scanner.list_mailbox))
        if not 0 < len(patterns) <= PATTERNS:
            raise ProtocolError("These are too many patterns, or none.")
    else:
        patterns = (scanner.list_mailbox(),)
    status: list[str] = []
    entries: list[str] = []
    returns: frozenset[str] = frozenset()
    if scanner.take(_RETURN):
        extended, returns = True, frozenset(_options(scanner, RETURN_OPTIONS, status, entries))
    return List(reference, patterns, select, returns, tuple(status), extended, tuple(dict.fromkeys(entries)))


def _options(
    scanner: Scanner, known: frozenset[str], status: list[str] | None = None, entries: list[str] | None = None
) -> list[str]:
    def option() -> str:
        word = scanner.atom().decode("ascii").upper()
        if word not in known:
            raise ProtocolError(f"The option {word} is not known.")
        if word == "STATUS" and status is not None:
            scanner.space()
            status.extend(_items(scanner))
        if word == "METADATA" and entries is not None:
            scanner.space()
            entries.extend(scanner.parenthesised(lambda: entry(scanner)))
            if not 0 < len(entries) <= ENTRIES:
                raise ProtocolError("These are too many entries, or none.")
        return word

    return scanner.parenthesised(option)


def of_pattern(make: Callable[[str, str], Made]) -> Callable[[Scanner], Made]:
    def read(scanner: Scanner) -> Made:
        scanner.space()
        reference = scanner.mailbox()
        scanner.space()
        return make(reference, scanner.list_mailbox())

    return read


def read_get_quota(scanner: Scanner) -> GetQuota:
    scanner.space()
    return GetQuota(scanner.astring())


def read_status(scanner: Scanner) -> Status:
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    return Status(mailbox, _items(scanner))


def _items(scanner: Scanner) -> tuple[str, ...]:
    """What STATUS shall tell."""
    items = tuple(item.decode("ascii").upper() for item in scanner.parenthesised(scanner.atom))
    if not items or set(items) - STATUS_ITEMS:
        raise ProtocolError("An item is needed, and one that is known.")
    return items
