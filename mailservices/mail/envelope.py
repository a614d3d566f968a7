"""What travels around a message: sender, recipients, and what the sender asked for (RFC 5321 §2.3.1, RFC 3461)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailservices.mail.address import Address


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT.

    Attributes:
        notify: RFC 3461 §4.1; None where the parameter was absent.
        orcpt: RFC 3461 §4.2, decoded, as `type;address`; empty where absent.
    """

    address: Address
    notify: tuple[str, ...] | None = None
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class DeliverBy:
    """BY (RFC 2852 §4): within so many seconds from MAIL on, which may be over already.

    Attributes:
        returned: whether it is returned after that time ("R"), or the sender is told only ("N").
        traced: whether handing it on is reported ("T").
    """

    seconds: int
    returned: bool
    traced: bool

    @property
    def mode(self) -> str:
        return ("R" if self.returned else "N") + "T" * self.traced


@dataclass(frozen=True, slots=True)
class Hold:
    """HOLDFOR or HOLDUNTIL (RFC 4865 §3): exactly one of the two is given."""

    seconds: int | None = None
    until: datetime | None = None

    def release(self, now: datetime) -> datetime:
        """When the message may go."""
        return self.until or now + timedelta(seconds=self.seconds or 0)

    @property
    def request(self) -> str:
        """As a delivery report repeats it (RFC 4865 §5.1.2)."""
        return f"until;{self.until:%Y-%m-%dT%H:%M:%SZ}" if self.until else f"for;{self.seconds}"


@dataclass(slots=True)
class Envelope:
    """One mail transaction as it is told by MAIL and RCPT.

    Attributes:
        sender: None is the null path.
        size: what SIZE promised, in octets; 0 where it was absent (RFC 1870 §6).
        eightbit: BODY=8BITMIME or BODY=BINARYMIME was given (RFC 6152, RFC 3030).
        binary: it was BINARYMIME.
        smtputf8: SMTPUTF8 was given (RFC 6531).
        ret, envid: RFC 3461 §4.3 and §4.4; empty where absent.
        require_tls: REQUIRETLS was given (RFC 8689 §2).
        priority: MT-PRIORITY, from -9 to 9 (RFC 6710 §3).
    """

    sender: Address | None
    size: int = 0
    eightbit: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    binary: bool = False
    require_tls: bool = False
    priority: int = 0
    by: DeliverBy | None = None
    hold: Hold | None = None
    recipients: list[Recipient] = field(default_factory=list)

    @property
    def return_path(self) -> str:
        """The sender as it stands between angle brackets."""
        return str(self.sender) if self.sender else ""
