"""Every cell of the table of states (RFC 9051 §3 and §6)."""

import pytest

from mailservices.protocols.imap.commands import COMMANDS
from mailservices.protocols.imap.session import State

N, A, S, X = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED, State.LOGOUT
_ = None

#: In the order of STATES: what follows success; nothing where the command is not legal.
STATES = (N, A, S, X)
ANY, SIGNED_IN, SELECTED = (N, A, S, _), (_, A, S, _), (_, _, S, _)
CELLS: dict[str, tuple[State | None, ...]] = {
    **dict.fromkeys(("CAPABILITY", "NOOP", "ID"), ANY),
    "LOGOUT": (X, X, X, _),
    "STARTTLS": (N, _, _, _),
    "LOGIN": (A, _, _, _),
    "AUTHENTICATE": (A, _, _, _),
    **dict.fromkeys(
        ("ENABLE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "NAMESPACE", "STATUS",
         "APPEND", "IDLE", "ESEARCH", "COMPRESS", "NOTIFY", "GETACL", "SETACL", "DELETEACL", "LISTRIGHTS",
         "MYRIGHTS", "GETMETADATA", "SETMETADATA",
          "GETQUOTA", "GETQUOTAROOT"),
        SIGNED_IN,
    ),
    "UNAUTHENTICATE": (_, N, N, _),
    "SELECT": (_, S, S, _),
    "EXAMINE": (_, S, S, _),
    "CLOSE": (_, _, A, _),
    "UNSELECT": (_, _, A, _),
    **dict.fromkeys(
        ("CHECK", "EXPUNGE", "UID EXPUNGE", "SEARCH", "UID SEARCH", "FETCH", "UID FETCH", "STORE", "UID STORE",
        "COPY", "UID COPY", "MOVE", "UID MOVE", "SORT", "UID SORT", "THREAD", "UID THREAD",
        "CANCELUPDATE", "UIDBATCHES", "REPLACE", "UID REPLACE"),
        SELECTED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_a_command(name: str) -> None:
    assert tuple(COMMANDS[name].states.get(state) for state in STATES) == CELLS[name]


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_a_failure(name: str) -> None:
    """RFC 9051 §6.3.2: a SELECT that fails leaves nothing selected; nothing else moves by failing."""
    after = tuple(COMMANDS[name].failed.get(state, state) for state in STATES)
    assert after == ((N, A, A, X) if name in ("SELECT", "EXAMINE") else STATES)


def test_all_cells_are_walked() -> None:
    assert set(CELLS) == set(COMMANDS)
    assert set(STATES) == set(State)
