"""What one IMAP session knows, and what all sessions of a process share."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate, Identity
from mailservices.config import Config
from mailservices.imap.inventories import Inventories
from mailservices.imap.kept import Indexed, Lines, Texts
from mailservices.imap.watch import Watch, Watching
from mailservices.net.connection import is_loopback
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.contexts import Context as SearchContext
from mailservices.protocols.imap.reader import Reader
from mailservices.protocols.imap.requests.notify import Event, Notify
from mailservices.protocols.imap.responses import Style
from mailservices.protocols.imap.session import Extension, State
from mailservices.protocols.imap.view import Expunged, Told, View
from mailservices.store.appender import Appender
from mailservices.store.mailboxes import Folder
from mailservices.store.pool import Pool
from mailservices.store.spool import Spool
from mailservices.store.withheld import Withheld


class Wire(Protocol):
    """What a session needs of its connection."""

    peer: str
    tls: bool

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    async def read(self, limit: float) -> bytes: ...

    async def wait(self, limit: float) -> None: ...

    async def begin_tls(self) -> None: ...

    async def begin_compression(self) -> None: ...

    def interrupt(self) -> None: ...

    @property
    def readable(self) -> bool: ...

    @property
    def compressed(self) -> bool: ...

    @property
    def secured(self) -> ssl.SSLObject | None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What all sessions of a process share."""

    config: Config
    pool: Pool
    appender: Appender
    gate: Gate
    watch: Watch
    #: Tells other sessions of (account, mailbox, modseq), after the commit.
    tell: Callable[[int, int, int], None]
    tls_offered: bool
    withheld: Withheld
    lines: Lines
    texts: Texts
    indexed: Indexed
    inventories: Inventories


@dataclass(slots=True)
class Selected:
    """The folder that is selected, and what the client knows of it."""

    #: Whose it is.
    account_id: int
    mailbox_id: int
    name: str
    read_only: bool
    view: View
    #: UIDs from here on are \\Recent to this session.
    recent_from: int
    watching: Watching
    #: What may be done with it (RFC 4314).
    rights: str
    #: UIDs that this reader has seen, where that is kept apart from the owner's \\Seen.
    seen: set[int] | None = None
    #: The message whose text was last asked for by itself.
    read: int = 0
    #: Searches whose results are kept up to date, by their tags.
    contexts: dict[bytes, SearchContext] = field(default_factory=dict)

    def leave(self, numbers: dict[int, int]) -> bytes:
        """REMOVEFROM for those of which an EXPUNGE is told next; `numbers` are theirs by UID (RFC 5267 §4.3.4)."""
        changes = [(one, one.remove(numbers)) for one in self.contexts.values()]
        told = [responses.context(one, b"REMOVEFROM", gone, numbers.__getitem__) for one, gone in changes if gone]
        return b"".join(told)


@dataclass(eq=False, slots=True)
class Listening:
    """What a client wants to hear of unasked (RFC 5465), and what it has heard of its folders so far."""

    wanted: Notify
    folders: dict[int, Folder] = field(default_factory=dict)
    #: Those of others, and of them those that may not be read.
    others: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    subscribed: set[str] = field(default_factory=set)
    #: Digests of annotations by folder and entry.
    noted: dict[tuple[int, str], str] = field(default_factory=dict)
    #: Folders of which there may be news; 0 stands for all.
    stirred: set[int] = field(default_factory=set)
    interrupt: Callable[[], None] = lambda: None

    def hear(self, mailbox_id: int, _modseq: int) -> None:
        """A nudge."""
        self.stirred.add(mailbox_id)
        self.interrupt()


@dataclass(slots=True)
class Session:
    """One client's session."""

    context: Context
    wire: Wire
    reader: Reader = field(default_factory=Reader)
    state: State = State.NOT_AUTHENTICATED
    identity: Identity | None = None
    selected: Selected | None = None
    #: What the client has switched on.
    enabled: set[Extension] = field(default_factory=set)
    #: The tag of the command that is being carried out.
    tag: bytes = b""
    #: Something changed in the selected folder, or may have.
    dirty: bool = False
    errors: int = 0
    #: What the client calls itself (RFC 2971), and capabilities that it is not offered.
    client_name: str = ""
    withheld: frozenset[str] = frozenset()
    #: None where the client is told what RFC 9051 says, and nothing else.
    listening: Listening | None = None
    #: The messages of an APPEND under way.
    spools: list[Spool] = field(default_factory=list)
    #: Octets of all of them but the first.
    more_octets: int = 0
    #: Between two commands, or in IDLE.
    idle: bool = True
    #: The service stops: no further command is begun.
    ending: bool = False

    @property
    def secure(self) -> bool:
        """Whether a password may be told: under TLS, or on this very machine."""
        return self.wire.tls or is_loopback(self.wire.peer)

    @property
    def client(self) -> Client:
        """Whom the auth room has before it."""
        return self.context.gate.meet(self.wire.peer, self.wire.secured)

    @property
    def private(self) -> bool:
        """Whether what she brings may be encrypted before it is stored: then it gets into no file."""
        return self.identity is not None and bool(self.identity.encrypts)

    @property
    def account_id(self) -> int:
        """Only asked for by commands that are legal once somebody has signed in."""
        if self.identity is None:
            raise RuntimeError("nobody has signed in")
        return self.identity.account_id

    @property
    def folder(self) -> Selected:
        """Only asked for by commands that are legal while a folder is selected."""
        if self.selected is None:
            raise RuntimeError("nothing is selected")
        return self.selected

    async def know(self) -> None:
        """Somebody has signed in, or the client has said what it is: what is withheld from them?"""
        account_id = self.identity.account_id if self.identity is not None else None
        self.withheld = await self.context.withheld.of(account_id, self.client_name)

    def say(self, octets: bytes) -> None:
        self.wire.write(octets)

    def tell(self, events: Sequence[Told], *, with_uid: bool = False) -> None:
        if events:
            if self.selected is not None and self.selected.contexts:
                gone = {one.uid: one.number for one in events if isinstance(one, Expunged)}
                self.say(self.selected.leave(gone))
            condstore, qresync = Extension.CONDSTORE in self.enabled, Extension.QRESYNC in self.enabled
            with_uid = with_uid or qresync or self.rev2 or self.listening is not None
            style = Style(with_uid, condstore, qresync or self.uid_only, self.uid_only)
            self.say(responses.told(events, style))

    @property
    def rev2(self) -> bool:
        """Whether the client has switched IMAP4rev2 on."""
        return Extension.REV2 in self.enabled

    @property
    def uid_only(self) -> bool:
        """Whether neither side says sequence numbers (RFC 9586 §3)."""
        return Extension.UIDONLY in self.enabled

    def hears(self, event: Event) -> bool:
        """Whether the client wants to hear this of the selected folder."""
        if self.listening is None:
            return True
        selected = self.listening.wanted.selected
        return selected is not None and event in selected.events

    @property
    def utf8(self) -> bool:
        """Whether it spells names of folders in UTF-8."""
        return self.rev2 or Extension.UTF8 in self.enabled

    def enable(self, extension: Extension) -> None:
        """RFC 7162 §3.1.2.1: whoever asks for modification sequences for the first time is told the folder's."""
        if extension is Extension.QRESYNC:
            self.enable(Extension.CONDSTORE)  # §3.2.3
        if extension is Extension.CONDSTORE and extension not in self.enabled and self.selected is not None:
            highest = b"HIGHESTMODSEQ %d" % self.selected.view.told_modseq
            self.say(responses.untagged("OK", "Modification sequences are told from now on.", highest))
        self.enabled.add(extension)

    def drop_spools(self) -> None:
        """The command that brought them has ended."""
        for spool in self.spools:
            spool.close()
        self.spools, self.more_octets = [], 0

    def changed(self, mailbox_id: int) -> None:
        """A nudge: called by the watch, for any folder of the account; 0 means all of them."""
        if self.selected is not None and mailbox_id in (0, self.selected.mailbox_id):
            self.dirty = True
            self.wire.interrupt()
