"""What a connection to another host has to be, and what it came to: the verdict that is kept with each attempt."""

import _ssl
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from mailservices.mail.dane import Record, proves
from mailservices.mail.routing import TlsMode
from mailservices.net.tls import opportunistic_context, verified_context


class Need(IntEnum):
    """What TLS has to be, the stricter the larger."""

    NONE = 0
    #: RFC 7435: where it is offered.
    MAY = 1
    ENCRYPTED = 2
    #: The host proves its name by a certificate of a known authority.
    VERIFIED = 3


@dataclass(frozen=True, slots=True)
class Security:
    """A need, and who has it: such as "opportunistic", "route" or "requiretls"."""

    policy: str
    need: Need
    #: TLS from the first octet.
    implicit: bool = False
    #: Where the certificate has to fit TLSA records instead of an authority's word, and names of the host.
    records: tuple[Record, ...] = ()
    names: tuple[str, ...] = ()
    #: A failure is only noted (RFC 8461 §5, testing).
    tolerant: bool = False
    #: A failure of before, which is the verdict whatever comes of it now.
    noted: str = ""

    def context(self) -> ssl.SSLContext:
        verified = self.need is Need.VERIFIED and not self.records
        return verified_context() if verified else opportunistic_context()

    def proven(self, secured: ssl.SSLObject) -> bool:
        """Whether the certificate is the one that it has to be, where the handshake has not seen to that."""
        if not self.records:
            return True
        return proves(self.records, _chain(secured), self.names, datetime.now(UTC))

    def verdict(self, tls: str) -> str:
        """What a connection came to, with this TLS; empty: plain text."""
        if self.noted:
            return self.noted
        if not tls:
            return f"{self.policy}: plain text"
        return f"{self.policy}: {'verified' if self.need is Need.VERIFIED else 'encrypted'}"

    @property
    def failed(self) -> str:
        return f"{self.policy}: failed"


def dane(records: tuple[Record, ...], *names: str) -> Security:
    """RFC 7672 §2.2: with records that SMTP does not understand TLS is a must all the same."""
    if not records:
        return Security("dane", Need.ENCRYPTED)
    return Security("dane", Need.VERIFIED, records=records, names=names)


def _chain(secured: ssl.SSLObject) -> list[bytes]:
    """What the host presented, in DER, its own certificate first."""
    if sys.version_info >= (3, 13):
        return secured.get_unverified_chain()
    # Until Python 3.13 only the object below knows it.
    below = getattr(secured, "_sslobj")  # noqa: B009
    return [one.public_bytes(_ssl.ENCODING_DER) for one in below.get_unverified_chain() or ()]


OPPORTUNISTIC = Security("opportunistic", Need.MAY)
WAIVED = Security("waived", Need.MAY)
REQUIRETLS = Security("requiretls", Need.VERIFIED)
STS_ENFORCED = Security("mta-sts", Need.VERIFIED)
STS_TESTING = Security("mta-sts testing", Need.VERIFIED, tolerant=True)

_MODES = {
    TlsMode.NONE: Security("route", Need.NONE),
    TlsMode.ENCRYPTED: Security("route", Need.ENCRYPTED),
    TlsMode.VERIFIED: Security("route", Need.VERIFIED),
    TlsMode.IMPLICIT: Security("route", Need.VERIFIED, implicit=True),
}


def of_mode(mode: TlsMode) -> Security | None:
    """What a rule wants; None where it leaves that to the destination."""
    return _MODES.get(mode)
