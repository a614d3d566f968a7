"""SPF (RFC 7208): whether the client may send for the domain in MAIL, and for the one in HELO (§2.3, §2.4).

spftrace evaluates; this file gives it our resolver. The null sender's identity is HELO's.
"""

import asyncio

import dns.name
import dns.reversename
from spftrace import BaseResolver, Evaluator, Limits

from mailservices import log
from mailservices.mail import codes, helo
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import Action
from mailservices.mail.questions import Addresses, Found, Missing, Mx, Nothing, Ptr, Question, Trouble, Txt
from mailservices.net.dns import Resolver
from mailservices.smtp.stages.arrival import PASSED, Arrival, Desk, Outcome, Verdict, objection, undecided

#: RFC 7208 §4.6.4: terms that ask the DNS, look-ups in vain, seconds; and questions in all, which it leaves open.
TERMS = 10
VOID_LOOKUPS = 2
TIME_LIMIT = 20.0
QUESTIONS = 75

_log = log.get()


class _Names(BaseResolver):
    """Asks our resolver, in the words of spftrace."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def _lookup(self, name: str, rtype: str) -> tuple[str, list[str]]:
        match await self._resolver.ask(_question(name, rtype)):
            case Found(records):
                return "NOERROR", [_text(record) for record in records]
            case Nothing():
                return "NOERROR", []
            case Missing():
                return "NXDOMAIN", []
            case Trouble():
                return "SERVFAIL", []


def _question(name: str, kind: str) -> Question:
    match kind:
        case "TXT":
            return Txt(name)
        case "MX":
            return Mx(name)
        case "PTR":
            return Ptr(dns.reversename.to_address(dns.name.from_text(name)))
        case _:
            return Addresses(name, 4 if kind == "A" else 6)


def _text(record: tuple[int, str] | str | bytes) -> str:
    if isinstance(record, bytes):
        return record.decode("utf-8", "replace")
    return record if isinstance(record, str) else record[1]


async def evaluate(resolver: Resolver, address: str, sender: str, name: str) -> Result:
    """RFC 7208 §4: check_host() of one identity."""
    limits = Limits(max_terms=TERMS, max_void=VOID_LOOKUPS, time_limit=TIME_LIMIT, max_queries=QUESTIONS)
    try:
        async with asyncio.timeout(TIME_LIMIT):
            found = await Evaluator(_Names(resolver), limits).evaluate(address, sender, name)
    except TimeoutError:
        return Result.TEMPERROR
    except Exception as error:  # noqa: BLE001 - what a stranger's record does to the evaluator must not stop mail
        _log.exception("SPF failed", error=type(error).__name__)
        return Result.TEMPERROR
    return Result(found.result)


async def _evaluated(desk: Desk, address: str, sender: str, name: str) -> Result:
    """What was found of the same identity a moment ago, or is found now."""
    asked = ("spf", address, sender, name)
    if (known := desk.lately.get(asked)) is None:
        known = await evaluate(desk.resolver, address, sender, name)
        if known is not Result.TEMPERROR:
            desk.lately.put(asked, known)
    return known


async def check(arrival: Arrival) -> Verdict:
    """Asked once for a transaction."""
    action = arrival.policy.spf
    # DMARC stands on SPF: where it is asked, so is this.
    if action is Action.OFF and arrival.policy.dmarc is Action.OFF:
        return PASSED
    if arrival.spf is None:
        arrival.spf = await _findings(arrival)
    sender = arrival.spf[0] if arrival.spf else None
    if sender is None:
        return PASSED
    reason = f"spf={sender.result} {sender.properties[0][1]}"
    match sender.result:
        case Result.FAIL:
            return objection(action, reason, codes.SPF_FAILED, arrival.spf)
        case Result.SOFTFAIL:
            # RFC 7208 §8.5: no reason to refuse by itself.
            milder = Action.JUNK if action is Action.REFUSE else action
            return objection(milder, reason, codes.SPF_FAILED, arrival.spf)
        case Result.TEMPERROR:
            return undecided(action, reason, arrival.spf)
        case _:
            return Verdict(Outcome.ACCEPT, findings=arrival.spf)


async def _findings(arrival: Arrival) -> tuple[Finding, ...]:
    """MAIL's identity first, then HELO's; what cannot be a domain has none."""
    sender = arrival.envelope.sender if arrival.envelope else None
    identities = []
    if sender is not None and not sender.domain.startswith("["):
        identities.append((str(sender), sender.domain, "smtp.mailfrom"))
    if name := helo.domain(arrival.helo):
        identities.append((f"postmaster@{name}", name, "smtp.helo"))
    results = await asyncio.gather(
        *(_evaluated(arrival.desk, arrival.peer, one, arrival.helo) for one, _, _ in identities)
    )
    return tuple(
        Finding("spf", result, "", ((kind, domain),))
        for (_, domain, kind), result in zip(identities, results, strict=True)
    )
