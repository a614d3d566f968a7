"""Whether an address has a name that leads back to it (RFC 8601 §3: "iprev"), as a flow of questions."""

import ipaddress

from mailservices.mail.findings import Finding, Result
from mailservices.mail.questions import Addresses, Flow, Found, Ptr, Trouble

#: Names of one address that are looked up: RFC 7208 §4.6.4 allows SPF as many.
NAMES = 10


def check(address: str) -> Flow[Finding]:
    """Forward-confirmed reverse DNS of a client."""
    properties = (("policy.iprev", address),)
    answer = yield Ptr(address)
    if isinstance(answer, Trouble):
        return Finding("iprev", Result.TEMPERROR, "its name cannot be looked up", properties)
    if not isinstance(answer, Found):
        return Finding("iprev", Result.PERMERROR, "it has no name", properties)
    wanted = ipaddress.ip_address(address)
    trouble = False
    for record in answer.records[:NAMES]:
        forward = yield Addresses(str(record), wanted.version)
        trouble = trouble or isinstance(forward, Trouble)
        if isinstance(forward, Found) and any(ipaddress.ip_address(str(one)) == wanted for one in forward.records):
            return Finding("iprev", Result.PASS, "", properties)
    if trouble:
        return Finding("iprev", Result.TEMPERROR, "its name's addresses cannot be looked up", properties)
    return Finding("iprev", Result.FAIL, "its name does not lead back to it", properties)
