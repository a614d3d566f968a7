"""Aggregate reports of DMARC (RFC 7489 §7.2, appendix C): what was seen, as ours tell it, and what others' tell.

Those of RFC 9990's form are read too: names are what counts, namespaces and new elements are passed over.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

from mailservices.mail.dmarc import Evaluation, Wish
from mailservices.mail.elements import Element, parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding

#: Rows of one report that are read, results of one row, and the latest moment that a report may speak of.
ROWS: Final = 20_000
RESULTS: Final = 10
LATEST: Final = 2**33
#: XML 1.0 §2.2: what it cannot hold.
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VALUE: Final = 255


@dataclass(frozen=True, slots=True)
class Policy:
    """What the record said, in its own words."""

    p: str = ""
    sp: str = ""
    adkim: str = ""
    aspf: str = ""
    pct: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What messages had in common that are counted together: one row of a report."""

    #: An IP address.
    source: str
    disposition: str
    #: Whether there was a pass that was aligned.
    dkim: bool
    spf: bool
    header_from: str
    envelope_from: str = ""
    #: Why the disposition is not what the policy says (appendix C, PolicyOverrideType).
    reasons: tuple[str, ...] = ()
    #: (domain, selector, result) of each signature, and (domain, scope, result).
    signatures: tuple[tuple[str, str, str], ...] = ()
    senders: tuple[tuple[str, str, str], ...] = ()
    policy: Policy = Policy()

    def facts(self) -> str:
        """As JSON; the same of the same."""
        return json.dumps(asdict(self), sort_keys=True)


def of_facts(text: str) -> Seen:
    """What `facts` wrote."""
    values = json.loads(text)
    for name in ("signatures", "senders"):
        values[name] = tuple(tuple(one) for one in values[name])
    return Seen(**{**values, "reasons": tuple(values["reasons"]), "policy": Policy(**values["policy"])})


def seen(
    source: str, found: Evaluation, disposition: Wish, findings: Sequence[Finding], reasons: Sequence[str] = ()
) -> Seen | None:
    """What a report tells of a message; None where its domain wants none."""
    published = found.published
    if published is None or not published.record.reports:
        return None
    record = published.record
    signatures = [
        (properties["header.d"], properties.get("header.s", ""), finding.result.value)
        for finding in findings
        if finding.method == "dkim" and "header.d" in (properties := dict(finding.properties))
    ]
    senders = list(_senders(findings))
    return Seen(
        source,
        disposition.value,
        published.dkim,
        published.spf,
        dict(found.finding.properties)["header.from"],
        next((domain for domain, scope, _ in senders if scope == "mfrom"), ""),
        tuple(reasons),
        tuple(signatures[:RESULTS]),
        tuple(senders[:RESULTS]),
        Policy(
            record.policy.value,
            (record.subdomains or record.policy).value,
            "s" if record.strict_dkim else "r",
            "s" if record.strict_spf else "r",
            str(record.percent),
        ),
    )


def _senders(findings: Sequence[Finding]) -> Iterator[tuple[str, str, str]]:
    for finding in findings:
        if finding.method == "spf":
            properties = dict(finding.properties)
            if "smtp.mailfrom" in properties:
                yield properties["smtp.mailfrom"].rpartition("@")[2].lower(), "mfrom", finding.result.value
            elif "smtp.helo" in properties:
                yield properties["smtp.helo"].lower(), "helo", finding.result.value


@dataclass(frozen=True, slots=True)
class Report:
    """One report: by whom, on what domain, from when to when, and its rows with how many messages each."""

    organisation: str
    email: str
    report_id: str
    domain: str
    begin: datetime
    end: datetime
    rows: tuple[tuple[Seen, int], ...]
    policy: Policy = Policy()


def build(report: Report) -> bytes:
    """The XML of a report of ours; its rows are those of one domain."""
    policy = report.policy
    head = _element(
        "report_metadata",
        _element("org_name", report.organisation),
        _element("email", report.email),
        _element("report_id", report.report_id),
        _element(
            "date_range",
            _element("begin", str(int(report.begin.timestamp()))),
            _element("end", str(int(report.end.timestamp()) - 1)),
        ),
    )
    published = _element(
        "policy_published",
        _element("domain", report.domain),
        *(_element(name, value) for name, value in asdict(policy).items() if value),
        _element("fo", "0"),
    )
    rows = [_row(one, count) for one, count in report.rows]
    text = _element("feedback", _element("version", "1.0"), head, published, *rows)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + str(text).encode() + b"\n"


class _Written(str):
    """What is XML already."""

    __slots__ = ()


def _element(name: str, *parts: str) -> _Written:
    inside = "".join(one if isinstance(one, _Written) else escape(_NOT_XML.sub("\ufffd", one)) for one in parts)
    return _Written(f"<{name}>{inside}</{name}>")


def _row(one: Seen, count: int) -> _Written:
    evaluated = _element(
        "policy_evaluated",
        _element("disposition", one.disposition),
        _element("dkim", _word(one.dkim)),
        _element("spf", _word(one.spf)),
        *(_element("reason", _element("type", reason)) for reason in one.reasons),
    )
    signatures = [
        _element("dkim", _element("domain", domain), _element("selector", selector), _element("result", result))
        for domain, selector, result in one.signatures
    ]
    senders = [
        _element("spf", _element("domain", domain), _element("scope", scope), _element("result", result))
        for domain, scope, result in one.senders
    ]
    return _element(
        "record",
        _element("row", _element("source_ip", one.source), _element("count", str(count)), evaluated),
        _element(
            "identifiers",
            _element("envelope_from", one.envelope_from),
            _element("header_from", one.header_from),
        ),
        _element("auth_results", *signatures, *senders),
    )


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def read(octets: bytes) -> Report:
    """A report of somebody else, unpacked.

    Raises:
        ProtocolError: it is none, or says what cannot be.
    """
    top = parse(octets)
    if top.name != "feedback":
        raise ProtocolError("It is no aggregate report")
    rows = tuple(_read_row(one) for _, one in zip(range(ROWS), top.all("record"), strict=False))
    published = top.first("policy_published")
    domain = _short(published.value("domain")).lower().rstrip(".")
    if not domain:
        raise ProtocolError("It says of no domain")
    head = top.first("report_metadata")
    return Report(
        _short(head.value("org_name")),
        _short(head.value("email")),
        _short(head.value("report_id")),
        domain,
        _moment(head.value("date_range", "begin")),
        _moment(head.value("date_range", "end")),
        rows,
        Policy(*(_short(published.value(name))[:10] for name in ("p", "sp", "adkim", "aspf", "pct"))),
    )


def _read_row(record: Element) -> tuple[Seen, int]:
    row = record.first("row")
    evaluated = row.first("policy_evaluated")
    results = record.first("auth_results")
    # RFC 9990: "pass" stands there for a message that passed.
    disposition = evaluated.value("disposition").lower().replace("pass", "none") or "none"
    if disposition not in list(Wish):
        raise ProtocolError("It says an unknown disposition")
    try:
        source = str(ipaddress.ip_address(row.value("source_ip")))
    except ValueError as error:
        raise ProtocolError("It names a source that is no address") from error
    return Seen(
        source,
        disposition,
        evaluated.value("dkim").lower() == "pass",
        evaluated.value("spf").lower() == "pass",
        _short(record.value("identifiers", "header_from")).lower(),
        _short(record.value("identifiers", "envelope_from")).lower(),
        tuple(_short(one.value("type")) for one in evaluated.all("reason"))[:RESULTS],
        tuple(_results(results, "dkim", "selector")),
        tuple(_results(results, "spf", "scope")),
    ), _number(row.value("count"))


def _results(results: Element, method: str, second: str) -> Iterator[tuple[str, str, str]]:
    for _, one in zip(range(RESULTS), results.all(method), strict=False):
        yield _short(one.value("domain")).lower(), _short(one.value(second)), _short(one.value("result")).lower()


def _short(text: str) -> str:
    return text[:_VALUE]


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) >= LATEST:
        raise ProtocolError("A number in it is none")
    return int(text)


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(_number(text), UTC)
