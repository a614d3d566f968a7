"""The states of a POP3 session (RFC 1939 §3), and what becomes of them: tables from a state to the next."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, TypeAlias


class State(Enum):
    AUTHORIZATION = auto()
    #: USER was accepted: only PASS or QUIT make sense, but another USER is forgiven.
    NAMED = auto()
    TRANSACTION = auto()
    CLOSED = auto()


States: TypeAlias = Mapping[State, State]

_A, _N, _T, _X = State.AUTHORIZATION, State.NAMED, State.TRANSACTION, State.CLOSED

ANY: Final[States] = {_A: _A, _N: _N, _T: _T}
STRANGER: Final[States] = {_A: _A, _N: _A}
#: The name that USER said is kept.
PREPARES: Final[States] = {_A: _A, _N: _N}
NAMES: Final[States] = {_A: _N, _N: _N}
GIVES_PASSWORD: Final[States] = {_N: _T}
SIGNS_IN: Final[States] = {_A: _T, _N: _T}
TRANSACTION: Final[States] = {_T: _T}
LEAVES: Final[States] = {_A: _X, _N: _X, _T: _X}
