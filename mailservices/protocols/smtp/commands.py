"""Command lines to frozen commands (RFC 5321 §4.1.1). One dataclass and one row of COMMANDS for each verb.

A command line is ASCII, or UTF-8 where RFC 6531 allows it in addresses; anything else is a syntax error.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailservices.mail import codes
from mailservices.mail.address import Address, parse_path
from mailservices.mail.codes import Reply
from mailservices.mail.errors import ProtocolError

# RFC 5321 §4.1.1.2: one space may be missing, and clients put one behind the colon.
_PATH: Final = r': ?<((?:"(?:[^"\\]|\\.)*"|[^>"])*)>(?: (.*))?'
_MAIL: Final = re.compile("FROM" + _PATH, re.IGNORECASE)
_RCPT: Final = re.compile("TO" + _PATH, re.IGNORECASE)
_BDAT: Final = re.compile(r"([0-9]{1,20})( +LAST)?", re.IGNORECASE | re.ASCII)
_DOMAIN: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True, slots=True)
class Helo:
    name: str


@dataclass(frozen=True, slots=True)
class Ehlo:
    name: str


@dataclass(frozen=True, slots=True)
class Lhlo:
    """RFC 2033 §4.1: EHLO of LMTP."""

    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    """`sender` None is the null path; `parameters` are read by parameters.py."""

    sender: Address | None
    parameters: str


@dataclass(frozen=True, slots=True)
class Rcpt:
    recipient: Address
    parameters: str


@dataclass(frozen=True, slots=True)
class Data:
    pass


@dataclass(frozen=True, slots=True)
class Bdat:
    """RFC 3030 §2: so many octets follow, and more chunks after them."""

    octets: int


@dataclass(frozen=True, slots=True)
class LastBdat:
    """BDAT with LAST: so many octets follow, and the message is whole."""

    octets: int


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
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Vrfy:
    text: str


@dataclass(frozen=True, slots=True)
class Expn:
    text: str


@dataclass(frozen=True, slots=True)
class StartTls:
    pass


@dataclass(frozen=True, slots=True)
class Auth:
    """RFC 4954 §4: `initial` is None where the client waits for the challenge."""

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        return f"Auth({self.mechanism!r})"


Command = (
    Helo
    | Ehlo
    | Lhlo
    | Mail
    | Rcpt
    | Data
    | Bdat
    | LastBdat
    | Rset
    | Noop
    | Quit
    | Help
    | Vrfy
    | Expn
    | StartTls
    | Auth
)


class UnknownCommand(ProtocolError):
    """No such verb."""


class BadChunk(ProtocolError):
    """BDAT without a size: nobody knows where the next command begins."""


class BadAddress(ProtocolError):
    """The path of MAIL or RCPT is not one; `reply` says so."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.text)


def _helo(rest: str) -> Helo:
    return Helo(_name(rest))


def _ehlo(rest: str) -> Ehlo:
    return Ehlo(_name(rest))


def _lhlo(rest: str) -> Lhlo:
    return Lhlo(_name(rest))


def _name(rest: str) -> str:
    """Any word will do: RFC 5321 §4.1.4 forbids to refuse mail for it."""
    if not _DOMAIN.fullmatch(rest):
        raise ProtocolError("A name is needed.")
    return rest


def _mail(rest: str) -> Mail:
    match = _MAIL.fullmatch(rest)
    if not match:
        raise ProtocolError("MAIL FROM:<address> is needed.")
    return Mail(_path(match[1], codes.BAD_SENDER), match[2] or "")


def _rcpt(rest: str) -> Rcpt:
    match = _RCPT.fullmatch(rest)
    if not match:
        raise ProtocolError("RCPT TO:<address> is needed.")
    recipient = _path(match[1], codes.BAD_RECIPIENT)
    if recipient is None:
        raise BadAddress(codes.BAD_RECIPIENT)
    return Rcpt(recipient, match[2] or "")


def _path(text: str, refusal: Reply) -> Address | None:
    try:
        return parse_path(text)
    except ProtocolError as error:
        raise BadAddress(refusal) from error


def _alone(command: Callable[[], Command]) -> Callable[[str], Command]:
    """A command without arguments."""

    def read(rest: str) -> Command:
        if rest:
            raise ProtocolError("No argument is allowed.")
        return command()

    return read


def _bdat(rest: str) -> Bdat | LastBdat:
    match = _BDAT.fullmatch(rest)
    if not match:
        raise BadChunk("BDAT size [LAST] is needed.")
    return LastBdat(int(match[1])) if match[2] else Bdat(int(match[1]))


def _auth(rest: str) -> Auth:
    words = rest.split(" ")
    if not words[0] or len(words) > 2:
        raise ProtocolError("AUTH mechanism is needed.")
    return Auth(words[0].upper(), words[1].encode() if len(words) == 2 else None)


#: Verb -> reader of what follows it.
COMMANDS: Final[dict[str, Callable[[str], Command]]] = {
    "HELO": _helo,
    "EHLO": _ehlo,
    "LHLO": _lhlo,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": _alone(Data),
    "BDAT": _bdat,
    "RSET": _alone(Rset),
    "NOOP": lambda _rest: Noop(),
    "QUIT": _alone(Quit),
    "HELP": lambda _rest: Help(),
    "VRFY": Vrfy,
    "EXPN": Expn,
    "STARTTLS": _alone(StartTls),
    "AUTH": _auth,
}


def parse(line: bytes) -> Command:
    """The command of a line.

    Raises:
        UnknownCommand: no such verb.
        BadChunk: the size of a chunk cannot be read.
        BadAddress: the path of MAIL or RCPT is not one.
        ProtocolError: its arguments are not the grammar's.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("The line is not UTF-8.") from error
    verb, _, rest = text.partition(" ")
    reader = COMMANDS.get(verb.upper())
    if reader is None:
        raise UnknownCommand("The command is not known.")
    return reader(rest.strip(" \t"))
