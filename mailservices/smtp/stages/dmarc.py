"""DMARC (RFC 7489): what the domain in From wishes, where neither SPF nor DKIM bear it out that it is its own.

It reads what SPF and DKIM have found, so it comes after them. A pass of ARC (RFC 8617) whose last sealer the
administrator trusts stands for what a mailing list broke: a finding "arc" with the sealer in "header.d".
"""

import random

from mailservices.mail import codes, dmarc
from mailservices.mail.dmarc import Evaluation, Wish
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import Action
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict, objection, undecided


async def check(arrival: Arrival) -> Verdict:
    """The policy says at most how far the domain's wish is followed."""
    action = arrival.policy.dmarc
    if action is Action.OFF:
        return PASSED
    try:
        author = dmarc.author(arrival.header)
    except ProtocolError as error:
        # Whoever shows two authors wants one of them believed.
        finding = Finding("dmarc", Result.PERMERROR, str(error))
        followed = Action.REFUSE if action is Action.APPLY else action
        return objection(followed, f"dmarc=permerror: {error}", codes.AUTHOR_UNCLEAR, (finding,))
    if author is None:
        return Verdict(findings=(Finding("dmarc", Result.PERMERROR, "there is no From field"),))
    flow = dmarc.check(author, arrival.findings, random.randrange(100))
    return _judge(arrival, action, await arrival.desk.resolver.answer(flow))


def _judge(arrival: Arrival, action: Action, found: Evaluation) -> Verdict:
    finding = found.finding
    reason = f"dmarc={finding.result} {dict(finding.properties)['header.from']}: {finding.reason}"
    if finding.result is Result.TEMPERROR:
        return undecided(action, reason, (finding,))
    if finding.result is not Result.FAIL or found.wish is Wish.NONE:
        return Verdict(findings=(finding,))
    if _sealed(arrival):
        return Verdict(
            Outcome.ACCEPT, "", (Finding(finding.method, finding.result, "trusted ARC seal", finding.properties),)
        )
    wished = Action.REFUSE if found.wish is Wish.REJECT else Action.JUNK
    return objection(wished if action is Action.APPLY else action, reason, codes.DMARC_FAILED, (finding,))


def _sealed(arrival: Arrival) -> bool:
    """RFC 7489 §6.7 lets local policy know better."""
    return any(
        finding.method == "arc"
        and finding.result is Result.PASS
        and dict(finding.properties).get("header.d", "").lower() in arrival.rules.sealers
        for finding in arrival.findings
    )
