"""GETMETADATA and SETMETADATA: annotations of folders and of the server (RFC 5464)."""

import re
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.grammar import LARGEST_MODSEQ, Scanner

#: Entries of one command, and octets of one's name.
ENTRIES: Final = 100
NAME_OCTETS: Final = 500
#: RFC 5464 §4.2.2 DEPTH infinity.
ANY_DEPTH: Final = 1000

#: §3.2, §5 entry: levels of printable ASCII, without wildcards.
_ENTRY: Final = re.compile(
    r"/(?:private|shared)(?:/[^/*%\x00-\x20\x7f-\U0010ffff][^/*%\x00-\x1f\x7f-\U0010ffff]*)+"
)
_DEPTHS: Final = {b"0": 0, b"1": 1, b"INFINITY": ANY_DEPTH}


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """RFC 5464 §4.2.

    Attributes:
        mailbox: empty for the server's own.
        entries: in small letters, as they are compared (§3.2).
        largest: octets of a value; a larger one is left out.
        depth: levels below the entries that are asked for, too.
    """

    mailbox: str
    entries: tuple[str, ...]
    largest: int | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """RFC 5464 §4.3; a value that is None removes its entry."""

    mailbox: str
    values: tuple[tuple[str, bytes | None], ...]


Request = GetMetadata | SetMetadata


def read_get_metadata(scanner: Scanner) -> GetMetadata:
    """The options stand before the folder, as §5 says, or behind it, as the examples of §4.2 do."""
    scanner.space()
    largest, depth = _options(scanner)
    mailbox = scanner.mailbox()
    scanner.space()
    if scanner.take(_OPTIONS_AHEAD):
        largest, depth = _read_options(scanner)
        scanner.space()
    names = scanner.parenthesised(lambda: entry(scanner)) if scanner.at_any_of(b"(") else _row(scanner)
    if not 0 < len(names) <= ENTRIES:
        raise ProtocolError("These are too many entries, or none.")
    return GetMetadata(mailbox, tuple(dict.fromkeys(names)), largest, depth)


_OPTIONS_AHEAD: Final = re.compile(rb"\((?=[A-Za-z])")


def _row(scanner: Scanner) -> list[str]:
    """As some examples of RFC 5464 §4.4.1 have it: without parentheses."""
    names = [entry(scanner)]
    while scanner.skip(b" "):
        names.append(entry(scanner))
    return names


def _options(scanner: Scanner) -> tuple[int | None, int]:
    if not scanner.take(_OPTIONS_AHEAD):
        return None, 0
    found = _read_options(scanner)
    scanner.space()
    return found


def _read_options(scanner: Scanner) -> tuple[int | None, int]:
    """Behind the parenthesis that opens them."""
    largest: int | None = None
    depth = 0
    while True:
        word = scanner.atom().upper()
        scanner.space()
        if word == b"MAXSIZE":
            largest = scanner.number(LARGEST_MODSEQ)
        elif word == b"DEPTH" and (level := scanner.atom().upper()) in _DEPTHS:
            depth = _DEPTHS[level]
        else:
            raise ProtocolError("The option is not known.")
        if scanner.skip(b")"):
            return largest, depth
        scanner.space()


def read_set_metadata(scanner: Scanner) -> SetMetadata:
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()

    def pair() -> tuple[str, bytes | None]:
        name = entry(scanner)
        scanner.space()
        return name, scanner.nstring8()

    values = scanner.parenthesised(pair)
    if not 0 < len(values) <= ENTRIES:
        raise ProtocolError("These are too many entries, or none.")
    return SetMetadata(mailbox, tuple(dict(values).items()))


def entry(scanner: Scanner) -> str:
    """An entry's name in small letters (RFC 5464 §3.2).

    Raises:
        ProtocolError: none that can be.
    """
    name = scanner.astring().decode("utf-8", "replace").lower()
    if len(name) > NAME_OCTETS or not _ENTRY.fullmatch(name):
        raise ProtocolError("An entry such as /private/comment is needed.")
    return name
