"""Every cell of the table of states, as RFC 1939 §3 to §6 and RFC 2595 §4 have it."""

import pytest

from mailservices.protocols.pop3.commands import COMMANDS
from mailservices.protocols.pop3.session import State

A, N, T, X = State.AUTHORIZATION, State.NAMED, State.TRANSACTION, State.CLOSED
_ = None

#: In the order of STATES: what follows; nothing where the command is out of order.
STATES = (A, N, T, X)
IN_TRANSACTION = (_, _, T, _)
CELLS: dict[str, tuple[State | None, ...]] = {
    "CAPA": (A, N, T, _),
    "STLS": (A, A, _, _),
    "USER": (N, N, _, _),
    "PASS": (_, T, _, _),
    "AUTH": (T, T, _, _),
    **dict.fromkeys(("STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP"), IN_TRANSACTION),
    "QUIT": (X, X, X, _),
}


@pytest.mark.parametrize(
    ("name", "state", "after"),
    [(name, state, after) for name, row in CELLS.items() for state, after in zip(STATES, row, strict=True)],
)
def test_a_cell(name: str, state: State, after: State | None) -> None:
    assert COMMANDS[name].states.get(state) is after


def test_all_cells_are_walked() -> None:
    assert set(CELLS) == set(COMMANDS)
    assert set(STATES) == set(State)
