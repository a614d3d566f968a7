"""The life of a queued recipient: every state, and what may happen in it. Nothing else moves a recipient.

```
waiting --claim--> leased --relay, deliver, expand, refuse, expire--> the end
   |  ^               |
 hold release       defer, or its worker died: waiting again
   v  |
  held          cancel ends what waits or is held; expire what waits too long
```
"""

from collections.abc import Mapping
from enum import StrEnum

from mailservices.mail.vocabulary import QueueState


class State(StrEnum):
    """Where a recipient stands. Leased is what waits and is somebody's just now: the database keeps it as that."""

    WAITING = "waiting"
    LEASED = "leased"
    HELD = "held"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    EXPANDED = "expanded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Happening(StrEnum):
    """What may happen to one. The last five are verbs of administrators."""

    CLAIM = "claim"
    #: Another host took it; it lies in a mailbox here; its list was expanded.
    RELAY = "relay"
    DELIVER = "deliver"
    EXPAND = "expand"
    #: Later, says a host, or nobody said anything.
    DEFER = "defer"
    REFUSE = "refuse"
    EXPIRE = "expire"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    CANCEL = "cancel"
    #: Another route, another end.
    CHANGE = "change"


class NotAllowed(Exception):
    """That cannot happen in this state."""


MOVES: Mapping[tuple[State, Happening], State] = {
    (State.WAITING, Happening.CLAIM): State.LEASED,
    (State.WAITING, Happening.EXPIRE): State.EXPIRED,
    (State.WAITING, Happening.HOLD): State.HELD,
    (State.WAITING, Happening.RETRY): State.WAITING,
    (State.WAITING, Happening.CANCEL): State.CANCELLED,
    (State.WAITING, Happening.CHANGE): State.WAITING,
    (State.LEASED, Happening.RELAY): State.RELAYED,
    (State.LEASED, Happening.DELIVER): State.DELIVERED,
    (State.LEASED, Happening.EXPAND): State.EXPANDED,
    (State.LEASED, Happening.DEFER): State.WAITING,
    (State.LEASED, Happening.REFUSE): State.FAILED,
    (State.LEASED, Happening.EXPIRE): State.EXPIRED,
    (State.HELD, Happening.RELEASE): State.WAITING,
    (State.HELD, Happening.CANCEL): State.CANCELLED,
    (State.HELD, Happening.CHANGE): State.HELD,
}


def after(state: State, happening: Happening) -> State:
    """Where it stands then.

    Raises:
        NotAllowed
    """
    try:
        return MOVES[state, happening]
    except KeyError:
        raise NotAllowed(f"{happening} while {state}") from None


def settled(happening: Happening) -> QueueState:
    """What is kept of a recipient that was leased, after this."""
    return QueueState(after(State.LEASED, happening))


def open_to(happening: Happening) -> list[State]:
    """The states in which it may happen."""
    return [state for state, one in MOVES if one is happening]


#: States that never change again.
FINAL = tuple(state for state in State if not any(state is before for before, _ in MOVES))
