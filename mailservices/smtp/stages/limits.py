"""Headers that no honest message has: too many fields, or one that has no end. Parts are counted in deliver.py."""

from mailservices.mail import codes, headers
from mailservices.smtp.stages.arrival import PASSED, Arrival, Outcome, Verdict

#: Fields of a header, and octets of one of them.
FIELDS = 2000
FIELD_OCTETS = 128 * 1024


async def check(arrival: Arrival) -> Verdict:
    """A header that is small as a whole is within all limits."""
    header = arrival.header
    if header.count(b"\n") <= FIELDS and len(header) <= FIELD_OCTETS:
        return PASSED
    lengths = [len(value) for _, value in headers.fields(header)]
    if len(lengths) <= FIELDS and max(lengths, default=0) <= FIELD_OCTETS:
        return PASSED
    reason = f"{len(lengths)} fields, the longest of {max(lengths, default=0)} octets"
    return Verdict(Outcome.REFUSE, reason, reply=codes.TOO_MANY_FIELDS)
