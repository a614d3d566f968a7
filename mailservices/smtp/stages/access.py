"""Addresses that the administrator has shut out: they are not even greeted (RFC 5321 §3.1)."""

from mailservices.mail import codes
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict


async def check(arrival: Arrival) -> Verdict:
    """On every port, whoever is there."""
    if not arrival.rules.access.denies(arrival.peer):
        return PASSED
    return Verdict(Outcome.REFUSE, f"{arrival.peer} is shut out", reply=codes.LISTED)
