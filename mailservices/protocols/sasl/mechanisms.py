"""The table of mechanisms: which are offered where, and how each begins. The order is what clients are told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailservices.protocols.sasl import bearer, cram, plain
from mailservices.protocols.sasl.exchange import Exchange
from mailservices.protocols.sasl.scram import scram


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a client, and of the appliance, before it says who it is."""

    #: The name that challenges carry.
    hostname: str = "localhost"
    #: RFC 5929 §4, where TLS is up: the digest of our certificate.
    binding: bytes | None = None
    #: The addresses in a client certificate that TLS has verified.
    certified: tuple[str, ...] = ()
    #: An issuer of tokens is configured.
    tokens: bool = False
    #: Some app password may be read, so that CRAM-MD5 is possible.
    readable: bool = False


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row."""

    begin: Callable[[Facts], Exchange]
    offered: Callable[[Facts], bool] = lambda _facts: True


def _scram(hash_name: str, *, plus: bool) -> Callable[[Facts], Exchange]:
    return lambda facts: scram(hash_name, facts.binding, plus=plus)


def _binds(facts: Facts) -> bool:
    return facts.binding is not None


MECHANISMS: Final[dict[str, Mechanism]] = {
    "SCRAM-SHA-256-PLUS": Mechanism(_scram("SHA-256", plus=True), _binds),
    "SCRAM-SHA-256": Mechanism(_scram("SHA-256", plus=False)),
    "SCRAM-SHA-1-PLUS": Mechanism(_scram("SHA-1", plus=True), _binds),
    "SCRAM-SHA-1": Mechanism(_scram("SHA-1", plus=False)),
    "PLAIN": Mechanism(lambda _facts: plain.plain()),
    "LOGIN": Mechanism(lambda _facts: plain.login()),
    "OAUTHBEARER": Mechanism(lambda _facts: bearer.oauthbearer(), lambda facts: facts.tokens),
    "XOAUTH2": Mechanism(lambda _facts: bearer.xoauth2(), lambda facts: facts.tokens),
    "EXTERNAL": Mechanism(lambda facts: plain.external(facts.certified), lambda facts: bool(facts.certified)),
    "CRAM-MD5": Mechanism(lambda facts: cram.cram_md5(facts.hostname), lambda facts: facts.readable),
}


def offered(facts: Facts) -> tuple[str, ...]:
    """What is announced, best first."""
    return tuple(name for name, mechanism in MECHANISMS.items() if mechanism.offered(facts))


def begin(name: str, facts: Facts) -> Exchange | None:
    """The exchange of a mechanism; None where it is not offered."""
    mechanism = MECHANISMS.get(name)
    if mechanism is None or not mechanism.offered(facts):
        return None
    return mechanism.begin(facts)
