"""The states of an IMAP session (RFC 9051 §3), and what becomes of them: tables from a state to the next.

A command is legal in the states that its table names; the state moves when the command has succeeded.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, TypeAlias


class Extension(Enum):
    """What a client switches on (RFC 5161, RFC 7162 §3.1). The value is the name on the wire."""

    CONDSTORE = b"CONDSTORE"
    QRESYNC = b"QRESYNC"
    #: RFC 9051 §6.3.1, RFC 6855 §3.
    REV2 = b"IMAP4rev2"
    UTF8 = b"UTF8=ACCEPT"
    #: RFC 9586 §3: neither side says sequence numbers.
    UIDONLY = b"UIDONLY"


class State(Enum):
    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


States: TypeAlias = Mapping[State, State]

_N, _A, _S, _X = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED, State.LOGOUT

ANY: Final[States] = {_N: _N, _A: _A, _S: _S}
NOT_AUTHENTICATED: Final[States] = {_N: _N}
#: What a signed-in client may do, it may also do with a folder selected.
AUTHENTICATED: Final[States] = {_A: _A, _S: _S}
SELECTED: Final[States] = {_S: _S}
SIGNS_IN: Final[States] = {_N: _A}
#: RFC 8437 §2
SIGNS_OUT: Final[States] = {_A: _N, _S: _N}
SELECTS: Final[States] = {_A: _S, _S: _S}
#: RFC 9051 §6.3.2: a SELECT that fails leaves nothing selected.
SELECTS_NOTHING: Final[States] = {_A: _A, _S: _A}
DESELECTS: Final[States] = {_S: _A}
LEAVES: Final[States] = {_N: _X, _A: _X, _S: _X}
