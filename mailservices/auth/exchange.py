"""A SASL exchange over any protocol (RFC 4422 §4): the server only says how one challenge is asked."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from mailservices.protocols.sasl.exchange import Exchange, Outcome, Question, decode, encode
from mailservices.protocols.sasl.plain import USERNAME

#: Sends a challenge, in base64 without any framing, and returns the client's answer, in base64 too.
Ask: TypeAlias = Callable[[bytes], Awaitable[bytes]]
#: What only the auth room knows.
Answer: TypeAlias = Callable[[Question], Awaitable[Any]]


async def carry(exchange: Exchange, initial: bytes | None, ask: Ask, answer: Answer) -> Outcome:
    """Carry challenges, responses and questions until the client has claimed or proven who it is.

    Args:
        initial: the initial response, in base64; None where the client waits for the challenge.

    Raises:
        ProtocolError: a response is not what the mechanism wants.
        SignInFailed: a proof is wrong.
        Whatever `ask` and `answer` raise.
    """
    step = next(exchange)
    try:
        while True:
            if not isinstance(step, bytes):
                step = exchange.send(await answer(step))
                continue
            # RFC 4422 §4.3: an initial response answers a challenge that is empty.
            told = initial if initial is not None and step in (b"", USERNAME) else await ask(encode(step))
            initial = None
            step = exchange.send(decode(told))
    except StopIteration as done:
        outcome: Outcome = done.value
        return outcome
    finally:
        exchange.close()
