"""What one POP3 session knows, and what all sessions of a process share."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate, Identity
from mailservices.config import Config
from mailservices.net.connection import is_loopback
from mailservices.pop3.maildrop import Maildrop
from mailservices.protocols.pop3.reader import Reader
from mailservices.protocols.pop3.session import State
from mailservices.store.pool import Pool


class Wire(Protocol):
    """What a session needs of its connection."""

    peer: str
    tls: bool

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    async def read(self, limit: float) -> bytes: ...

    async def begin_tls(self) -> None: ...

    def abort(self) -> None: ...

    @property
    def readable(self) -> bool: ...

    @property
    def secured(self) -> ssl.SSLObject | None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What all sessions of a process share."""

    config: Config
    pool: Pool
    gate: Gate
    #: Tells other sessions of (account, mailbox, modseq), after the commit.
    tell: Callable[[int, int, int], None]


@dataclass(slots=True)
class Session:
    """One client's session."""

    context: Context
    wire: Wire
    reader: Reader = field(default_factory=Reader)
    state: State = State.AUTHORIZATION
    #: What USER said.
    name: str = ""
    identity: Identity | None = None
    drop: Maildrop | None = None
    errors: int = 0
    #: Between two commands.
    idle: bool = True
    #: The service stops.
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
    def maildrop(self) -> Maildrop:
        """Only asked for by commands that are legal once somebody has signed in."""
        if self.drop is None:
            raise RuntimeError("nobody has signed in")
        return self.drop
