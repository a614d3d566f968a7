"""Reports on TLS (RFC 8460 §4): what sessions came to, as a report tells it, and what others' tell."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from mailservices.mail.errors import ProtocolError

#: Policies of one report that are read, and failures of each.
POLICIES: Final = 1000
FAILURES: Final = 1000
_MOST: Final = 2**40
_VALUE: Final = 255


class PolicyType(StrEnum):
    """RFC 8460 §4.4."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


class Failure(StrEnum):
    """RFC 8460 §4.3: those that we tell of."""

    NO_STARTTLS = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    STS_FETCH = "sts-policy-fetch-error"


#: What OpenSSL says of a certificate (X509_V_ERR_…) -> what a report says.
_VERIFICATION: Final = {10: Failure.EXPIRED, 62: Failure.HOST_MISMATCH, 64: Failure.HOST_MISMATCH}


def of_verification(code: int) -> Failure:
    """What a report says of a certificate that OpenSSL refused with this code; 0: it was something else."""
    return _VERIFICATION.get(code, Failure.NOT_TRUSTED) if code else Failure.VALIDATION


@dataclass(frozen=True, slots=True)
class Session:
    """What sessions had in common that are counted together."""

    policy_type: str
    #: The policy as §4.5 wants it, and the patterns of hosts in it.
    policy: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    #: A Failure, or empty: TLS came about as it should.
    failure: str = ""
    host: str = ""
    #: Of the host, and ours; empty where it did not come to that.
    address: str = ""
    own_address: str = ""
    reason: str = ""

    def facts(self) -> str:
        """As JSON; the same of the same."""
        return json.dumps(asdict(self), sort_keys=True)


def of_facts(text: str) -> Session:
    """What `facts` wrote."""
    values = json.loads(text)
    return Session(**{**values, "policy": tuple(values["policy"]), "hosts": tuple(values["hosts"])})


@dataclass(frozen=True, slots=True)
class Report:
    """One report: by whom, from when to when, and of each session how many there were."""

    organisation: str
    contact: str
    report_id: str
    begin: datetime
    end: datetime
    #: (policy domain, session, how many): of successes, those without a failure.
    rows: tuple[tuple[str, Session, int], ...]


def build(report: Report) -> bytes:
    """The JSON of a report of ours."""
    policies: dict[tuple[str, str, tuple[str, ...]], list[tuple[Session, int]]] = {}
    for domain, session, count in report.rows:
        policies.setdefault((domain, session.policy_type, session.policy), []).append((session, count))
    end = report.end - timedelta(seconds=1)
    whole = {
        "organization-name": report.organisation,
        "date-range": {"start-datetime": _moment(report.begin), "end-datetime": _moment(end)},
        "contact-info": report.contact,
        "report-id": report.report_id,
        "policies": [_policy(domain, rows) for (domain, _, _), rows in policies.items()],
    }
    return json.dumps(whole).encode()


def _moment(at: datetime) -> str:
    """RFC 3339 §5.6."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _policy(domain: str, rows: Sequence[tuple[Session, int]]) -> dict[str, Any]:
    first = rows[0][0]
    policy: dict[str, Any] = {"policy-type": first.policy_type, "policy-domain": domain}
    if first.policy:
        policy["policy-string"] = list(first.policy)
    if first.hosts:
        policy["mx-host"] = list(first.hosts)
    failed = [(one, count) for one, count in rows if one.failure]
    told: dict[str, Any] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sum(count for one, count in rows if not one.failure),
            "total-failure-session-count": sum(count for _, count in failed),
        },
    }
    if failed:
        told["failure-details"] = [_failure(one, count) for one, count in failed]
    return told


def _failure(one: Session, count: int) -> dict[str, Any]:
    told = {
        "result-type": one.failure,
        "sending-mta-ip": one.own_address,
        "receiving-mx-hostname": one.host,
        "receiving-ip": one.address,
        "failure-reason-code": one.reason,
    }
    return {name: value for name, value in told.items() if value} | {"failed-session-count": count}


def read(octets: bytes) -> Report:
    """A report of somebody else, unpacked.

    Raises:
        ProtocolError: it is none, or says what cannot be.
    """
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("That is no JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("policies"), list):
        raise ProtocolError("It is no report on TLS")
    range_ = _dict(found.get("date-range"))
    rows = [row for one in found["policies"][:POLICIES] for row in _read_policy(_dict(one))]
    return Report(
        _text(found.get("organization-name")),
        _text(found.get("contact-info")),
        _text(found.get("report-id")),
        _read_moment(range_.get("start-datetime")),
        _read_moment(range_.get("end-datetime")),
        tuple(rows),
    )


def _read_policy(told: dict[str, Any]) -> Iterator[tuple[str, Session, int]]:
    policy, summary = _dict(told.get("policy")), _dict(told.get("summary"))
    domain = _text(policy.get("policy-domain")).lower().rstrip(".")
    kind = _text(policy.get("policy-type"))
    if kind not in list(PolicyType) or not domain:
        raise ProtocolError("It says of no domain, or of an unknown kind of policy")
    strings = tuple(_text(one) for one in _list(policy.get("policy-string"))[:FAILURES])
    hosts = tuple(_text(one) for one in _list(policy.get("mx-host"))[:FAILURES])
    successes = _number(summary.get("total-successful-session-count"))
    if successes:
        yield domain, Session(kind, strings, hosts), successes
    for one in _list(told.get("failure-details"))[:FAILURES]:
        failed = _dict(one)
        yield (
            domain,
            Session(
                kind,
                strings,
                hosts,
                _text(failed.get("result-type")) or Failure.VALIDATION.value,
                _text(failed.get("receiving-mx-hostname")).lower(),
                _text(failed.get("receiving-ip")),
                _text(failed.get("sending-mta-ip")),
                _text(failed.get("failure-reason-code")),
            ),
            _number(failed.get("failed-session-count")),
        )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    """RFC 8460 has lists where some write the only one without brackets."""
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text[:_VALUE].encode("utf-8", "replace").decode().replace("\0", "")


def _number(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise ProtocolError("A number in it is none")
    return value


def _read_moment(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError as error:
        raise ProtocolError("It does not say from when to when") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
