"""Every cell of the table of states, as RFC 5321 §4.1.4 and its extensions have it."""

import pytest

from mailservices.protocols.smtp.commands import COMMANDS, Command, parse
from mailservices.protocols.smtp.session import TABLE, State, following

C, G, S, R, B, X = State.CONNECTED, State.GREETED, State.SENDER, State.RECIPIENTS, State.CHUNKS, State.CLOSED
_ = None

#: In the order of STATES: what follows; nothing where the command is out of order.
STATES = (C, G, S, R, B, X)
CELLS: dict[str, tuple[State | None, ...]] = {
    "HELO x": (G, G, G, G, G, _),
    "EHLO x": (G, G, G, G, G, _),
    "LHLO x": (G, G, G, G, G, _),
    "MAIL FROM:<>": (_, S, _, _, _, _),
    "RCPT TO:<a@b.test>": (_, _, R, R, _, _),
    "DATA": (_, _, _, G, _, _),
    "BDAT 1": (_, _, _, B, B, _),
    "BDAT 0 LAST": (_, _, _, G, G, _),
    "RSET": (C, G, G, G, G, _),
    "NOOP": (C, G, S, R, B, _),
    "HELP": (C, G, S, R, B, _),
    "VRFY x": (C, G, S, R, B, _),
    "EXPN x": (C, G, S, R, B, _),
    "STARTTLS": (_, C, _, _, _, _),
    "AUTH PLAIN": (_, G, _, _, _, _),
    "QUIT": (X, X, X, X, X, _),
}


@pytest.mark.parametrize("line", CELLS)
def test_the_cells_of_a_command(line: str) -> None:
    command = parse(line.encode())
    assert tuple(following(state, command) for state in STATES) == CELLS[line]


def test_all_cells_are_walked() -> None:
    assert {line.split()[0] for line in CELLS} == set(COMMANDS)
    assert set(TABLE) == set(Command.__args__)  # type: ignore[attr-defined]
    assert set(STATES) == set(State)
