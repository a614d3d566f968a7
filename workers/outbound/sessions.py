"""What TLS came to with the hosts of a destination: counted for the report to its domain (RFC 8460).

Only what the domain can mend: not what goes by a host of the administrator's choice, and not what waives TLS, as
the reports themselves do (RFC 8460 §3).
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from mailservices.mail import tls_report
from mailservices.mail.dane import Record
from mailservices.mail.mta_sts import Policy
from mailservices.mail.route import Hop
from mailservices.mail.tls_report import Failure, PolicyType, Session
from mailservices.store.tally import Kind
from workers.outbound.conversation import TlsFailed

if TYPE_CHECKING:
    from workers.engine import Engine

NO_POLICY = Session(PolicyType.NONE.value)


def under_dane(records: tuple[Record, ...]) -> Session:
    """Sessions with a host that has TLSA records (RFC 8460 §4.5)."""
    told = (f"{one.usage} {one.selector} {one.matching} {one.data.hex()}" for one in records)
    return Session(PolicyType.TLSA.value, tuple(told))


def under_sts(policy: Policy) -> Session:
    """Sessions with hosts of a domain that has an MTA-STS policy."""
    lines = (
        "version: STSv1",
        f"mode: {policy.mode}",
        *(f"mx: {host}" for host in policy.hosts),
        f"max_age: {policy.max_age.total_seconds():.0f}",
    )
    return Session(PolicyType.STS.value, lines, policy.hosts)


class Sessions:
    """The sessions with one destination."""

    def __init__(self, engine: "Engine", destination: str, *, counted: bool) -> None:
        self._engine = engine
        self._destination = destination
        self._counted = counted and not destination.startswith("[")
        #: What holds for the host that is being tried.
        self.policy = NO_POLICY

    def note(self, hop: Hop, failed: TlsFailed | None = None) -> None:
        """One more, which came about as it should, or did not."""
        if not self._counted:
            return
        found = self.policy
        if failed is not None:
            found = replace(
                found, failure=_failure(self.policy, failed).value, host=hop.host, address=hop.address,
                own_address=failed.own_address, reason=failed.words,
            )  # fmt: skip
        self._engine.tally.add(Kind.TLS, self._destination, found.facts())


def _failure(policy: Session, failed: TlsFailed) -> Failure:
    if failed.stage == "dns":
        return Failure.DNSSEC_INVALID if policy.policy_type == PolicyType.TLSA else Failure.VALIDATION
    if failed.unoffered:
        return Failure.NO_STARTTLS
    return tls_report.of_verification(failed.verification)
