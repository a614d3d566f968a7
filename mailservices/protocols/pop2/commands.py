"""Commands of POP2 (RFC 937): one frozen dataclass each, one row of facts: where it is legal, how it is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.pop2 import session
from mailservices.protocols.pop2.session import States
from mailservices.protocols.pop3.commands import split

#: RFC 937: characters of a command line. The CR counts.
LINE_OCTETS: Final = 512
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
#: RFC 937: a backslash makes the next character one of the argument, such as a space or a backslash.
_ARGUMENT: Final = re.compile(r"(?:\\.|[^\\ ])+")
_QUOTED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Helo:
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Helo({self.user!r})"


@dataclass(frozen=True, slots=True)
class Fold:
    folder: str


@dataclass(frozen=True, slots=True)
class Read:
    """`number` is None for the current message."""

    number: int | None


@dataclass(frozen=True, slots=True)
class Retr:
    pass


@dataclass(frozen=True, slots=True)
class Acks:
    pass


@dataclass(frozen=True, slots=True)
class Ackd:
    pass


@dataclass(frozen=True, slots=True)
class Nack:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    pass


Command = Helo | Fold | Read | Retr | Acks | Ackd | Nack | Quit


@dataclass(frozen=True, slots=True)
class Spec:
    """The facts of one command."""

    states: States
    read: Callable[[list[str]], Command]


def _nothing(command: Command) -> Callable[[list[str]], Command]:
    def read(arguments: list[str]) -> Command:
        if arguments:
            raise ProtocolError("The command takes no argument.")
        return command

    return read


def _helo(arguments: list[str]) -> Helo:
    if len(arguments) != 2:
        raise ProtocolError("A name and a password are needed.")
    return Helo(*arguments)


def _fold(arguments: list[str]) -> Fold:
    if len(arguments) != 1:
        raise ProtocolError("A folder is needed.")
    return Fold(*arguments)


def _read(arguments: list[str]) -> Read:
    if not arguments:
        return Read(None)
    if len(arguments) > 1 or not _NUMBER.fullmatch(arguments[0]):
        raise ProtocolError("A message number is needed, or nothing.")
    return Read(int(arguments[0]))


COMMANDS: Final[dict[str, Spec]] = {
    "HELO": Spec(session.GREETS, _helo),
    "FOLD": Spec(session.OPENS, _fold),
    "READ": Spec(session.CHOOSES, _read),
    "RETR": Spec(session.SENDS, _nothing(Retr())),
    "ACKS": Spec(session.ACKNOWLEDGES, _nothing(Acks())),
    "ACKD": Spec(session.ACKNOWLEDGES, _nothing(Ackd())),
    "NACK": Spec(session.ACKNOWLEDGES, _nothing(Nack())),
    "QUIT": Spec(session.LEAVES, _nothing(Quit())),
}


def parse(line: bytes) -> tuple[str, Command]:
    """The command's name and the command.

    Raises:
        ProtocolError: not a command, or wrong arguments; the words may be shown.
    """
    name, rest = split(line)
    spec = COMMANDS.get(name)
    if spec is None:
        raise ProtocolError("The command is not known.")
    if _ARGUMENT.sub("", rest).strip(" "):
        raise ProtocolError("Nothing follows the backslash.")
    return name, spec.read([_QUOTED.sub(r"\1", argument) for argument in _ARGUMENT.findall(rest)])


def quote(argument: str) -> str:
    """An argument as a client writes it."""
    return re.sub(r"([\\ ])", r"\\\1", argument)
