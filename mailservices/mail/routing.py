"""How mail leaves: rules of the administrator for some recipients' domains or senders, and which of them holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum


class TlsMode(StrEnum):
    """What a rule wants of the connection."""

    #: What DANE or MTA-STS demand; else TLS where the host offers it (RFC 7435).
    OPPORTUNISTIC = "opportunistic"
    NONE = "none"
    #: TLS, whoever the host is.
    ENCRYPTED = "encrypted"
    #: TLS, and the host proves its name.
    VERIFIED = "verified"
    #: Likewise, from the first octet (RFC 8314 §3.3).
    IMPLICIT = "implicit"


#: Ways to sign in at a host, the best first; XOAUTH2 only where it is chosen, for its secret is a token. CRAM-MD5
#: stands behind PLAIN: under TLS a password is safer than with a host that must keep it readable.
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")
#: Those that show the secret to whoever listens (RFC 4954 §4, §9).
NEED_TLS = ("PLAIN", "LOGIN", "XOAUTH2")


@dataclass(frozen=True, slots=True)
class Source:
    """One of our own addresses to connect from, in a pool of several."""

    source_id: int
    address: str
    #: The name that goes with it; empty: the host's own.
    helo: str = ""
    #: Warm-up: messages of the first day, of the next ones, and of each day after; 0: no limit.
    warmup: tuple[int, ...] = ()
    began: date = date.min
    daily: int = 0

    def limit(self, today: date) -> int:
        """Messages that may leave from it today; 0: any number."""
        days = max((today - self.began).days, 0)
        return self.warmup[days] if days < len(self.warmup) else self.daily

    def reaches(self, address: str) -> bool:
        """Whether it is of the same kind, IPv6 or IPv4."""
        return (":" in self.address) == (":" in address)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. What is empty, zero or None is left as it is without a rule."""

    rule_id: int = 0
    #: The recipients' domain; with a dot before it, those below it; empty: all.
    recipient: str = ""
    #: The sender's address or domain; empty: all.
    sender: str = ""
    #: The host that takes the mail, a name or an address; empty: those that the DNS names.
    host: str = ""
    port: int = 0
    tls: TlsMode = TlsMode.OPPORTUNISTIC
    #: Who we are there; empty: we do not sign in.
    username: str = ""
    secret: str = field(default="", repr=False)
    mechanism: str = ""
    #: Our own addresses to connect from, and the name that goes with them.
    source4: str = ""
    source6: str = ""
    helo: str = ""
    #: Or, where it is `pooled`, several, of which the first is taken that may still send today.
    sources: tuple[Source, ...] = ()
    pooled: bool = False
    #: Lines to one destination at most.
    connections: int = 0
    #: When to try again, and when to give up.
    first_pause: timedelta | None = None
    longest_pause: timedelta | None = None
    lifetime: timedelta | None = None


#: Without any.
NONE = Rule()


def choose(rules: Iterable[Rule], sender: str, destination: str) -> Rule:
    """The rule that says most about this mail: of its recipients first, then of its sender.

    Args:
        sender: RFC5321.MailFrom; empty for the null path, which only rules for all senders fit.
        destination: the recipients' domain as an A-label in lower case, or an address literal.
    """
    fitting = [rule for rule in rules if _fits_recipient(rule, destination) and _fits_sender(rule, sender)]
    return max(fitting, key=_says, default=NONE)


def holding(rules: Iterable[Rule], route_id: int | None, sender: str, destination: str) -> Rule:
    """Likewise, but the one that an administrator has chosen for just this mail, while there is one."""
    known = tuple(rules)
    return next((rule for rule in known if rule.rule_id == route_id), None) or choose(known, sender, destination)


def _says(rule: Rule) -> tuple[bool, int, bool, bool, int]:
    """How much: a domain itself more than those below one, an address more than a domain."""
    exact = bool(rule.recipient) and not rule.recipient.startswith(".")
    return exact, len(rule.recipient), "@" in rule.sender, bool(rule.sender), -rule.rule_id


def _fits_recipient(rule: Rule, destination: str) -> bool:
    if rule.recipient.startswith("."):
        return destination.endswith(rule.recipient)
    return rule.recipient in ("", destination)


def _fits_sender(rule: Rule, sender: str) -> bool:
    return rule.sender in ("", sender.lower(), sender.lower().rpartition("@")[2])
