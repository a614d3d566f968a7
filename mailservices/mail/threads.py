"""Conversations: which message answers which (RFC 5256 §3 THREAD). Pure; strangers write what it goes by.

Threads may be as deep as a folder has messages: nothing here calls itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Algorithm(Enum):
    """The value is its name on the wire."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"
    #: As REFERENCES, but subjects join nothing, and the thread that something came into last stands last. Within a
    #: thread they are in the order in which they were sent.
    REFS = b"REFS"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message: its UID, what mail/gist.py says of it, when it was sent and when it arrived."""

    uid: int
    subject: str
    is_reply: bool
    message_id: str
    references: tuple[str, ...]
    sent: datetime
    arrived: datetime


class Node:
    """A place in a thread. Without an entry it stands for a message that is not there."""

    __slots__ = ("children", "entry", "parent")

    def __init__(self, entry: Entry | None = None) -> None:
        self.entry = entry
        self.parent: Node | None = None
        #: In the order in which they came; the values tell nothing.
        self.children: dict[Node, None] = {}

    def adopt(self, child: "Node") -> None:
        if child.parent is not None:
            del child.parent.children[child]
        child.parent = self
        self.children[child] = None

    def is_above(self, other: "Node") -> bool:
        """Whether it is the other or one of its ancestors."""
        place: Node | None = other
        # Whoever has no children is above nobody: so it is nearly always, and the way up may be long.
        if not self.children:
            return self is other
        while place is not None and place is not self:
            place = place.parent
        return place is self

    @property
    def first(self) -> Entry:
        """Its entry, or its first child's."""
        return self.entry or next(iter(self.children)).first

    @property
    def is_reply(self) -> bool:
        return self.entry is not None and self.entry.is_reply


def thread(algorithm: Algorithm, entries: Iterable[Entry]) -> list[Node]:
    """The heads of the threads of these messages, in the order in which they are told.

    A node without an entry is a head only, and has two children at least.
    """
    if algorithm is Algorithm.ORDEREDSUBJECT:
        return _by_subject(entries)
    roots = _pruned(_linked(entries))
    if algorithm is Algorithm.REFS:
        _sort_siblings(roots)
        latest = {root: max(_arrived(node) for node in _below([root])) for root in roots}
        return sorted(roots, key=latest.__getitem__)
    for root in roots:
        if root.entry is None:
            _sort_children(root)
    roots = _merged(sorted(roots, key=_sent))
    _sort_siblings(roots)
    return sorted(roots, key=_sent)


def _by_subject(entries: Iterable[Entry]) -> list[Node]:
    heads: dict[str, Node] = {}
    for entry in sorted(entries, key=lambda one: (one.sent, one.uid)):
        node = Node(entry)
        if (head := heads.setdefault(entry.subject, node)) is not node:
            head.adopt(node)
    return list(heads.values())


def _linked(entries: Iterable[Entry]) -> list[Node]:
    """RFC 5256 §3 THREAD (1), (2): every node that has no parent."""
    known: dict[str, Node] = {}
    nodes: list[Node] = []

    def of(message_id: str) -> Node:
        node = known.get(message_id)
        if node is None:
            node = known[message_id] = Node()
            nodes.append(node)
        return node

    for entry in sorted(entries, key=lambda one: one.uid):
        node = of(entry.message_id) if entry.message_id else None
        if node is None or node.entry is not None:
            # No id, or one that an earlier message has: it is like nobody's.
            node = Node()
            nodes.append(node)
        node.entry = entry
        above: Node | None = None
        for reference in map(of, entry.references):
            if above is not None and reference.parent is None and not reference.is_above(above):
                above.adopt(reference)
            above = reference
        if node.parent is not None:
            # Somebody else's guess; this message itself knows better.
            del node.parent.children[node]
            node.parent = None
        if above is not None and not node.is_above(above):
            above.adopt(node)
    return [node for node in nodes if node.parent is None]


def _below(roots: Iterable[Node]) -> Iterator[Node]:
    """All nodes, each before those below it."""
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def _pruned(roots: list[Node]) -> list[Node]:
    """(3): nodes without a message give way to their children; at the head only to an only child."""
    for node in reversed(list(_below(roots))):
        if any(child.entry is None for child in node.children):
            children, node.children = node.children, {}
            for child in children:
                for kept in (child,) if child.entry is not None else child.children:
                    kept.parent = node
                    node.children[kept] = None
    heads = []
    for root in roots:
        if root.entry is None and len(root.children) == 1:
            [root] = root.children  # noqa: PLW2901 - it takes the place
            root.parent = None
        if root.entry is not None or root.children:
            heads.append(root)
    return heads


def _merged(roots: list[Node]) -> list[Node]:
    """(5): threads of the same subject become one."""
    table: dict[str, Node] = {}
    for root in roots:
        subject = root.first.subject
        other = table.get(subject)
        if subject and (other is None or _stands_better(root, other)):
            table[subject] = root
    heads = dict.fromkeys(roots)
    for root in roots:
        subject = root.first.subject
        other = table.get(subject)
        if other is None or other is root or root.parent is not None:
            continue
        del heads[root]
        if root.entry is None:
            # The table has nodes without a message before all others.
            for child in list(root.children):
                other.adopt(child)
        elif other.entry is None or (root.is_reply and not other.is_reply):
            other.adopt(root)
        else:
            table[subject] = joint = Node()
            heads[joint] = None
            del heads[other]
            joint.adopt(other)
            joint.adopt(root)
    return list(heads)


def _stands_better(root: Node, other: Node) -> bool:
    """(5) (B) (iv): for its subject than the one that stands there."""
    return other.entry is not None and (root.entry is None or (other.is_reply and not root.is_reply))


def _sort_siblings(roots: list[Node]) -> None:
    """(6): the youngest generation first."""
    for node in reversed(list(_below(roots))):
        _sort_children(node)


def _sort_children(node: Node) -> None:
    if len(node.children) > 1:
        node.children = dict.fromkeys(sorted(node.children, key=_sent))


def _sent(node: Node) -> tuple[datetime, int]:
    entry = node.first
    return entry.sent, entry.uid


def _arrived(node: Node) -> tuple[datetime, int]:
    entry = node.first
    return entry.arrived, entry.uid
