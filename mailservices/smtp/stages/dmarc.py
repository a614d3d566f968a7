"""DMARC (RFC 7489): what the domain in From wishes, where neither SPF nor DKIM bear it out that it is its own.

It reads what SPF and DKIM have found, so it comes after them. Where a chain of ARC (RFC 8617) holds and the
administrator trusts its last sealer, what that host saw stands for what it broke, as mailing lists do.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from mailservices.mail import aggregate, codes, dmarc
from mailservices.mail.dmarc import Evaluation, Wish
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import Action
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict, objection, undecided
from mailservices.store.tally import Kind

#: What becomes of a message -> as reports call it.
_DISPOSITIONS = {Outcome.ACCEPT: Wish.NONE, Outcome.JUNK: Wish.QUARANTINE, Outcome.REFUSE: Wish.REJECT}


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
    found = await _evaluate(arrival, author, arrival.findings)
    if found.finding.result is Result.FAIL and await _was_sound(arrival, author):
        sealed = replace(found.finding, reason="it was sound when a trusted host sealed it (ARC)")
        verdict = Verdict(Outcome.ACCEPT, findings=(sealed,))
        _note(arrival, found, verdict, "trusted_forwarder")
        return verdict
    verdict = _judge(action, found)
    _note(arrival, found, verdict)
    return verdict


async def _evaluate(arrival: Arrival, author: str, findings: Sequence[Finding]) -> Evaluation:
    return await arrival.desk.resolver.answer(dmarc.check(author, findings, random.randrange(100)))


async def _was_sound(arrival: Arrival, author: str) -> bool:
    """What the newest sealer saw, if it is trusted: local policy may do so (RFC 7489 §6.7, RFC 8617 §7.2.1)."""
    chain = arrival.chain
    if chain is None or not chain.sealers or chain.sealers[-1].lower() not in arrival.rules.sealers:
        return False
    told = chain.told_by(chain.sealers[-1])
    return told is not None and (await _evaluate(arrival, author, told.findings)).finding.result is Result.PASS


def _note(arrival: Arrival, found: Evaluation, verdict: Verdict, *reasons: str) -> None:
    """What the domain is told of it (RFC 7489 §7.2): at once where the message ends here, else once delivered."""
    disposition = _DISPOSITIONS.get(verdict.outcome)
    if not arrival.policy.reports or disposition is None or found.published is None:
        return
    if found.published.sampled_out:
        reasons = (*reasons, "sampled_out")
    elif not reasons and found.finding.result is Result.FAIL and disposition is not found.wish:
        reasons = ("local_policy",)
    told = aggregate.seen(arrival.peer, found, disposition, arrival.findings, reasons)
    if told is None:
        return
    if verdict.outcome is Outcome.REFUSE:
        arrival.desk.tally.add(Kind.DMARC, found.published.where, told.facts())
    else:
        arrival.seen = found.published.where, told


def _judge(action: Action, found: Evaluation) -> Verdict:
    finding = found.finding
    reason = f"dmarc={finding.result} {dict(finding.properties)['header.from']}: {finding.reason}"
    if finding.result is Result.TEMPERROR:
        return undecided(action, reason, (finding,))
    if finding.result is not Result.FAIL or found.wish is Wish.NONE:
        return Verdict(findings=(finding,))
    wished = Action.REFUSE if found.wish is Wish.REJECT else Action.JUNK
    return objection(wished if action is Action.APPLY else action, reason, codes.DMARC_FAILED, (finding,))
