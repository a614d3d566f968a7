"""Commands: one frozen dataclass each, and one row of facts: where it is legal, how its arguments are read.

RFC 1939 §5 and §7, RFC 2449 (CAPA), RFC 2595 §4 (STLS), RFC 5034 (AUTH).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.pop3 import session
from mailservices.protocols.pop3.session import States

_NUMBER: Final = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Capa:
    pass


@dataclass(frozen=True, slots=True)
class Stls:
    pass


@dataclass(frozen=True, slots=True)
class User:
    name: str


@dataclass(frozen=True, slots=True)
class Pass:
    password: str

    def __repr__(self) -> str:
        return "Pass()"


@dataclass(frozen=True, slots=True)
class Auth:
    """`mechanism` is empty where the client asks for the list of them."""

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        return f"Auth({self.mechanism!r})"


@dataclass(frozen=True, slots=True)
class Stat:
    pass


@dataclass(frozen=True, slots=True)
class List:
    number: int | None


@dataclass(frozen=True, slots=True)
class Uidl:
    number: int | None


@dataclass(frozen=True, slots=True)
class Retr:
    number: int


@dataclass(frozen=True, slots=True)
class Top:
    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Dele:
    number: int


@dataclass(frozen=True, slots=True)
class Rset:
    pass


@dataclass(frozen=True, slots=True)
class Noop:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    pass


Command = Capa | Stls | User | Pass | Auth | Stat | List | Uidl | Retr | Top | Dele | Rset | Noop | Quit


@dataclass(frozen=True, slots=True)
class Spec:
    """The facts of one command."""

    states: States
    read: Callable[[str], Command]


def _nothing(command: Command) -> Callable[[str], Command]:
    def read(arguments: str) -> Command:
        if arguments:
            raise ProtocolError("The command takes no argument.")
        return command

    return read


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ProtocolError("A message number is needed.")
    return int(text)


def _user(arguments: str) -> User:
    if not arguments:
        raise ProtocolError("A name is needed.")
    return User(arguments)


def _auth(arguments: str) -> Auth:
    mechanism, space, initial = arguments.partition(" ")
    return Auth(mechanism.upper(), initial.encode() if space else None)


def _top(arguments: str) -> Top:
    number, _, lines = arguments.partition(" ")
    return Top(_number(number), _number(lines))


COMMANDS: Final[dict[str, Spec]] = {
    "CAPA": Spec(session.ANY, _nothing(Capa())),
    "STLS": Spec(session.STRANGER, _nothing(Stls())),
    "USER": Spec(session.NAMES, _user),
    # RFC 1939 §7: a password may hold spaces, so all of the line is one.
    "PASS": Spec(session.GIVES_PASSWORD, Pass),
    "AUTH": Spec(session.SIGNS_IN, _auth),
    "STAT": Spec(session.TRANSACTION, _nothing(Stat())),
    "LIST": Spec(session.TRANSACTION, lambda text: List(_number(text) if text else None)),
    "UIDL": Spec(session.TRANSACTION, lambda text: Uidl(_number(text) if text else None)),
    "RETR": Spec(session.TRANSACTION, lambda text: Retr(_number(text))),
    "TOP": Spec(session.TRANSACTION, _top),
    "DELE": Spec(session.TRANSACTION, lambda text: Dele(_number(text))),
    "RSET": Spec(session.TRANSACTION, _nothing(Rset())),
    "NOOP": Spec(session.TRANSACTION, _nothing(Noop())),
    "QUIT": Spec(session.LEAVES, _nothing(Quit())),
}


def parse(line: bytes) -> tuple[str, Command]:
    """The command's name and the command.

    Raises:
        ProtocolError: not a command, or wrong arguments; the words may be shown.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("The line is not UTF-8.") from error
    if "\0" in text:
        raise ProtocolError("The line holds NUL.")
    name, _, arguments = text.partition(" ")
    name = name.upper()
    spec = COMMANDS.get(name)
    if spec is None:
        raise ProtocolError("The command is not known.")
    return name, spec.read(arguments if name == "PASS" else arguments.strip())
