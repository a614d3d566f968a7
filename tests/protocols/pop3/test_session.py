"""Every cell of the table of states, as RFC 1939 §3 to §7, RFC 2595 §4 and RFC 6856 have it."""

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
    "APOP": (T, T, _, _),
    "AUTH": (T, T, _, _),
    "LANG": (A, N, T, _),
    "UTF8": (A, N, _, _),
    **dict.fromkeys(("STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP"), IN_TRANSACTION),
    "QUIT": (X, X, X, _),
}


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_a_command(name: str) -> None:
    assert tuple(COMMANDS[name].states.get(state) for state in STATES) == CELLS[name]


def test_all_cells_are_walked() -> None:
    assert set(CELLS) == set(COMMANDS)
    assert set(STATES) == set(State)
