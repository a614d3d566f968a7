"""What one IMAP session knows, and what all sessions of a process share."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate, Identity
from mailservices.config import Config
from mailservices.imap.watch import Watch, Watching
from mailservices.net.connection import is_loopback
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.reader import Reader
from mailservices.protocols.imap.session import State
from mailservices.protocols.imap.view import Told, View
from mailservices.store.appender import Appender
from mailservices.store.pool import Pool
from mailservices.store.spool import Spool


class Wire(Protocol):
    """What a session needs of its connection."""

    peer: str
    tls: bool

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    async def read(self, limit: float) -> bytes: ...

    async def wait(self, limit: float) -> None: ...

    async def begin_tls(self) -> None: ...

    def interrupt(self) -> None: ...

    @property
    def readable(self) -> bool: ...

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


@dataclass(slots=True)
class Selected:
    """The folder that is selected, and what the client knows of it."""

    mailbox_id: int
    name: str
    read_only: bool
    view: View
    #: UIDs from here on are \\Recent to this session.
    recent_from: int
    watching: Watching


@dataclass(slots=True)
class Session:
    """One client's session."""

    context: Context
    wire: Wire
    reader: Reader = field(default_factory=Reader)
    state: State = State.NOT_AUTHENTICATED
    identity: Identity | None = None
    selected: Selected | None = None
    #: Something changed in the selected folder, or may have.
    dirty: bool = False
    errors: int = 0
    #: The message of an APPEND under way.
    spool: Spool | None = None
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

    def say(self, octets: bytes) -> None:
        self.wire.write(octets)

    def tell(self, events: list[Told], *, with_uid: bool = False) -> None:
        if events:
            self.say(responses.told(events, with_uid=with_uid))

    def changed(self, mailbox_id: int) -> None:
        """A nudge: called by the watch, for any folder of the account; 0 means all of them."""
        if self.selected is not None and mailbox_id in (0, self.selected.mailbox_id):
            self.dirty = True
            self.wire.interrupt()
