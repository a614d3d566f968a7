"""Which folders a command is about: by name, below a name, or all of a kind (RFC 5465 §6, RFC 7377 §2.2)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import HIERARCHY, INBOX
from mailservices.protocols.imap.grammar import Scanner

#: Names of one source.
NAMES: Final = 1000


class Kind(Enum):
    """The value is the name on the wire."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    #: RFC 7377 §2.2: one level only.
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


_NAMED: Final = (Kind.SUBTREE, Kind.SUBTREE_ONE, Kind.MAILBOXES)
MULTISEARCH: Final = frozenset(Kind) - {Kind.SELECTED_DELAYED}


@dataclass(frozen=True, slots=True)
class Source:
    """RFC 5465 §8 filter-mailboxes."""

    kind: Kind
    names: tuple[str, ...] = ()


def read_sources(scanner: Scanner, allowed: AbstractSet[Kind]) -> tuple[Source, ...]:
    """One after the other, up to what is none.

    Raises:
        ProtocolError: a source that is not known or not allowed.
    """
    found = [read_source(scanner, allowed)]
    while scanner.skip(b" "):
        found.append(read_source(scanner, allowed))
        if len(found) > NAMES:
            raise ProtocolError("These are too many folders.")
    return tuple(found)


def read_source(scanner: Scanner, allowed: AbstractSet[Kind]) -> Source:
    try:
        kind = Kind(scanner.atom().upper())
    except ValueError:
        raise ProtocolError("The source is not known.") from None
    if kind not in allowed:
        raise ProtocolError("The source cannot stand here.")
    if kind not in _NAMED:
        return Source(kind)
    scanner.space()
    names = scanner.parenthesised(scanner.mailbox) if scanner.at_any_of(b"(") else [scanner.mailbox()]
    if not 0 < len(names) <= NAMES:
        raise ProtocolError("These are too many folders, or none.")
    return Source(kind, tuple(names))


def holds(source: Source, name: str, roles: Mapping[str, str], subscribed: AbstractSet[str]) -> bool:
    """Whether a folder is meant, whose role is in `roles`. The selected one is not known by its name."""
    match source.kind:
        case Kind.PERSONAL:
            return name in roles
        case Kind.INBOXES:
            # RFC 5465 §6.3: where mail is delivered to.
            return name == INBOX
        case Kind.SUBSCRIBED:
            return name in subscribed
        case Kind.MAILBOXES:
            return name in source.names
        case Kind.SUBTREE:
            return any(name == one or name.startswith(one + HIERARCHY) for one in source.names)
        case Kind.SUBTREE_ONE:
            return any(name == one or name.rpartition(HIERARCHY)[0] == one for one in source.names)
        case _:
            return False
