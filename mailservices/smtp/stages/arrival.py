"""What a stage is given, and what it answers."""

import mmap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from mailservices.mail import codes
from mailservices.mail.address import Address
from mailservices.mail.aggregate import Seen
from mailservices.mail.arc.verify import Chain
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope
from mailservices.mail.findings import Finding
from mailservices.mail.policy import NO_CHECKS, Action, Inbound
from mailservices.mail.smime.learning import Learnt
from mailservices.net.dns import Resolver
from mailservices.net.gateway import Gateway
from mailservices.net.rates import Rates
from mailservices.smtp.stages.lately import Lately
from mailservices.smtp.stages.listings import Listings
from mailservices.smtp.stages.trusted import Trusted
from mailservices.store.directory import Route
from mailservices.store.policy import Policies, Rules
from mailservices.store.pool import Pool
from mailservices.store.tally import Tally


class Outcome(IntEnum):
    """What a stage wishes; of several, the greatest decides."""

    ACCEPT = 0
    #: Into the Junk folder.
    JUNK = 1
    #: Nobody could tell, or it is too early: the client is to come back.
    LATER = 2
    REFUSE = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a stage says of an arrival."""

    outcome: Outcome = Outcome.ACCEPT
    #: What was found, for log, trace and header; never for the client.
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    #: What the client is told of LATER and REFUSE.
    reply: Reply = codes.UNDECIDED


PASSED = Verdict()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the stages of all sessions of a process share."""

    pool: Pool
    resolver: Resolver
    policies: Policies
    listings: Listings
    rates: Rates
    gateway: Gateway
    tally: Tally
    lately: Lately = field(default_factory=Lately)
    trusted: Trusted = field(default_factory=Trusted)


@dataclass(slots=True)
class Stranger:
    """Who is at the door, and what was found out about it: it holds for all its transactions."""

    peer: str
    iprev: Finding | None = None
    #: The DNS lists' findings, and whether one of them speaks for the client.
    listed: tuple[Verdict, bool] | None = None
    #: Whether it was asked about before: then there is little to wait for.
    known: bool = False


@dataclass(slots=True)
class Arrival:
    """A message on its way in: what is known of it so far, and what the stages found."""

    desk: Desk
    client: Stranger
    hostname: str
    rules: Rules
    #: Whether nothing is asked of the client: it signed in, or comes from a trusted network.
    exempt: bool
    helo: str = ""
    envelope: Envelope | None = None
    #: The recipient that is being asked for.
    recipient: Address | None = None
    #: The policy of the recipient's domain: one transaction has one (`settled`).
    policy: Inbound = NO_CHECKS
    settled: bool = False
    routes: list[Route] = field(default_factory=list)
    header: bytes = b""
    body: bytes | mmap.mmap = b""
    #: In the order in which they were found; Authentication-Results tells them all.
    findings: list[Finding] = field(default_factory=list)
    #: Why it goes into the Junk folder; nothing: it does not.
    junk: list[str] = field(default_factory=list)
    #: SPF's findings of this transaction, once they are known.
    spf: tuple[Finding, ...] | None = None
    #: What ARC says; None where it was not asked.
    chain: Chain | None = None
    #: A certificate of its author's, for those who wish to learn.
    learnt: Learnt | None = None
    #: What its domain is to be told of it, and which that is, once it is settled what becomes of it (DMARC).
    seen: tuple[str, Seen] | None = None

    @property
    def peer(self) -> str:
        return self.client.peer


#: A stage that cannot find out what it must know raises Unavailable or says LATER: never accept by accident.
Stage: TypeAlias = Callable[[Arrival], Awaitable[Verdict]]


def objection(action: Action, reason: str, reply: Reply, findings: tuple[Finding, ...] = ()) -> Verdict:
    """What becomes of a failed check under the domain's policy."""
    outcome = {Action.REFUSE: Outcome.REFUSE, Action.JUNK: Outcome.JUNK}.get(action, Outcome.ACCEPT)
    return Verdict(outcome, reason if outcome else "", findings, reply)


def undecided(action: Action, reason: str, findings: tuple[Finding, ...] = ()) -> Verdict:
    """Nobody could tell: where the policy needs to know, the client comes back."""
    needed = action not in (Action.OFF, Action.NOTE)
    return Verdict(Outcome.LATER if needed else Outcome.ACCEPT, reason if needed else "", findings)
