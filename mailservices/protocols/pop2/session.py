"""The states of a POP2 session (RFC 937, the server's decision table), and what becomes of them.

What a table does not name is garbage: it is answered with an error, and the connection is closed.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, TypeAlias


class State(Enum):
    #: Who is it?
    AUTH = auto()
    #: A folder is open.
    MBOX = auto()
    #: The length of a message was told.
    ITEM = auto()
    #: The message was sent: did it arrive?
    NEXT = auto()
    DONE = auto()


States: TypeAlias = Mapping[State, State]

_AUTH, _MBOX, _ITEM, _NEXT, _DONE = State

GREETS: Final[States] = {_AUTH: _MBOX}
OPENS: Final[States] = {_MBOX: _MBOX, _ITEM: _MBOX}
CHOOSES: Final[States] = {_MBOX: _ITEM, _ITEM: _ITEM}
SENDS: Final[States] = {_ITEM: _NEXT}
ACKNOWLEDGES: Final[States] = {_NEXT: _ITEM}
LEAVES: Final[States] = {_AUTH: _DONE, _MBOX: _DONE, _ITEM: _DONE}
