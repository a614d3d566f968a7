"""A message that has passed too many hosts goes round in circles (RFC 5321 §6.3)."""

from mailservices.mail import codes, headers
from mailservices.mail.errors import BadMessage
from mailservices.mail.trace import HOPS
from mailservices.smtp.stages.arrival import Arrival, Verdict


async def check(arrival: Arrival) -> Verdict:
    """Count the Received fields."""
    if headers.count(arrival.header, b"received") > HOPS:
        return BadMessage(codes.LOOP)
    return None
