"""DKIM (RFC 6376) and ARC (RFC 8617): which signatures of the message hold, and whether its chain of seals does.

The body is read once for both. Without any such field nothing is read, and nothing asked.
"""

import asyncio
import time

from mailservices.mail import codes
from mailservices.mail.arc import verify as arc
from mailservices.mail.dkim import verify as dkim
from mailservices.mail.dkim.canonical import BodyHashes
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import Action
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict, objection, undecided

#: Octets of a body that are hashed at once, and from which on a thread does it.
PIECE_OCTETS = 2**20

#: Of signatures, and of all that a chain has; where they do not stand at all, nothing is read.
_SIGNATURE, _CHAIN = b"dkim-signature", b"arc-"
_NO_CHAIN = arc.Chain(Finding("arc", Result.NONE))


async def check(arrival: Arrival) -> Verdict:
    """The policy is asked only if a signature is there, and none holds (RFC 6376 §6.3)."""
    action = arrival.policy.dkim
    # DMARC stands on DKIM: where it is asked, so is this.
    if action is Action.OFF and arrival.policy.dmarc is Action.OFF:
        return PASSED
    header = arrival.header.lower()
    if _SIGNATURE not in header and _CHAIN not in header:
        arrival.chain = _NO_CHAIN
        return Verdict(findings=(Finding("dkim", Result.NONE),))
    signed, arrival.chain = await _verify(arrival, chained=_CHAIN in header)
    sealed = () if arrival.chain.finding.result is Result.NONE else (arrival.chain.finding,)
    return _judge(action, signed, (*signed, *sealed))


async def _verify(arrival: Arrival, *, chained: bool) -> tuple[tuple[Finding, ...], arc.Chain]:
    hashes, now = BodyHashes(), int(time.time())
    signatures = dkim.Verifier(arrival.header, now, hashes)
    chain = arc.Verifier(arrival.header, now, hashes) if chained else None
    if len(arrival.body) > PIECE_OCTETS:
        await asyncio.to_thread(_hash, hashes, arrival)
    else:
        _hash(hashes, arrival)
    answer = arrival.desk.resolver.answer
    return await answer(signatures.finish()), await answer(chain.finish()) if chain else _NO_CHAIN


def _hash(hashes: BodyHashes, arrival: Arrival) -> None:
    for start in range(0, len(arrival.body), PIECE_OCTETS):
        hashes.feed(arrival.body[start : start + PIECE_OCTETS])


def _judge(action: Action, signed: tuple[Finding, ...], findings: tuple[Finding, ...]) -> Verdict:
    results = {finding.result for finding in signed}
    if Result.PASS in results or results == {Result.NONE}:
        return Verdict(Outcome.ACCEPT, findings=findings)
    reason = "; ".join(f"dkim={finding.result} {finding.reason}" for finding in signed)
    if Result.TEMPERROR in results:
        return undecided(action, reason, findings)
    return objection(action, reason, codes.DKIM_FAILED, findings)
