"""DMARC (RFC 7489): whose message it says it is, what that domain wishes, and whether SPF or DKIM bear it out.

`check` is a flow of questions. The organisational domain comes from the public suffix list (RFC 7489 §3.2).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from mailservices.mail import addresses, headers
from mailservices.mail.address import normal_domain
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result
from mailservices.mail.organisation import organisational
from mailservices.mail.questions import Addresses, Flow, Found, Mx, Trouble, Txt

#: Octets of one record, and tags in it.
RECORD_OCTETS = 4096
#: Records whose reading is remembered.
PARSED = 1024
TAGS = 50

_VERSION = re.compile(rb"\s*v\s*=\s*DMARC1\s*(?:;|\Z)")
_TAG = re.compile(r"\s*([A-Za-z]+)\s*=\s*(.*?)\s*", re.DOTALL)
_URI = re.compile(r"(?i)\s*(?:mailto|https?):.+")


class Wish(StrEnum):
    """What a domain wishes done with messages that are not its own (RFC 7489 §6.3)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


#: One step milder: of a message that pct left out (RFC 7489 §6.6.4), or of a policy under test (RFC 9989: t=y).
_MILDER = {Wish.REJECT: Wish.QUARANTINE, Wish.QUARANTINE: Wish.NONE, Wish.NONE: Wish.NONE}


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain publishes at _dmarc."""

    policy: Wish
    #: Of its subdomains, and of those that do not exist (RFC 9091); None: as `policy`, or as `subdomains`.
    subdomains: Wish | None = None
    missing: Wish | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100
    testing: bool = False
    #: Where it wants aggregate reports, as it stands.
    reports: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """The record that a message was judged by, where it stands, and what it was judged to be."""

    where: str
    record: Record
    #: Whether an aligned identifier of each kind passed.
    dkim: bool
    spf: bool
    #: Whether `pct` left the message out.
    sampled_out: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found, and what the domain wishes if it is a failure."""

    finding: Finding
    wish: Wish = Wish.NONE
    #: None where nothing was judged.
    published: Published | None = None


def author(header: bytes) -> str | None:
    """The domain in From; None where there is no From, which then forges nobody.

    Raises:
        ProtocolError: nobody can say whose message it claims to be (RFC 7489 §6.6.1).
    """
    values = [value for name, value in headers.fields(header) if name == b"from"]
    if not values:
        return None
    if len(values) > 1:
        raise ProtocolError("there are several From fields")
    listed = [one for one in addresses.parse(headers.unfold(values[0])) if one.host is not None]
    domains = {normal_domain((one.host or b"").decode("utf-8", "replace")) for one in listed}
    if len(domains) != 1:
        raise ProtocolError("From names several domains" if domains else "From names no address")
    return domains.pop()


@lru_cache(PARSED)
def parse(octets: bytes) -> Record:
    """A record of version 1 (RFC 7489 §6.4). Tags that are not known or not valid are passed over (§6.3).

    Raises:
        ProtocolError: it says no policy, or is none.
    """
    if not is_record(octets):
        raise ProtocolError("it is no DMARC record")
    found = tags(octets)
    reports = found.get("rua", "")
    policy, subdomains = _wish(found.get("p")), _wish(found.get("sp"))
    if policy is None or ("sp" in found and subdomains is None):
        # RFC 7489 §6.6.3: who asks for reports is taken to say "none".
        if not any(_URI.fullmatch(uri) for uri in reports.split(",")):
            raise ProtocolError("its policy is not valid")
        policy, subdomains = Wish.NONE, None
    percent = found.get("pct", "")
    return Record(
        policy,
        subdomains,
        _wish(found.get("np")),
        strict_dkim=found.get("adkim", "").lower() == "s",
        strict_spf=found.get("aspf", "").lower() == "s",
        percent=min(int(percent), 100) if percent.isascii() and percent.isdigit() and len(percent) <= 3 else 100,
        testing=found.get("t", "").lower() == "y",
        reports=reports,
    )


def is_record(octets: bytes) -> bool:
    """Whether a text is a record of version 1, whatever else it says."""
    return len(octets) <= RECORD_OCTETS and _VERSION.match(octets) is not None


def tags(octets: bytes) -> dict[str, str]:
    """Names in lower case -> values. The last of two with one name wins, which no domain should rely on."""
    parts = octets.decode("ascii", "replace").split(";")[:TAGS]
    return {match[1].lower(): match[2] for part in parts if (match := _TAG.fullmatch(part))}


def _wish(text: str | None) -> Wish | None:
    try:
        return Wish((text or "").lower())
    except ValueError:
        return None


def check(domain: str, findings: Sequence[Finding], roll: int) -> Flow[Evaluation]:
    """Whether a message whose From names this domain is the domain's, by what SPF and DKIM found.

    Args:
        roll: a number from 0 to 99 that decides whether the message is among the `pct` (RFC 7489 §6.6.4).
    """
    properties = (("header.from", domain),)
    try:
        published = yield from _discover(domain)
    except ProtocolError as error:
        return Evaluation(Finding("dmarc", Result.PERMERROR, str(error), properties))
    except _Untold:
        # RFC 7489 §6.6.3: nobody knows what the domain wishes, so nothing is known that would let it pass either.
        return Evaluation(Finding("dmarc", Result.TEMPERROR, "the policy cannot be looked up", properties))
    if published is None:
        return Evaluation(Finding("dmarc", Result.NONE, "", properties))
    where, record = published
    dkim, spf = _aligned_results(domain, record, findings)
    result = _result(dkim + spf)
    judged = Published(where, record, Result.PASS in dkim, Result.PASS in spf)
    if result is Result.PASS:
        return Evaluation(Finding("dmarc", result, "", properties), published=judged)
    wish = yield from _applicable(domain, where, record)
    left_out = roll >= record.percent
    if record.testing or left_out:
        wish = _MILDER[wish]
    judged = replace(judged, sampled_out=left_out)
    return Evaluation(Finding("dmarc", result, f"policy {wish} of {where}", properties), wish, judged)


class _Untold(Exception):
    """No name server told."""


def _discover(domain: str) -> Flow[tuple[str, Record] | None]:
    """The record of the domain, or of its organisational domain (RFC 7489 §6.6.3), and where it stands."""
    for where in dict.fromkeys((domain, organisational(domain))):
        answer = yield Txt(f"_dmarc.{where}")
        if isinstance(answer, Trouble):
            raise _Untold
        texts = answer.records if isinstance(answer, Found) else ()
        records = [text for text in texts if isinstance(text, bytes) and _VERSION.match(text)]
        if len(records) > 1:
            return None  # RFC 7489 §6.6.3: as if there were none
        if records:
            return where, parse(records[0])
    return None


def _applicable(domain: str, where: str, record: Record) -> Flow[Wish]:
    if domain == where:
        return record.policy
    if record.missing is not None and not (yield from _exists(domain)):
        return record.missing
    return record.policy if record.subdomains is None else record.subdomains


def _exists(domain: str) -> Flow[bool]:
    """RFC 9091 §2.7: whether it has an address or a mail host; where nobody tells, it may."""
    for question in (Addresses(domain), Mx(domain)):
        answer = yield question
        if isinstance(answer, Found | Trouble):
            return True
    return False


def _aligned_results(
    domain: str, record: Record, findings: Sequence[Finding]
) -> tuple[list[Result], list[Result]]:
    """What DKIM and SPF found of identifiers that are aligned."""
    return (
        [result for one, result in _dkim(findings) if _aligned(one, domain, strict=record.strict_dkim)],
        [result for one, result in _spf(findings) if _aligned(one, domain, strict=record.strict_spf)],
    )


def _result(results: Sequence[Result]) -> Result:
    """RFC 7489 §4.2: one aligned identifier that passed is enough."""
    if Result.PASS in results:
        return Result.PASS
    # What could not be found out might have been a pass.
    return Result.TEMPERROR if Result.TEMPERROR in results else Result.FAIL


def _spf(findings: Sequence[Finding]) -> Iterator[tuple[str, Result]]:
    """The sender's domain; only a null sender's is HELO (RFC 7489 §4.1)."""
    spf = [(dict(finding.properties), finding.result) for finding in findings if finding.method == "spf"]
    kind = "smtp.mailfrom" if any("smtp.mailfrom" in properties for properties, _ in spf) else "smtp.helo"
    for properties, result in spf:
        if kind in properties:
            yield properties[kind].rpartition("@")[2].lower(), result


def _dkim(findings: Sequence[Finding]) -> Iterator[tuple[str, Result]]:
    for finding in findings:
        if finding.method == "dkim" and (signer := dict(finding.properties).get("header.d")):
            yield signer.lower(), finding.result


def _aligned(one: str, domain: str, *, strict: bool) -> bool:
    """RFC 7489 §3.1: the same domain, or in relaxed mode of the same organisation."""
    return one == domain or (not strict and organisational(one) == organisational(domain))
