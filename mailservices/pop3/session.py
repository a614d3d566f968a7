"""What one POP3 session knows, and what all sessions of a process share."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate, Identity
from mailservices.config import Config
from mailservices.mail.errors import MailError
from mailservices.net.connection import Closed, is_loopback
from mailservices.pop3.maildrop import Maildrop, Text
from mailservices.pop3.policies import Policies
from mailservices.protocols.pop3.reader import Reader
from mailservices.protocols.pop3.session import State
from mailservices.store.maildrops import Lists, Locks
from mailservices.store.pool import Pool

#: Octets of answers that are gathered before they are written.
WRITE_OCTETS = 64 * 1024


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
    policies: Policies
    locks: Locks
    lists: Lists
    #: Tells other sessions of (account, mailbox, modseq), after the commit.
    tell: Callable[[int, int, int], None]


@dataclass(slots=True)
class Session:
    """One client's session."""

    context: Context
    wire: Wire
    reader: Reader = field(default_factory=Reader)
    state: State = State.AUTHORIZATION
    #: RFC 1939 §7: what APOP's digest begins with; empty where the greeting had none.
    timestamp: str = ""
    #: What USER said.
    name: str = ""
    identity: Identity | None = None
    drop: Maildrop | None = None
    #: RFC 6856 §2.1: the client takes headers in UTF-8.
    utf8: bool = False
    errors: int = 0
    #: Answers that are not written yet: those to commands that were sent together leave together.
    out: list[bytes] = field(default_factory=list)
    #: Octets of these.
    octets: int = 0
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

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.out.append(piece)
            self.octets += len(piece)

    def tell(self, changed: Iterable[tuple[int, int]]) -> None:
        """Let others know of (folder, modseq) pairs, after the commit."""
        for mailbox_id, modseq in changed:
            self.context.tell(self.maildrop.held.account_id, mailbox_id, modseq)

    async def rest(self, text: Text) -> AsyncIterator[bytes]:
        """What comes after the first piece of a message's body, as fast as the client takes it.

        Raises:
            Closed: it cannot be read. What was said cannot be taken back: only a cut tells that it is not whole.
        """
        try:
            async for piece in self.maildrop.rest(text):
                await self.pour()
                yield piece
        except MailError as error:
            self.wire.abort()
            raise Closed from error

    async def pour(self) -> None:
        """Between two pieces of an answer: write once there is much, and wait for a client that is behind.

        Raises:
            Closed: it is gone.
        """
        if self.octets >= WRITE_OCTETS:
            await self.flush()

    async def flush(self) -> None:
        """The same, however little there is."""
        if self.out:
            self.wire.write(b"".join(self.out))
            self.out.clear()
            self.octets = 0
        await self.wire.drain()
