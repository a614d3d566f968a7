"""NOTIFY: what a client wants to hear of while it asks nothing (RFC 5465)."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap import fetch
from mailservices.protocols.imap.fetch import Item
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.sources import Kind, Source, holds, read_source

#: Groups of one command.
GROUPS: Final = 100

_SET: Final = re.compile(rb" SET(?: (STATUS))?(?= \()", re.IGNORECASE)
_NONE: Final = re.compile(rb" NONE", re.IGNORECASE)


class Event(Enum):
    """RFC 5465 §5. The value is the name on the wire."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA = "MailboxMetadataChange"
    SERVER_METADATA = "ServerMetadataChange"


_EVENTS: Final = {event.value.upper(): event for event in Event}
_OF_MESSAGES: Final = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE})
_SELECTED: Final = (Kind.SELECTED, Kind.SELECTED_DELAYED)
_ANYBODYS: Final = (Kind.SUBSCRIBED, Kind.SUBTREE, Kind.MAILBOXES)
_SOURCES: Final = frozenset(Kind) - {Kind.SUBTREE_ONE}


@dataclass(frozen=True, slots=True)
class Group:
    """What is wanted of some folders.

    Attributes:
        items: what is to be fetched of new messages, in the selected folder only.
        unknown: it names events that there are not here.
    """

    source: Source
    events: frozenset[Event]
    items: tuple[Item, ...] = ()
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Notify:
    """Without groups, nothing is to be told. With `status`, how the folders stand is told at once."""

    groups: tuple[Group, ...] = ()
    status: bool = False

    @property
    def unknown(self) -> bool:
        return any(group.unknown for group in self.groups)

    @property
    def selected(self) -> Group | None:
        """What is wanted of the selected folder."""
        return next((group for group in self.groups if group.source.kind in _SELECTED), None)

    @property
    def elsewhere(self) -> bool:
        """Whether folders of others may be among those that are meant."""
        return any(group.source.kind in _ANYBODYS for group in self.groups)

    @property
    def everything(self) -> frozenset[Event]:
        """All events that are wanted of any other folder."""
        return frozenset[Event]().union(
            *(group.events for group in self.groups if group.source.kind not in _SELECTED)
        )

    def wanted(self, name: str, roles: Mapping[str, str], subscribed: AbstractSet[str]) -> frozenset[Event]:
        """The events that are wanted of a folder that is not selected; several groups add up (RFC 5465 §6)."""
        found = (group.events for group in self.groups if holds(group.source, name, roles, subscribed))
        return frozenset[Event]().union(*found)


Request = Notify


def read_notify(scanner: Scanner) -> Notify:
    """RFC 5465 §8 notify."""
    if scanner.take(_NONE):
        return Notify()
    match = scanner.take(_SET)
    if not match:
        raise ProtocolError("NONE, or SET and what is wanted, is needed.")
    groups: list[Group] = []
    while scanner.skip(b" ("):
        groups.append(_group(scanner))
        if len(groups) > GROUPS:
            raise ProtocolError("These are too many groups.")
    if sum(group.source.kind in _SELECTED for group in groups) > 1:
        raise ProtocolError("The selected folder is named once.")
    return Notify(tuple(groups), bool(match[1]))


def _group(scanner: Scanner) -> Group:
    """Behind the parenthesis that opens it, and up to the one that closes it."""
    source = read_source(scanner, _SOURCES)
    items: list[Item] = []
    names: list[Event | None] = []

    def event() -> None:
        word = scanner.atom().decode("ascii").upper()
        found = _EVENTS.get(word)
        names.append(found)
        if found is Event.MESSAGE_NEW and scanner.skip(b" ("):
            items.extend(fetch.parse_list(scanner))

    if not scanner.take(_NONE):
        scanner.space()
        if scanner.at_any_of(b"("):
            scanner.parenthesised(event)
        else:
            event()
    scanner.expect(b")")
    events = frozenset(one for one in names if one is not None)
    _check(source, events, items)
    return Group(source, events, tuple(items), None in names)


def _check(source: Source, events: frozenset[Event], items: list[Item]) -> None:
    """RFC 5465 §5, §6.1: which events go together, and where."""
    if events & _OF_MESSAGES and not {Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE} <= events:
        raise ProtocolError("MessageNew and MessageExpunge are wanted both or neither.")
    if source.kind in _SELECTED:
        if events - _OF_MESSAGES:
            raise ProtocolError("Of the selected folder only messages are told.")
    elif items:
        raise ProtocolError("Only of the selected folder messages are fetched.")
