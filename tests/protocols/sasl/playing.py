"""Plays an exchange without a socket: the client's responses in order, and what the auth room answers."""

from typing import Any

from mailservices.protocols.sasl.exchange import Exchange, Outcome


def play(exchange: Exchange, *responses: bytes, answers: Any = None) -> tuple[list[bytes], Outcome]:
    """The challenges, and the outcome."""
    step, pending, challenges = next(exchange), list(responses), []
    try:
        while True:
            if isinstance(step, bytes):
                challenges.append(step)
                step = exchange.send(pending.pop(0))
            else:
                step = exchange.send(answers(step) if callable(answers) else answers)
    except StopIteration as done:
        assert not pending
        return challenges, done.value
