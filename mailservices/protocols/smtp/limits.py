"""What a host says of its limits in answer to EHLO (RFC 9422)."""

import re
from dataclasses import dataclass

#: RFC 9422 §4: a number that begins with no zero, of six digits at most.
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Limits:
    """0: the host says nothing of it. RCPTDOMAINMAX is kept by whoever has recipients of one domain only."""

    #: MAIL commands in a session, and RCPT commands in a transaction, whatever is said to them.
    mails: int = 0
    recipients: int = 0


def read(text: str) -> Limits:
    """The limits that the keyword LIMITS tells; what is not understood is passed over (RFC 9422 §3)."""
    found = {"MAILMAX": 0, "RCPTMAX": 0}
    for word in text.split():
        name, _, value = word.partition("=")
        if name.upper() in found and _NUMBER.fullmatch(value):
            found[name.upper()] = int(value)
    return Limits(found["MAILMAX"], found["RCPTMAX"])
