"""What travels around a message: sender, recipients, and what the sender asked for (RFC 5321 §2.3.1, RFC 3461)."""

from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Envelope:
    """One mail transaction as it is told by MAIL and RCPT.

    Attributes:
        sender: None is the null path.
        size: what SIZE promised, in octets; 0 where it was absent (RFC 1870 §6).
        eightbit: BODY=8BITMIME was given (RFC 6152).
        smtputf8: SMTPUTF8 was given (RFC 6531).
        ret, envid: RFC 3461 §4.3 and §4.4; empty where absent.
    """

    sender: Address | None
    size: int = 0
    eightbit: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    recipients: list[Recipient] = field(default_factory=list)

    @property
    def return_path(self) -> str:
        """The sender as it stands between angle brackets."""
        return str(self.sender) if self.sender else ""
