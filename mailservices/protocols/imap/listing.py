"""What LIST answers: which names, with which attributes (RFC 9051 §6.3.9, RFC 5258). Pure: names in, lines out."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mailservices.mail.vocabulary import INBOX
from mailservices.protocols.imap import names
from mailservices.protocols.imap.requests.folders import List


@dataclass(frozen=True, slots=True)
class Line:
    """One name.

    Attributes:
        children: selection options that names below it fulfil: CHILDINFO (RFC 9051 §6.3.9.6).
    """

    name: str
    attributes: tuple[str, ...]
    children: tuple[str, ...] = ()


def lines(
    asked: List, roles: Mapping[str, str], subscribed: AbstractSet[str], *, rev2: bool = False
) -> list[Line]:
    """The lines of an answer, INBOX first.

    Args:
        roles: of every folder its special use, or nothing (RFC 6154).
        subscribed: names, which need not be folders any more.
        rev2: the client knows what \\NonExistent is.
    """
    parents = _superiors(roles)
    known = roles.keys() | parents
    if "SUBSCRIBED" in asked.select:
        known |= subscribed | (_superiors(subscribed) if asked.recursive else set())
    wanted = {name for name in known if _fulfils(asked, name, roles, subscribed)}
    matching = {
        name for name in known if any(names.matches(asked.reference + one, name) for one in asked.patterns)
    }
    # RFC 9051 §6.3.9.3: for the sake of those below it, a name is told only where they are not told themselves.
    above = _superiors(wanted - matching) if asked.recursive else set()
    with_children = _superiors(wanted) if asked.recursive else set()
    absent = "\\NonExistent" if rev2 or asked.extended else "\\Noselect"
    return [
        Line(
            name,
            tuple(_attributes(asked, name, roles, subscribed, absent, has_children=name in parents)),
            tuple(sorted(asked.select & {"SUBSCRIBED", "SPECIAL-USE"})) if name in with_children else (),
        )
        for name in sorted(matching & (wanted | above), key=lambda name: (name != INBOX, name))
    ]


def _superiors(below: Iterable[str]) -> set[str]:
    return {superior for name in below for superior in names.superiors(name)}


def _fulfils(asked: List, name: str, roles: Mapping[str, str], subscribed: AbstractSet[str]) -> bool:
    """Whether a name is as the selection options say."""
    if "SUBSCRIBED" in asked.select and name not in subscribed:
        return False
    return "SPECIAL-USE" not in asked.select or bool(roles.get(name))


def _attributes(
    asked: List,
    name: str,
    roles: Mapping[str, str],
    subscribed: AbstractSet[str],
    absent: str,
    *,
    has_children: bool,
) -> Iterable[str]:
    """RFC 9051 §7.3.1."""
    if name not in roles:
        yield absent
    yield "\\HasChildren" if has_children else "\\HasNoChildren"
    if roles.get(name):
        yield "\\" + roles[name]
    if name in subscribed and "SUBSCRIBED" in asked.select | asked.returns:
        yield "\\Subscribed"
