"""Reports on TLS: what ours say, and what those of others say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mailservices.mail import tls_report
from mailservices.mail.errors import ProtocolError
from mailservices.mail.tls_report import Failure, Report, Session

BEGIN, END = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
STS = ("version: STSv1", "mode: enforce", "mx: *.far.test")
WELL = Session("sts", STS, ("*.far.test",))
BADLY = Session(
    "sts", STS, ("*.far.test",), "certificate-expired", "mx.far.test", "192.0.2.1", "192.0.2.9", "It is over"
)
NOBODY = Session("no-policy-found", failure="starttls-not-supported", host="mx.far.test")


def test_a_report_of_ours_says_what_the_rfc_wants() -> None:
    rows = (("far.test", WELL, 5), ("far.test", BADLY, 2), ("far.test", NOBODY, 1))
    made = json.loads(tls_report.build(Report("mx.us.test", "postmaster@us.test", "1@us.test", BEGIN, END, rows)))
    assert made == {
        "organization-name": "mx.us.test",
        "date-range": {"start-datetime": "2026-05-04T00:00:00Z", "end-datetime": "2026-05-04T23:59:59Z"},
        "contact-info": "postmaster@us.test",
        "report-id": "1@us.test",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-domain": "far.test",
                    "policy-string": list(STS),
                    "mx-host": ["*.far.test"],
                },
                "summary": {"total-successful-session-count": 5, "total-failure-session-count": 2},
                "failure-details": [
                    {
                        "result-type": "certificate-expired",
                        "sending-mta-ip": "192.0.2.9",
                        "receiving-mx-hostname": "mx.far.test",
                        "receiving-ip": "192.0.2.1",
                        "failure-reason-code": "It is over",
                        "failed-session-count": 2,
                    }
                ],
            },
            {
                "policy": {"policy-type": "no-policy-found", "policy-domain": "far.test"},
                "summary": {"total-successful-session-count": 0, "total-failure-session-count": 1},
                "failure-details": [
                    {
                        "result-type": "starttls-not-supported",
                        "receiving-mx-hostname": "mx.far.test",
                        "failed-session-count": 1,
                    }
                ],
            },
        ],
    }


def test_a_report_of_ours_is_read_again() -> None:
    rows = (("far.test", WELL, 5), ("far.test", BADLY, 2), ("far.test", NOBODY, 1))
    made = Report("mx.us.test", "postmaster@us.test", "1@us.test", BEGIN, END, rows)
    read = tls_report.read(tls_report.build(made))
    assert read.rows == rows
    assert (read.organisation, read.contact, read.report_id, read.begin) == (
        "mx.us.test", "postmaster@us.test", "1@us.test", BEGIN,
    )  # fmt: skip


def test_what_went_well_has_no_details() -> None:
    made = json.loads(tls_report.build(Report("a", "b", "c", BEGIN, END, (("far.test", WELL, 5),))))
    assert "failure-details" not in made["policies"][0]


def test_facts_are_read_as_they_were_written() -> None:
    assert tls_report.of_facts(BADLY.facts()) == BADLY


@pytest.mark.parametrize(
    ("code", "failure"),
    [(10, Failure.EXPIRED), (62, Failure.HOST_MISMATCH), (18, Failure.NOT_TRUSTED), (0, Failure.VALIDATION)],
)
def test_what_openssl_says_has_a_name(code: int, failure: Failure) -> None:
    assert tls_report.of_verification(code) is failure


def whole(**changes: Any) -> dict[str, Any]:
    policy = {
        "policy": {"policy-type": "tlsa", "policy-domain": "Us.test.", "policy-string": "3 1 1 AA"},
        "summary": {"total-successful-session-count": 1},
        "failure-details": [{"failed-session-count": 1}, None],
    }
    told = {"date-range": {"start-datetime": "2026-05-04T00:00:00", "end-datetime": "2026-05-04T23:59:59Z"}}
    return {**told, "policies": [{**policy, **changes}]}


def test_what_is_not_quite_right_is_read_as_far_as_it_goes() -> None:
    told = whole(**{"failure-details": [{"failed-session-count": 1, "failure-reason-code": "a\0\ud800b"}]})
    read = tls_report.read(json.dumps(told).encode())
    [(domain, well, _), (_, failed, _)] = read.rows
    assert (domain, well.policy, failed.failure) == ("us.test", ("3 1 1 AA",), "validation-failure")
    assert failed.reason == "a?b"
    assert read.begin == BEGIN


@pytest.mark.parametrize(
    "told",
    [
        "no", [], {}, {"policies": {}}, {"policies": []}, {"policies": [1]},
        whole(), whole(policy={}), whole(policy={"policy-type": "tlsa"}),
        whole(policy={"policy-type": "x", "policy-domain": "a"}), whole(summary=1),
        whole(summary={"total-successful-session-count": -1}),
        whole(summary={"total-successful-session-count": 2**50}),
        {**whole(), "date-range": {}},
    ],
)  # fmt: skip
def test_what_says_nonsense_is_refused(told: object) -> None:
    with pytest.raises(ProtocolError):
        tls_report.read(json.dumps(told).encode())


@pytest.mark.parametrize("octets", [b"", b"{", b"\xff", b"[" * 100_000, b'{"policies": [' + b"9" * 5000 + b"]}"])
def test_what_is_no_json_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        tls_report.read(octets)
