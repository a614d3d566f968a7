"""Reverse DNS: the client's address has a name, and the name leads back to it (RFC 8601 §2.7.3)."""

from mailservices.mail import codes, iprev
from mailservices.mail.findings import Result
from mailservices.mail.policy import Action
from mailservices.smtp.stages.arrival import PASSED, Arrival, Verdict, objection, undecided


async def check(arrival: Arrival) -> Verdict:
    """Asked once for a client, not for each of its messages."""
    action = arrival.policy.iprev
    if action is Action.OFF:
        return PASSED
    finding = arrival.client.iprev
    if finding is None:
        finding = arrival.client.iprev = await arrival.desk.resolver.answer(iprev.check(arrival.peer))
    if finding.result is Result.PASS:
        return Verdict(findings=(finding,))
    reason = f"iprev={finding.result}: {finding.reason}"
    if finding.result is Result.TEMPERROR:
        return undecided(action, reason, (finding,))
    return objection(action, reason, codes.IPREV_FAILED, (finding,))
