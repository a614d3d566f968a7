"""How often one address may come in a minute; this very machine may as often as it likes."""

from mailservices.mail import codes
from mailservices.net.connection import is_loopback
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict


async def connection(arrival: Arrival) -> Verdict:
    """One more connection."""
    return await _count(arrival, "connections", arrival.rules.connections_per_minute)


async def message(arrival: Arrival) -> Verdict:
    """One more message."""
    return await _count(arrival, "messages", arrival.rules.messages_per_minute)


async def _count(arrival: Arrival, kind: str, most: int) -> Verdict:
    if arrival.exempt or is_loopback(arrival.peer) or await arrival.desk.rates.take(kind, arrival.peer, most):
        return PASSED
    reply = codes.TOO_MANY_CONNECTIONS if kind == "connections" else codes.SLOW_DOWN
    return Verdict(Outcome.LATER, f"more than {most} {kind} a minute", reply=reply)
