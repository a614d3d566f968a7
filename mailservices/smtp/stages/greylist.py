"""Greylisting: whom nobody knows is asked to come again, which most who send junk never do. Off by default."""

from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.mail.findings import Result
from mailservices.net.rates import network
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict
from mailservices.store import greylist

#: Bits of an address that stand for its network: large senders come again from a neighbour.
IPV4_BITS = 24
IPV6_BITS = 64


async def check(arrival: Arrival) -> Verdict:
    """By the client's network, the sender's domain and the recipient."""
    if not arrival.policy.greylist or arrival.envelope is None or arrival.recipient is None:
        return PASSED
    if arrival.client.listed is not None and arrival.client.listed[1]:
        return PASSED  # an allowlist speaks for it
    sender = arrival.envelope.sender
    answer = await greylist.attempt(
        arrival.desk.pool,
        network(arrival.peer, IPV4_BITS, IPV6_BITS),
        sender.domain if sender else "",
        f"{arrival.recipient.without_detail()}@{arrival.recipient.domain}",
        spf_passed=bool(sender and arrival.spf and arrival.spf[0].result is Result.PASS),
    )
    if answer.passes:
        return PASSED
    reply = Reply(
        codes.GREYLISTED.code, codes.GREYLISTED.enhanced, f"{codes.GREYLISTED.text} in {answer.seconds} seconds"
    )
    return Verdict(Outcome.LATER, f"greylisted for {answer.seconds} s", reply=reply)
