"""COMMANDS, the table of protocol facts, and from parts to a command. What each command says is in requests/.

A row says how the command is read, in which states it is legal, and what it means for sequence numbers: expunges
may be told by every command but those that use sequence numbers (RFC 9051 §7.5.1).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap import search
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.reader import Part
from mailservices.protocols.imap.requests import acl, brought, conversation, folders, messages, metadata, notify
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
    SIGNS_OUT,
    States,
)


class Sequence(Enum):
    """What a command means for sequence numbers."""

    #: Expunges may be told with its answer.
    BREAKS = auto()
    #: They may not: the client counts by what it knew when it asked.
    USES = auto()


Command = (
    conversation.Request | folders.Request | acl.Request | metadata.Request | notify.Request
    | messages.Request | brought.Request
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


def _alone(make: Callable[[], Command]) -> Reader:
    return lambda _scanner: make()


_UIDS, _NUMBERS = True, False

#: RFC 9051 §6, RFC 3501 §6. FETCH, STORE and SEARCH by sequence number must not shift the numbers (§7.5.1).
COMMANDS: Final[dict[str, Spec]] = {
    "CAPABILITY": Spec(_alone(conversation.Capability), ANY),
    "NOOP": Spec(_alone(conversation.Noop), ANY),
    "LOGOUT": Spec(_alone(conversation.Logout), LEAVES),
    "ID": Spec(conversation.read_id, ANY),
    "STARTTLS": Spec(_alone(conversation.StartTls), NOT_AUTHENTICATED),
    "LOGIN": Spec(conversation.read_login, SIGNS_IN),
    "AUTHENTICATE": Spec(conversation.read_authenticate, SIGNS_IN),
    "UNAUTHENTICATE": Spec(_alone(conversation.Unauthenticate), SIGNS_OUT),
    "COMPRESS": Spec(conversation.read_compress, AUTHENTICATED),
    "ENABLE": Spec(conversation.read_enable, AUTHENTICATED),
    "SELECT": Spec(folders.read_select(read_only=False), SELECTS, failed=SELECTS_NOTHING),
    "EXAMINE": Spec(folders.read_select(read_only=True), SELECTS, failed=SELECTS_NOTHING),
    "CREATE": Spec(folders.read_create, AUTHENTICATED),
    "DELETE": Spec(folders.of_mailbox(folders.Delete), AUTHENTICATED),
    "RENAME": Spec(folders.read_rename, AUTHENTICATED),
    "SUBSCRIBE": Spec(folders.of_mailbox(folders.Subscribe), AUTHENTICATED),
    "UNSUBSCRIBE": Spec(folders.of_mailbox(folders.Unsubscribe), AUTHENTICATED),
    "LIST": Spec(folders.read_list, AUTHENTICATED),
    "LSUB": Spec(folders.of_pattern(folders.Lsub), AUTHENTICATED),
    "NAMESPACE": Spec(_alone(folders.Namespace), AUTHENTICATED),
    "STATUS": Spec(folders.read_status, AUTHENTICATED),
    "GETQUOTA": Spec(folders.read_get_quota, AUTHENTICATED),
    "GETQUOTAROOT": Spec(folders.of_mailbox(folders.GetQuotaRoot), AUTHENTICATED),
    "GETMETADATA": Spec(metadata.read_get_metadata, AUTHENTICATED),
    "SETMETADATA": Spec(metadata.read_set_metadata, AUTHENTICATED),
    "GETACL": Spec(folders.of_mailbox(acl.GetAcl), AUTHENTICATED),
    "SETACL": Spec(acl.read_set_acl, AUTHENTICATED),
    "DELETEACL": Spec(lambda scanner: acl.DeleteAcl(*acl.of_identifier(scanner)), AUTHENTICATED),
    "LISTRIGHTS": Spec(lambda scanner: acl.ListRights(*acl.of_identifier(scanner)), AUTHENTICATED),
    "MYRIGHTS": Spec(folders.of_mailbox(acl.MyRights), AUTHENTICATED),
    "NOTIFY": Spec(notify.read_notify, AUTHENTICATED),
    "APPEND": Spec(brought.read_append, AUTHENTICATED),
    # RFC 8508 §3.5; as MOVE, it tells its own expunge.
    "REPLACE": Spec(brought.read_replace(by_uid=_NUMBERS), SELECTED),
    "UID REPLACE": Spec(brought.read_replace(by_uid=_UIDS), SELECTED),
    "IDLE": Spec(_alone(conversation.Idle), AUTHENTICATED),
    "CHECK": Spec(_alone(folders.Check), SELECTED),
    "CLOSE": Spec(_alone(folders.Close), DESELECTS),
    "UNSELECT": Spec(_alone(folders.Unselect), DESELECTS),
    "EXPUNGE": Spec(_alone(lambda: messages.Expunge(None)), SELECTED),
    "UID EXPUNGE": Spec(messages.read_uid_expunge, SELECTED),
    "SEARCH": Spec(messages.read_search(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID SEARCH": Spec(messages.read_search(by_uid=_UIDS), SELECTED),
    "ESEARCH": Spec(messages.read_multi_search, AUTHENTICATED),
    "CANCELUPDATE": Spec(messages.read_cancel_update, SELECTED),
    "UIDBATCHES": Spec(messages.read_batches, SELECTED),
    # RFC 5256 §3: as SEARCH.
    "SORT": Spec(messages.read_sort(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID SORT": Spec(messages.read_sort(by_uid=_UIDS), SELECTED),
    "THREAD": Spec(messages.read_thread(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID THREAD": Spec(messages.read_thread(by_uid=_UIDS), SELECTED),
    "FETCH": Spec(messages.read_fetch(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID FETCH": Spec(messages.read_fetch(by_uid=_UIDS), SELECTED),
    "STORE": Spec(messages.read_store(by_uid=_NUMBERS), SELECTED, Sequence.USES),
    "UID STORE": Spec(messages.read_store(by_uid=_UIDS), SELECTED),
    "COPY": Spec(messages.to_mailbox(messages.Copy, by_uid=_NUMBERS), SELECTED),
    "UID COPY": Spec(messages.to_mailbox(messages.Copy, by_uid=_UIDS), SELECTED),
    "MOVE": Spec(messages.to_mailbox(messages.Move, by_uid=_NUMBERS), SELECTED),
    "UID MOVE": Spec(messages.to_mailbox(messages.Move, by_uid=_UIDS), SELECTED),
}
#: Those that name messages by sequence number: the others beside them say UID (RFC 9586 §3.1).
NUMBERED: Final = frozenset(name for name in COMMANDS if f"UID {name}" in COMMANDS) - {"EXPUNGE"}


def _unknown(_scanner: Scanner) -> Command:
    raise ProtocolError("The command is not known.")


_UNKNOWN: Final = Spec(_unknown, ANY)


def parse(parts: tuple[Part, ...], *, utf8: bool = False) -> Tagged:
    """The command in these parts; with `utf8`, from a client that spells names of folders so.

    Raises:
        BadCommand: it cannot be understood.
    """
    scanner = Scanner(parts, utf8=utf8)
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
