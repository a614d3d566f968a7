"""A message that goes round in circles: it has passed too many hosts, or comes back to who sent it on."""

from mailservices.mail import codes, headers
from mailservices.mail.trace import HOPS
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict


async def check(arrival: Arrival) -> Verdict:
    """RFC 5321 §6.3: count the Received fields; and look for our own Delivered-To (RFC 9228)."""
    if arrival.header.lower().count(b"received") > HOPS and headers.count(arrival.header, b"received") > HOPS:
        return Verdict(Outcome.REFUSE, "mail loop: Received", reply=codes.LOOP)
    if _came_back(arrival):
        return Verdict(Outcome.REFUSE, "mail loop: Delivered-To", reply=codes.LOOP)
    return PASSED


def _came_back(arrival: Arrival) -> bool:
    """Whether a recipient that leads elsewhere has sent this message on already.

    One whose mail stays here is not looked at: a message that was kept may be sent again.
    """
    if not any(route.remote for route in arrival.routes):
        return False
    recipients = arrival.envelope.recipients if arrival.envelope else []
    forwarders = {
        str(recipient.address).lower()
        for recipient, route in zip(recipients, arrival.routes, strict=True)
        if any(address != recipient.address for address in route.remote)
    }
    if not forwarders:
        return False
    passed = {
        headers.unfold(value).decode("utf-8", "replace").lower()
        for name, value in headers.fields(arrival.header)
        if name == b"delivered-to"
    }
    return bool(passed & forwarders)
