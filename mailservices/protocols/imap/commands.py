"""IMAP commands: a frozen dataclass for each, and COMMANDS, the table of protocol facts.

A row says how the command is read, in which states it is legal, and what it means for sequence numbers: expunges
may be told by every command but those that use sequence numbers (RFC 9051 §7.5.1).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.mail.flags import Change, Flags
from mailservices.mail.search import Key
from mailservices.mail.uidset import NumberSet
from mailservices.protocols.imap import fetch, search
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.reader import Literal, Part
from mailservices.protocols.imap.session import (
    ANY,
    AUTHENTICATED,
    DESELECTS,
    LEAVES,
    NOT_AUTHENTICATED,
    SELECTED,
    SELECTS,
    SELECTS_NOTHING,
    SIGNS_IN,
    States,
)

_USE: Final = re.compile(rb" \(USE ", re.IGNORECASE)


class Sequence(Enum):
    """What a command means for sequence numbers."""

    #: Expunges may be told with its answer.
    BREAKS = auto()
    #: They may not: the client counts by what it knew when it asked.
    USES = auto()


@dataclass(frozen=True, slots=True)
class Capability:
    pass


@dataclass(frozen=True, slots=True)
class Noop:
    pass


@dataclass(frozen=True, slots=True)
class Logout:
    pass


@dataclass(frozen=True, slots=True)
class Id:
    """RFC 2971; what the client tells of itself, None for NIL."""

    fields: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class StartTls:
    pass


@dataclass(frozen=True, slots=True)
class Login:
    name: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.name!r})"


@dataclass(frozen=True, slots=True)
class Authenticate:
    """`initial` is None where the client waits for the challenge (RFC 4959)."""

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        return f"Authenticate({self.mechanism!r})"


@dataclass(frozen=True, slots=True)
class Enable:
    names: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Select:
    mailbox: str
    read_only: bool


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
    reference: str
    pattern: str


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
class Append:
    """The message went where the shell sent it; `size` are its octets."""

    mailbox: str
    flags: Flags
    moment: datetime | None
    size: int


@dataclass(frozen=True, slots=True)
class Idle:
    pass


@dataclass(frozen=True, slots=True)
class Check:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    pass


@dataclass(frozen=True, slots=True)
class Unselect:
    pass


@dataclass(frozen=True, slots=True)
class Expunge:
    """UID EXPUNGE names its messages (RFC 4315); EXPUNGE means all."""

    messages: NumberSet | None


@dataclass(frozen=True, slots=True)
class Search:
    key: Key
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    messages: NumberSet
    items: tuple[fetch.Item, ...]
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Store:
    messages: NumberSet
    change: Change
    flags: Flags
    silent: bool
    by_uid: bool


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


Command = (
    Capability | Noop | Logout | Id | StartTls | Login | Authenticate | Enable | Select | Create | Delete | Rename
    | Subscribe | Unsubscribe | List | Lsub | Namespace | Status | Append | Idle | Check | Close | Unselect
    | Expunge | Search | Fetch | Store | Copy | Move
)  # fmt: skip

Reader = Callable[[Scanner], Command]


@dataclass(frozen=True, slots=True)
class Spec:
    """The protocol's facts about one command."""

    read: Reader
    #: In which states it is legal, and which follows when it succeeds.
    states: States
    sequence: Sequence = Sequence.BREAKS
    #: Which follows when it fails; empty: the same.
    failed: States = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A command as it came."""

    tag: bytes
    name: str
    command: Command
    spec: Spec


class BadCommand(ProtocolError):
    """The command cannot be understood; `tag` is what the answer begins with."""

    def __init__(self, tag: bytes, words: str) -> None:
        self.tag = tag
        super().__init__(words)


def _mailbox(make: Callable[[str], Command]) -> Reader:
    def read(scanner: Scanner) -> Command:
        scanner.space()
        return make(scanner.mailbox())

    return read


def _id(scanner: Scanner) -> Id:
    scanner.space()
    if scanner.skip(b"("):
        fields: list[bytes | None] = []
        while not scanner.skip(b")"):
            if fields:
                scanner.space()
            fields.append(scanner.nstring())
        return Id(tuple(fields))
    scanner.nstring()
    return Id(())


def _login(scanner: Scanner) -> Login:
    scanner.space()
    name = scanner.text()
    scanner.space()
    return Login(name, scanner.text())


def _authenticate(scanner: Scanner) -> Authenticate:
    scanner.space()
    mechanism = scanner.atom().decode("ascii").upper()
    return Authenticate(mechanism, scanner.astring() if scanner.skip(b" ") else None)


def _enable(scanner: Scanner) -> Enable:
    found = []
    while scanner.skip(b" "):
        found.append(scanner.atom().upper())
    if not found:
        raise ProtocolError("A capability is needed.")
    return Enable(tuple(found))


def _create(scanner: Scanner) -> Create:
    scanner.space()
    mailbox, use = scanner.mailbox(), ""
    if scanner.take(_USE):
        roles = scanner.parenthesised(scanner.flag)
        scanner.expect(b")")
        # Two roles are none that a folder of ours can have: the handler knows no such word.
        use = " ".join(role.removeprefix(b"\\").decode("ascii").capitalize() for role in roles)
    return Create(mailbox, use)


def _rename(scanner: Scanner) -> Rename:
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    return Rename(mailbox, scanner.mailbox())


def _list(make: Callable[[str, str], Command]) -> Reader:
    def read(scanner: Scanner) -> Command:
        scanner.space()
        reference = scanner.mailbox()
        scanner.space()
        return make(reference, scanner.list_mailbox())

    return read


def _status(scanner: Scanner) -> Status:
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    items = scanner.parenthesised(scanner.atom)
    if not items:
        raise ProtocolError("An item is needed.")
    return Status(mailbox, tuple(item.decode("ascii").upper() for item in items))


def _append(scanner: Scanner) -> Append:
    scanner.space()
    mailbox, flags, moment = scanner.mailbox(), Flags(), None
    scanner.space()
    if scanner.at_any_of(b"("):
        flags = scanner.flag_list()
        scanner.space()
    if scanner.at_any_of(b'"'):
        moment = scanner.date_time()
        scanner.space()
    return Append(mailbox, flags, moment, scanner.literal().size)


def _uid_expunge(scanner: Scanner) -> Expunge:
    scanner.space()
    return Expunge(scanner.number_set())


def _search(*, by_uid: bool) -> Reader:
    def read(scanner: Scanner) -> Search:
        scanner.space()
        return Search(search.parse(scanner), by_uid)

    return read


def _fetch(*, by_uid: bool) -> Reader:
    def read(scanner: Scanner) -> Fetch:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        return Fetch(messages, fetch.parse(scanner), by_uid)

    return read


def _store(*, by_uid: bool) -> Reader:
    def read(scanner: Scanner) -> Store:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        name = scanner.store_item().upper()
        change = Change(name.removesuffix(b".SILENT").decode("ascii"))
        scanner.space()
        return Store(messages, change, scanner.flag_list(), name.endswith(b".SILENT"), by_uid)

    return read


def _to_mailbox(make: Callable[[NumberSet, str, bool], Command], *, by_uid: bool) -> Reader:
    def read(scanner: Scanner) -> Command:
        scanner.space()
        messages = scanner.number_set()
        scanner.space()
        return make(messages, scanner.mailbox(), by_uid)

    return read


def _alone(make: Callable[[], Command]) -> Reader:
    return lambda _scanner: make()


_UIDS, _NUMBERS = True, False

#: RFC 9051 §6, RFC 3501 §6. FETCH, STORE and SEARCH by sequence number must not shift the numbers (§7.5.1).
COMMANDS: Final[dict[str, Spec]] = {
    "CAPABILITY": Spec(_alone(Capability), ANY),
    "NOOP": Spec(_alone(Noop), ANY),
    "LOGOUT": Spec(_alone(Logout), LEAVES),
    "ID": Spec(_id, ANY),
    "STARTTLS": Spec(_alone(StartTls), NOT_AUTHENTICATED),
    "LOGIN": Spec(_login, SIGNS_IN),
    "AUTHENTICATE": Spec(_authenticate, SIGNS_IN),
    "ENABLE": Spec(_enable, AUTHENTICATED),
    "SELECT": Spec(_mailbox(lambda name: Select(name, read_only=False)), SELECTS, failed=SELECTS_NOTHING),
    "EXAMINE": Spec(_mailbox(lambda name: Select(name, read_only=True)), SELECTS, failed=SELECTS_NOTHING),
    "CREATE": Spec(_create, AUTHENTICATED),
    "DELETE": Spec(_mailbox(Delete), AUTHENTICATED),
    "RENAME": Spec(_rename, AUTHENTICATED),
    "SUBSCRIBE": Spec(_mailbox(Subscribe), AUTHENTICATED),
    "UNSUBSCRIBE": Spec(_mailbox(Unsubscribe), AUTHENTICATED),
    "LIST": Spec(_list(List), AUTHENTICATED),
    "LSUB": Spec(_list(Lsub), AUTHENTICATED),
    "NAMESPACE": Spec(_alone(Namespace), AUTHENTICATED),
    "STATUS": Spec(_status, AUTHENTICATED),
    "APPEND": Spec(_append, AUTHENTICATED),
    "IDLE": Spec(_alone(Idle), AUTHENTICATED),
    "CHECK": Spec(_alone(Check), SELECTED),
    "CLOSE": Spec(_alone(Close), DESELECTS),
    "UNSELECT": Spec(_alone(Unselect), DESELECTS),
    "EXPUNGE": Spec(_alone(lambda: Expunge(None)), SELECTED),
    "UID EXPUNGE": Spec(_uid_expunge, SELECTED),
    "SEARCH": Spec(_search(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID SEARCH": Spec(_search(by_uid=_UIDS), SELECTED),
    "FETCH": Spec(_fetch(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID FETCH": Spec(_fetch(by_uid=_UIDS), SELECTED),
    "STORE": Spec(_store(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID STORE": Spec(_store(by_uid=_UIDS), SELECTED),
    "COPY": Spec(_to_mailbox(Copy, by_uid=_NUMBERS), SELECTED),
    "UID COPY": Spec(_to_mailbox(Copy, by_uid=_UIDS), SELECTED),
    "MOVE": Spec(_to_mailbox(Move, by_uid=_NUMBERS), SELECTED),
    "UID MOVE": Spec(_to_mailbox(Move, by_uid=_UIDS), SELECTED),
}


def _unknown(_scanner: Scanner) -> Command:
    raise ProtocolError("The command is not known.")


_UNKNOWN: Final = Spec(_unknown, ANY)


def parse(parts: tuple[Part, ...]) -> Tagged:
    """The command in these parts.

    Raises:
        BadCommand: it cannot be understood.
    """
    scanner = Scanner(parts)
    try:
        tag = scanner.tag()
    except ProtocolError as error:
        raise BadCommand(b"*", str(error)) from error
    try:
        scanner.space()
        name = scanner.atom().decode("ascii").upper()
        if name == "UID":
            scanner.space()
            name = f"UID {scanner.atom().decode('ascii').upper()}"
        spec = COMMANDS.get(name, _UNKNOWN)
        command = spec.read(scanner)
        scanner.end()
    except search.BadCharset:
        raise
    except ProtocolError as error:
        raise BadCommand(tag, str(error)) from error
    return Tagged(tag, name, command, spec)


def names_append(parts: tuple[Part, ...]) -> bool:
    """Whether the literal that is ahead of these parts is the message of an APPEND.

    Its mailbox may be a literal too, which then is the first one.
    """
    head = parts[0] if isinstance(parts[0], bytes) else b""
    words = head.split(b" ", 3)
    if len(words) < 3 or words[1].upper() != b"APPEND":
        return False
    return bool(words[2]) or any(isinstance(part, Literal) for part in parts)
