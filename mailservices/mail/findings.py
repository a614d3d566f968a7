"""What a check found out about where a message comes from, in the words of RFC 8601 §2.7.

Every check (SPF, DKIM, DMARC, ARC, reverse DNS) ends in findings; Authentication-Results, the trace and the policy
read them.
"""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """RFC 8601 §2.7. TEMPERROR: nobody could tell now; no reason to accept, nor to refuse for good."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of one method."""

    #: As registered: "spf", "dkim", "dmarc", "arc", "iprev".
    method: str
    result: Result
    #: A few words for a reader of the header; never from the stranger unquoted.
    reason: str = ""
    #: RFC 8601 §2.3: such as ("smtp.mailfrom", "example.org") or ("header.d", "example.org").
    properties: tuple[tuple[str, str], ...] = ()
