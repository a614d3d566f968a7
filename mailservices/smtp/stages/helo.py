"""What the client calls itself: no honest host takes our name, another's address, or a bare word."""

from mailservices.mail import codes, helo
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import Action
from mailservices.smtp.stages.arrival import PASSED, Arrival, Verdict, objection


async def check(arrival: Arrival) -> Verdict:
    """RFC 5321 §4.1.4: a server may verify the name, and refuses for it only where the policy says so."""
    action = arrival.policy.helo
    if action is Action.OFF:
        return PASSED
    wrong = helo.objection(arrival.helo, arrival.peer, arrival.hostname)
    if not wrong:
        return PASSED
    finding = Finding("x-helo", Result.FAIL, wrong)
    return objection(action, f"HELO {wrong}", codes.HELO_FAILED, (finding,))
