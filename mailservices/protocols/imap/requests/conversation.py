"""Commands about the session itself: who is there, and what may be done (RFC 9051 §6.1, §6.2, RFC 2177)."""

from dataclasses import dataclass

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.grammar import Scanner


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
class Unauthenticate:
    pass


@dataclass(frozen=True, slots=True)
class Compress:
    """RFC 4978 §3."""

    mechanism: bytes


@dataclass(frozen=True, slots=True)
class Enable:
    names: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Idle:
    pass


Request = (
    Capability | Noop | Logout | Id | StartTls | Login | Authenticate | Unauthenticate | Compress | Enable | Idle
)  # fmt: skip


def read_id(scanner: Scanner) -> Id:
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


def read_login(scanner: Scanner) -> Login:
    scanner.space()
    name = scanner.text()
    scanner.space()
    return Login(name, scanner.text())


def read_authenticate(scanner: Scanner) -> Authenticate:
    scanner.space()
    mechanism = scanner.atom().decode("ascii").upper()
    return Authenticate(mechanism, scanner.astring() if scanner.skip(b" ") else None)


def read_compress(scanner: Scanner) -> Compress:
    scanner.space()
    return Compress(scanner.atom().upper())


def read_enable(scanner: Scanner) -> Enable:
    found = []
    while scanner.skip(b" "):
        found.append(scanner.atom().upper())
    if not found:
        raise ProtocolError("A capability is needed.")
    return Enable(tuple(found))
