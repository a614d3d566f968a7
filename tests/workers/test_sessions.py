"""What is counted of TLS with other hosts, in the words of RFC 8460."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mailservices.mail import tls_report
from mailservices.mail.dane import Record
from mailservices.mail.mta_sts import Mode, Policy
from mailservices.mail.route import Hop
from mailservices.mail.tls_report import Failure, Session
from workers.outbound.conversation import TlsFailed
from workers.outbound.sessions import NO_POLICY, Sessions, under_dane, under_sts

HOP = Hop("mx.far.test", "192.0.2.1")
DANE = under_dane((Record(3, 1, 1, b"\xab\xcd"),))
STS = under_sts(Policy(Mode.TESTING, ("*.far.test", "mx.far.test"), timedelta(days=7)))


class Counting:
    """A tally that a test can read."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, Session]] = []

    def add(self, _kind: str, domain: str, facts: str) -> None:
        self.counted.append((domain, tls_report.of_facts(facts)))


def noted(
    policy: Session, failed: TlsFailed | None = None, destination: str = "far.test", *, counted: bool = True
) -> list[tuple[str, Session]]:
    tally = Counting()
    sessions = Sessions(cast("Any", SimpleNamespace(tally=tally)), destination, counted=counted)
    sessions.policy = policy
    sessions.note(HOP, failed)
    return tally.counted


def test_policies_are_told_as_the_rfc_wants() -> None:
    assert DANE.policy == ("3 1 1 abcd",)
    assert STS.policy == (
        "version: STSv1", "mode: testing", "mx: *.far.test", "mx: mx.far.test", "max_age: 604800",
    )  # fmt: skip
    assert STS.hosts == ("*.far.test", "mx.far.test")


def test_what_went_well_names_no_host() -> None:
    assert noted(STS) == [("far.test", STS)]
    assert noted(NO_POLICY)[0][1].policy_type == "no-policy-found"


@pytest.mark.parametrize(
    ("policy", "failed", "failure"),
    [
        (NO_POLICY, TlsFailed("starttls", "none", unoffered=True), Failure.NO_STARTTLS),
        (STS, TlsFailed("starttls", "over", verification=10), Failure.EXPIRED),
        (STS, TlsFailed("starttls", "whose?", verification=62), Failure.HOST_MISMATCH),
        (STS, TlsFailed("starttls", "who?", verification=19), Failure.NOT_TRUSTED),
        (DANE, TlsFailed("starttls", "none fits"), Failure.VALIDATION),
        (DANE, TlsFailed("dns", "no answer"), Failure.DNSSEC_INVALID),
        (STS, TlsFailed("dns", "no host of the policy"), Failure.VALIDATION),
    ],
)
def test_failures_have_their_names(policy: Session, failed: TlsFailed, failure: Failure) -> None:
    failed.own_address = "192.0.2.9"
    [(_, told)] = noted(policy, failed)
    assert (told.failure, told.host, told.address) == (failure, "mx.far.test", "192.0.2.1")
    assert (told.own_address, told.reason, told.policy) == ("192.0.2.9", failed.words, policy.policy)


def test_what_the_domain_cannot_mend_is_not_told() -> None:
    assert noted(NO_POLICY, counted=False) == []
    assert noted(NO_POLICY, destination="[192.0.2.1]") == []
