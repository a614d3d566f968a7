"""SEARCH keys of RFC 9051 §6.4.4 and RFC 3501 §6.4.4, to the tree of mail/search.py."""

from collections.abc import Callable
from typing import Final

from mailservices.mail import flags
from mailservices.mail.errors import ProtocolError
from mailservices.mail.search import (
    All,
    And,
    Arrived,
    HasFlag,
    HasKeyword,
    InBody,
    InHeader,
    InSequence,
    InText,
    InUids,
    IsRecent,
    Key,
    Larger,
    Not,
    Or,
    Sent,
    Smaller,
    When,
)
from mailservices.protocols.imap.grammar import DEPTH, Scanner

#: Keys of one SEARCH.
KEYS: Final = 1000
CHARSETS: Final = ("US-ASCII", "UTF-8")

_FLAGS: Final = {
    "ANSWERED": flags.ANSWERED,
    "DELETED": flags.DELETED,
    "DRAFT": flags.DRAFT,
    "FLAGGED": flags.FLAGGED,
    "SEEN": flags.SEEN,
}

#: Keys without arguments.
_PLAIN: Final[dict[str, Key]] = {
    "ALL": All(),
    "NEW": And((IsRecent(), Not(HasFlag(flags.SEEN)))),
    "OLD": Not(IsRecent()),
    "RECENT": IsRecent(),
    **{name: HasFlag(bit) for name, bit in _FLAGS.items()},
    **{f"UN{name}": Not(HasFlag(bit)) for name, bit in _FLAGS.items()},
}

#: Keys with one argument: how it is read.
_READERS: Final[dict[str, Callable[[Scanner], Key]]] = {
    "BCC": lambda scanner: InHeader("bcc", scanner.text()),
    "CC": lambda scanner: InHeader("cc", scanner.text()),
    "FROM": lambda scanner: InHeader("from", scanner.text()),
    "SUBJECT": lambda scanner: InHeader("subject", scanner.text()),
    "TO": lambda scanner: InHeader("to", scanner.text()),
    "BODY": lambda scanner: InBody(scanner.text()),
    "TEXT": lambda scanner: InText(scanner.text()),
    "BEFORE": lambda scanner: Arrived(When.BEFORE, scanner.date()),
    "ON": lambda scanner: Arrived(When.ON, scanner.date()),
    "SINCE": lambda scanner: Arrived(When.SINCE, scanner.date()),
    "SENTBEFORE": lambda scanner: Sent(When.BEFORE, scanner.date()),
    "SENTON": lambda scanner: Sent(When.ON, scanner.date()),
    "SENTSINCE": lambda scanner: Sent(When.SINCE, scanner.date()),
    "KEYWORD": lambda scanner: HasKeyword(scanner.flag().decode("ascii")),
    "UNKEYWORD": lambda scanner: Not(HasKeyword(scanner.flag().decode("ascii"))),
    "LARGER": lambda scanner: Larger(scanner.number()),
    "SMALLER": lambda scanner: Smaller(scanner.number()),
    "UID": lambda scanner: InUids(scanner.number_set()),
}


class BadCharset(ProtocolError):
    """RFC 9051 §6.4.4: a charset that is not known gets NO [BADCHARSET]."""


def parse(scanner: Scanner) -> Key:
    """[CHARSET name] key *(key): all of them must hold.

    Raises:
        BadCharset, ProtocolError
    """
    keys: list[Key] = []
    first = _word(scanner)
    if first == "CHARSET":
        scanner.space()
        if scanner.astring().decode("ascii", "replace").upper() not in CHARSETS:
            raise BadCharset("The charset is not known.")
        scanner.space()
        first = _word(scanner)
    keys.append(_key(scanner, first, 0))
    while scanner.skip(b" "):
        keys.append(_key(scanner, _word(scanner), 0))
        if len(keys) > KEYS:
            raise ProtocolError("These are too many keys.")
    return keys[0] if len(keys) == 1 else And(tuple(keys))


def _word(scanner: Scanner) -> str:
    """The name of a key; empty where a set or a parenthesis stands instead."""
    if scanner.at_any_of(b"(0123456789*"):
        return ""
    return scanner.atom().decode("ascii").upper()


def _key(scanner: Scanner, word: str, depth: int) -> Key:
    if depth > DEPTH:
        raise ProtocolError("The keys are nested too deeply.")
    if not word:
        return _nested(scanner, depth) if scanner.skip(b"(") else InSequence(scanner.number_set())
    if word in _PLAIN:
        return _PLAIN[word]
    scanner.space()
    if word == "NOT":
        return Not(_key(scanner, _word(scanner), depth + 1))
    if word == "OR":
        left = _key(scanner, _word(scanner), depth + 1)
        scanner.space()
        return Or(left, _key(scanner, _word(scanner), depth + 1))
    if word == "HEADER":
        name = scanner.text().lower()
        scanner.space()
        return InHeader(name, scanner.text())
    if word not in _READERS:
        raise ProtocolError(f"The key {word} is not known.")
    return _READERS[word](scanner)


def _nested(scanner: Scanner, depth: int) -> Key:
    keys = [_key(scanner, _word(scanner), depth + 1)]
    while scanner.skip(b" "):
        keys.append(_key(scanner, _word(scanner), depth + 1))
        if len(keys) > KEYS:
            raise ProtocolError("These are too many keys.")
    scanner.expect(b")")
    return keys[0] if len(keys) == 1 else And(tuple(keys))
