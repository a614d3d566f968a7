"""The states of an SMTP session and what each command makes of them: a pure table.

Rules: everything that affects the state lives here; a cell that is missing is "out of order" (RFC 5321 §4.1.4).
The state moves only when the command succeeded.
"""

from enum import IntEnum, auto

from mailservices.protocols.smtp.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    LastBdat,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
)


class State(IntEnum):
    """Where a session stands. Numbers, since the table is looked into for each command."""

    #: Connected, not greeted; also after STARTTLS (RFC 3207 §4.2).
    CONNECTED = auto()
    GREETED = auto()
    #: MAIL was accepted.
    SENDER = auto()
    #: At least one RCPT was accepted.
    RECIPIENTS = auto()
    #: A first BDAT was accepted, and no last one.
    CHUNKS = auto()
    CLOSED = auto()


_C, _G, _S, _R = State.CONNECTED, State.GREETED, State.SENDER, State.RECIPIENTS
_B, _X = State.CHUNKS, State.CLOSED

TABLE: dict[type[Command], dict[State, State]] = {
    # A new greeting ends a transaction as RSET does (RFC 5321 §4.1.4).
    Helo: {_C: _G, _G: _G, _S: _G, _R: _G, _B: _G},
    Ehlo: {_C: _G, _G: _G, _S: _G, _R: _G, _B: _G},
    Lhlo: {_C: _G, _G: _G, _S: _G, _R: _G, _B: _G},
    Mail: {_G: _S},
    Rcpt: {_S: _R, _R: _R},
    # After the message, whatever became of it.
    Data: {_R: _G},
    # RFC 3030 §2: chunks are not mixed with DATA, and nothing but chunks belongs to a message that has begun.
    Bdat: {_R: _B, _B: _B},
    LastBdat: {_R: _G, _B: _G},
    Rset: {_C: _C, _G: _G, _S: _G, _R: _G, _B: _G},
    Noop: {_C: _C, _G: _G, _S: _S, _R: _R, _B: _B},
    Help: {_C: _C, _G: _G, _S: _S, _R: _R, _B: _B},
    Vrfy: {_C: _C, _G: _G, _S: _S, _R: _R, _B: _B},
    Expn: {_C: _C, _G: _G, _S: _S, _R: _R, _B: _B},
    # RFC 3207 §4.2: the session begins anew. RFC 4954 §4: not during a transaction.
    StartTls: {_G: _C},
    Auth: {_G: _G},
    Quit: {_C: _X, _G: _X, _S: _X, _R: _X, _B: _X},
}


def following(state: State, command: Command) -> State | None:
    """The state after this command succeeds; None where it is out of order."""
    return TABLE[type(command)].get(state)
