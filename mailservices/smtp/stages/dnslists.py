"""DNS blocklists and allowlists (RFC 5782), all asked at once: who stands in one that refuses is refused.

An allowlist speaks for its clients: then no blocklist holds them up, nor does greylisting.
"""

import asyncio

from mailservices import log
from mailservices.mail import codes, dnslist
from mailservices.mail.codes import Reply
from mailservices.mail.dnslist import DnsList, Meaning
from mailservices.mail.findings import Finding, Result
from mailservices.mail.policy import ListEffect
from mailservices.mail.questions import Addresses, Found, Trouble, Txt
from mailservices.smtp.stages.arrival import PASSED, Arrival, Desk, Outcome, Verdict

#: Seconds for all lists together.
LISTS_LIMIT = 8.0
#: Characters of a list's own words that are kept.
WORDS = 200

_OUTCOMES = {ListEffect.JUNK: Outcome.JUNK, ListEffect.REFUSE: Outcome.REFUSE}

_log = log.get()


async def check(arrival: Arrival) -> Verdict:
    """Asked once for a client, not for each of its messages."""
    if not arrival.policy.dnslists or not arrival.rules.lists:
        return PASSED
    if arrival.client.listed is None:
        arrival.client.listed = await _ask_all(arrival)
    return arrival.client.listed[0]


async def _ask_all(arrival: Arrival) -> tuple[Verdict, bool]:
    asked = [one for one in arrival.rules.lists if arrival.desk.listings.usable(one.zone)]
    verdicts = await asyncio.gather(*(_ask(arrival.desk, one, arrival.peer) for one in asked))
    findings = tuple(finding for verdict in verdicts for finding in verdict.findings)
    if any(finding.method == "dnswl" and finding.result is Result.PASS for finding in findings):
        return Verdict(findings=findings), True
    worst = max(verdicts, key=lambda verdict: verdict.outcome, default=PASSED)
    return Verdict(worst.outcome, worst.reason, findings, worst.reply), False


async def _ask(desk: Desk, one: DnsList, address: str) -> Verdict:
    """What one list says."""
    name = dnslist.name(address, one.zone)
    try:
        async with asyncio.timeout(LISTS_LIMIT):
            answer = await desk.resolver.ask(Addresses(name, 4))
    except TimeoutError:
        answer = Trouble("it did not answer in time")
    if isinstance(answer, Trouble):
        return _silent(desk, one)
    desk.listings.answered(one.zone)
    meaning = one.meaning(answer.records) if isinstance(answer, Found) else Meaning.NOT_LISTED
    if meaning is Meaning.BROKEN:
        desk.listings.broken(one.zone, "answers with an error")
    if meaning is not Meaning.LISTED:
        return PASSED
    words = await _words(desk, name)
    properties = (
        ("dns.zone", one.zone),
        ("policy.ip", str(answer.records[0]) if isinstance(answer, Found) else ""),
    )
    if one.effect is ListEffect.ALLOW:
        return Verdict(findings=(Finding("dnswl", Result.PASS, "", properties),))  # RFC 8904 §2
    _log.info("client listed", zone=one.zone, words=words)
    reply = Reply(codes.LISTED.code, codes.LISTED.enhanced, f"{codes.LISTED.text}: {one.zone}")
    finding = Finding("x-dnsbl", Result.FAIL, "", properties)
    return Verdict(
        _OUTCOMES.get(one.effect, Outcome.ACCEPT), f"listed by {one.zone}: {words}".rstrip(": "), (finding,), reply
    )


def _silent(desk: Desk, one: DnsList) -> Verdict:
    """A list that would refuse or sort out must answer; one that does not for long is passed over (Listings)."""
    desk.listings.failed(one.zone)
    finding = Finding("x-dnsbl", Result.TEMPERROR, "", (("dns.zone", one.zone),))
    needed = one.effect in _OUTCOMES and desk.listings.usable(one.zone)
    reason = f"{one.zone} did not answer" if needed else ""
    return Verdict(Outcome.LATER if needed else Outcome.ACCEPT, reason, (finding,))


async def _words(desk: Desk, name: str) -> str:
    """The list's own reason (RFC 5782 §2.1), for log and trace; nothing depends on it."""
    answer = await desk.resolver.ask(Txt(name))
    if not isinstance(answer, Found):
        return ""
    text = b"".join(record for record in answer.records[:1] if isinstance(record, bytes))
    return "".join(one if one.isprintable() else "?" for one in text.decode("utf-8", "replace"))[:WORDS]
