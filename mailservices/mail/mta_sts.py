"""MTA-STS (RFC 8461): what a domain says of TLS at its hosts, in the DNS and over HTTPS. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from mailservices.mail.errors import ProtocolError

#: RFC 8461 §3.3.
POLICY_OCTETS: Final = 64 * 1024
#: Patterns of hosts that are kept.
HOSTS: Final = 100
#: RFC 8461 §3.2: a year, about.
LONGEST: Final = timedelta(seconds=31_557_600)

_RECORD: Final = re.compile(rb"v=STSv1[ \t]*;")
_ID: Final = re.compile(rb";[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*(?:;|$)")
_LINE: Final = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*?)[ \t]*", re.ASCII)
_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+\.?", re.ASCII)


class Mode(StrEnum):
    """RFC 8461 §5."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain says; `hosts` in lower case, some with "*." before them."""

    mode: Mode
    hosts: tuple[str, ...]
    max_age: timedelta

    def names(self, host: str) -> bool:
        """RFC 8461 §4.1: whether it is one of the domain's hosts; a star stands for just one label."""
        return host in self.hosts or f"*.{host.partition('.')[2]}" in self.hosts


def name(domain: str) -> str:
    """Where the record is that says whether there is a policy."""
    return f"_mta-sts.{domain}"


def host(domain: str) -> str:
    """The host that has the policy."""
    return f"mta-sts.{domain}"


#: The path of the policy there.
PATH: Final = "/.well-known/mta-sts.txt"


def record_id(records: Iterable[bytes]) -> str:
    """RFC 8461 §3.1: what tells one version of the policy from another; empty: there is no policy."""
    ours = [one for one in records if _RECORD.match(one)]
    found = _ID.search(ours[0]) if len(ours) == 1 else None
    return found[1].decode() if found else ""


def parse(octets: bytes) -> Policy:
    """RFC 8461 §3.2.

    Raises:
        ProtocolError: it is none.
    """
    if len(octets) > POLICY_OCTETS:
        raise ProtocolError("The policy is too long.")
    fields: dict[str, str] = {}
    hosts: list[str] = []
    for line in octets.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if not match:
            if line.strip():
                raise ProtocolError("A line of the policy is no field.")
            continue
        if match[1] == "mx":
            hosts.append(match[2].lower())
        else:
            # RFC 8461 §3.2: of fields that stand there twice the first counts.
            fields.setdefault(match[1], match[2])
    return _policy(fields, hosts)


def _policy(fields: dict[str, str], hosts: list[str]) -> Policy:
    age, mode = fields.get("max_age", ""), fields.get("mode", "")
    if fields.get("version") != "STSv1" or mode not in list(Mode):
        raise ProtocolError("The policy has no version or no mode.")
    if not age.isascii() or not age.isdigit() or len(age) > 10:
        raise ProtocolError("The policy does not say how long it holds.")
    if (not hosts and mode != Mode.NONE) or len(hosts) > HOSTS:
        raise ProtocolError("The policy names no hosts, or too many.")
    if not all(_HOST.fullmatch(one) for one in hosts):
        raise ProtocolError("A host of the policy is none.")
    return Policy(Mode(mode), tuple(one.rstrip(".") for one in hosts), min(timedelta(seconds=int(age)), LONGEST))
