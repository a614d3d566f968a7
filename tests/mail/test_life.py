"""Every cell of the table of states."""

from itertools import product

import pytest

from mailservices.mail.life import FINAL, MOVES, Happening, NotAllowed, State, after, open_to, settled
from mailservices.mail.vocabulary import QueueState


@pytest.mark.parametrize(("state", "happening"), list(product(State, Happening)))
def test_what_may_happen_happens_and_nothing_else(state: State, happening: Happening) -> None:
    if (state, happening) in MOVES:
        assert after(state, happening) is MOVES[state, happening]
        assert state in open_to(happening)
        return
    with pytest.raises(NotAllowed):
        after(state, happening)
    assert state not in open_to(happening)


def test_the_end_is_the_end() -> None:
    ends = {State.RELAYED, State.DELIVERED, State.EXPANDED, State.FAILED, State.EXPIRED, State.CANCELLED}
    assert set(FINAL) == ends


def test_every_state_can_be_reached_and_every_other_one_left() -> None:
    assert set(MOVES.values()) == set(State)
    assert {state for state, _ in MOVES} == set(State) - set(FINAL)


def test_the_database_keeps_all_but_the_lease() -> None:
    assert {state.value for state in State} - {"leased"} == {state.value for state in QueueState}
    assert settled(Happening.DEFER) is QueueState.WAITING
    with pytest.raises(NotAllowed):
        settled(Happening.HOLD)
