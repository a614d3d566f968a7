"""Commands: one frozen dataclass each, and one row of facts: where it is legal, how its arguments are read.

RFC 1939 §5 and §7, RFC 2449 (CAPA), RFC 2595 §4 (STLS), RFC 5034 (AUTH), RFC 6856 (LANG, UTF8).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.pop3 import session
from mailservices.protocols.pop3.session import States

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
#: RFC 1939 §7: the MD5 digest in hexadecimal.
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
#: RFC 4647 §2.1: a basic language range.
_RANGE: Final = re.compile(r"\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


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
class Apop:
    name: str
    digest: str


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


@dataclass(frozen=True, slots=True)
class Lang:
    """`language` is a language range; None where the client asks for the list of them."""

    language: str | None


@dataclass(frozen=True, slots=True)
class Utf8:
    pass


Command = (
    Capa | Stls | User | Pass | Apop | Auth
    | Stat | List | Uidl | Retr | Top | Dele | Rset | Noop | Quit | Lang | Utf8
)  # fmt: skip


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


def _apop(arguments: str) -> Apop:
    name, _, digest = arguments.rpartition(" ")
    if not name or not _DIGEST.fullmatch(digest):
        raise ProtocolError("A name and a digest are needed.")
    return Apop(name.strip(), digest)


def _lang(arguments: str) -> Lang:
    if arguments and not _RANGE.fullmatch(arguments):
        raise ProtocolError("A language is needed, such as en.")
    return Lang(arguments.lower() or None)


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
    "APOP": Spec(session.SIGNS_IN, _apop),
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
    "LANG": Spec(session.ANY, _lang),
    "UTF8": Spec(session.PREPARES, _nothing(Utf8())),
}


def split(line: bytes) -> tuple[str, str]:
    """The command's name in capitals, and what follows it.

    Raises:
        ProtocolError
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("The line is not UTF-8.") from error
    if "\0" in text:
        raise ProtocolError("The line holds NUL.")
    name, _, rest = text.partition(" ")
    return name.upper(), rest


def parse(line: bytes) -> tuple[str, Command]:
    """The command's name and the command.

    Raises:
        ProtocolError: not a command, or wrong arguments; the words may be shown.
    """
    name, arguments = split(line)
    spec = COMMANDS.get(name)
    if spec is None:
        raise ProtocolError("The command is not known.")
    return name, spec.read(arguments if name == "PASS" else arguments.strip())
