"""The checks on what comes in, in their order: at the greeting, at MAIL, at RCPT, and at the end of the message.

Stages of a group are asked at once, groups one after the other. A new check is a module in stages/, named here.
"""

import asyncio
from functools import cache
from typing import TypeAlias

from mailservices import log
from mailservices.mail import codes
from mailservices.mail.address import Address
from mailservices.mail.errors import ComeBack, MailError, TurnedAway
from mailservices.mail.policy import NO_CHECKS
from mailservices.net import metrics
from mailservices.smtp.stages import (
    access,
    dmarc,
    dnslists,
    greylist,
    helo,
    iprev,
    limits,
    loops,
    rates,
    signatures,
    signed,
    spf,
)
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Stage, Verdict

Point: TypeAlias = tuple[tuple[Stage, ...], ...]

#: Before the greeting.
CONNECTION: Point = ((access.check,), (rates.connection,))
SENDER: Point = ((rates.message,),)
#: For the first recipient of a transaction; what follows is asked for each.
FIRST_RECIPIENT: Point = ((iprev.check, helo.check, dnslists.check, spf.check),)
EACH_RECIPIENT: Point = ((greylist.check,),)
#: Of every message, whoever sends it.
ALWAYS: Point = ((limits.check,), (loops.check,))
#: Of a message from the world. DMARC judges by what was found before it: SPF, DKIM, ARC. What is signed is told.
MESSAGE: Point = ((signatures.check,), (dmarc.check,), (signed.check,))

#: The counter of a method and result; there are a few dozen.
_count = cache(metrics.FINDINGS.labels)
_log = log.get()


async def connected(arrival: Arrival) -> None:
    """Raises MailError: the client is sent away."""
    await _ask(CONNECTION, arrival)


async def sender(arrival: Arrival) -> None:
    """Raises MailError: the client is to come back."""
    await _ask(SENDER, arrival)


async def recipient(arrival: Arrival, address: Address) -> None:
    """The policy of the recipient's domain; the first recipient's is the transaction's.

    Raises:
        MailError: this recipient is not taken.
    """
    if arrival.exempt:
        return
    policy = arrival.rules.of(address.domain)
    if arrival.settled and policy != arrival.policy:
        raise ComeBack(codes.ONE_POLICY)
    arrival.policy, arrival.recipient = policy, address
    if policy == NO_CHECKS:
        arrival.settled = True
        return
    if not arrival.settled:
        # What an earlier recipient, who was refused, left behind belongs to its own policy.
        arrival.findings, arrival.junk = [], []
        await _ask(FIRST_RECIPIENT, arrival)
        arrival.client.known = True
    await _ask(EACH_RECIPIENT, arrival)
    arrival.settled = True


async def message(arrival: Arrival) -> None:
    """Raises MailError: the message is not taken."""
    await _ask(ALWAYS, arrival)
    if not arrival.exempt and arrival.policy != NO_CHECKS:
        await _ask(MESSAGE, arrival)


async def _ask(point: Point, arrival: Arrival) -> None:
    for group in point:
        if len(group) == 1:
            verdict = await group[0](arrival)
            if verdict is PASSED:
                continue
            verdicts = [verdict]
        elif arrival.client.known:
            verdicts = [await stage(arrival) for stage in group]
        else:
            verdicts = await asyncio.gather(*(stage(arrival) for stage in group))
        if all(verdict is PASSED for verdict in verdicts):
            continue
        for stage, verdict in zip(group, verdicts, strict=True):
            _note(stage, verdict, arrival)
        worst = max(verdicts, key=lambda verdict: verdict.outcome)
        if worst.outcome >= Outcome.LATER:
            raise _error(worst, arrival)


def _note(stage: Stage, verdict: Verdict, arrival: Arrival) -> None:
    name = stage.__module__.rpartition(".")[2]
    if verdict.outcome is not Outcome.ACCEPT:
        metrics.VERDICTS.labels(name, verdict.outcome.name.lower()).inc()
    for finding in verdict.findings:
        _count(finding.method, finding.result).inc()
    arrival.findings += verdict.findings
    if verdict.outcome is Outcome.JUNK:
        arrival.junk.append(verdict.reason)


def _error(verdict: Verdict, arrival: Arrival) -> MailError:
    """What the client is told; where a gateway hides it, nothing that may rest on its address is final."""
    if verdict.outcome is Outcome.LATER:
        return ComeBack(verdict.reply, reason=verdict.reason)
    if arrival.desk.gateway.suspected == arrival.peer and verdict.reply not in (codes.LOOP, codes.TOO_MANY_FIELDS):
        return ComeBack(reason=f"{verdict.reason}; but {arrival.peer} seems to be a gateway")
    return TurnedAway(verdict.reply, reason=verdict.reason)
