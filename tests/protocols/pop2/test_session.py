"""Every cell of the table of states, as RFC 937 has it in the server's decision table."""

import pytest

from mailservices.protocols.pop2.commands import COMMANDS
from mailservices.protocols.pop2.session import State

AUTH, MBOX, ITEM, NEXT, DONE = State
_ = None

#: In the order of State: what follows; nothing where the command is garbage.
CELLS: dict[str, tuple[State | None, ...]] = {
    "HELO": (MBOX, _, _, _, _),
    "FOLD": (_, MBOX, MBOX, _, _),
    "READ": (_, ITEM, ITEM, _, _),
    "RETR": (_, _, NEXT, _, _),
    "ACKS": (_, _, _, ITEM, _),
    "ACKD": (_, _, _, ITEM, _),
    "NACK": (_, _, _, ITEM, _),
    "QUIT": (DONE, DONE, DONE, _, _),
}


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_a_command(name: str) -> None:
    assert tuple(COMMANDS[name].states.get(state) for state in State) == CELLS[name]


def test_all_cells_are_walked() -> None:
    assert set(CELLS) == set(COMMANDS)
