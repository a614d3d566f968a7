"""A SASL exchange over any protocol (RFC 4422 §4): the server only says how one challenge is asked."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from mailservices.protocols import sasl
from mailservices.protocols.sasl import Claim, Exchange

#: Sends a challenge, in base64 without any framing, and returns the client's answer, in base64 too.
Ask: TypeAlias = Callable[[bytes], Awaitable[bytes]]


async def claim(exchange: Exchange, initial: bytes | None, ask: Ask) -> Claim:
    """Carry challenges and responses until the client has claimed who it is.

    Args:
        initial: the initial response, in base64; None where the client waits for the challenge.

    Raises:
        ProtocolError: a response is not what the mechanism wants.
        Whatever `ask` raises.
    """
    challenge = next(exchange)
    # RFC 4422 §4.3: an initial response answers a challenge that is empty.
    response = initial if initial is not None and not challenge else None
    try:
        while True:
            answer = await ask(sasl.encode(challenge)) if response is None else response
            challenge, response = exchange.send(sasl.decode(answer)), None
    except StopIteration as done:
        found: Claim = done.value
        return found
