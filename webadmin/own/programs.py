"""How mail programs reach us: hosts and ports, for people and for programs."""

from dataclasses import dataclass

from django.conf import settings

from mailservices.config import PORTS

#: What the packet filter or the containers publish (docs/operating.md) where the servers listen on our high ports.
PUBLISHED = {"imaps": 993, "imap": 143, "pop3s": 995, "pop3": 110, "submissions": 465, "submission": 587}
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Server:
    """One way in, with the same name and password as all others."""

    #: imap, pop3 or smtp.
    protocol: str
    host: str
    port: int
    #: TLS from the first octet (RFC 8314 §3); else STARTTLS.
    implicit: bool

    @property
    def security(self) -> str:
        return "SSL/TLS" if self.implicit else "STARTTLS"


def servers() -> tuple[Server, ...]:
    """All of them, the best of each protocol first."""
    ways = (
        ("imap", "imaps", True),
        ("imap", "imap", False),
        ("smtp", "submissions", True),
        ("smtp", "submission", False),
        ("pop3", "pop3s", True),
        ("pop3", "pop3", False),
    )
    host = settings.CONFIG.hostname
    return tuple(Server(protocol, host, _port(name), implicit) for protocol, name, implicit in ways)


def best(protocol: str) -> Server:
    return next(one for one in servers() if one.protocol == protocol)


def _port(name: str) -> int:
    """As it is reached: on this machine alone, or where the operator chose another, the one that we listen on."""
    own: int = settings.CONFIG.ports[name]
    return own if settings.CONFIG.listen in LOOPBACK or own != PORTS[name] else PUBLISHED[name]
