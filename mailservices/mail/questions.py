"""Questions to the DNS that flows of this room yield, and what they are sent back. Nobody asks anything here."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Mx:
    """Answered by (preference, host) pairs; hosts in lower case, without the last dot; "" is the root."""

    domain: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """A and AAAA; answered by IP addresses as text."""

    host: str
    #: 4 or 6: of that kind alone; None: of both.
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Cname:
    """Answered by the one name that this one stands for, in lower case, without the last dot."""

    name: str


@dataclass(frozen=True, slots=True)
class Txt:
    """Answered by octets, the strings of each record joined (RFC 7208 §3.3)."""

    name: str


@dataclass(frozen=True, slots=True)
class Ptr:
    """The names of an IP address; answered by names in lower case, without the last dot."""

    address: str


@dataclass(frozen=True, slots=True)
class Tlsa:
    """Answered by octets, each a record's RDATA (RFC 6698 §2.1)."""

    name: str


@dataclass(frozen=True, slots=True)
class Smimea:
    """Answered by octets, each a record's RDATA (RFC 8162 §2), as of TLSA."""

    name: str


@dataclass(frozen=True, slots=True)
class Srv:
    """Where a service is (RFC 2782); answered by "priority weight port host" each, without the last dot."""

    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """Records; there is at least one. `secure`: a validating resolver vouches for them (RFC 4035 §3.2.3)."""

    records: tuple[tuple[int, str], ...] | tuple[str, ...] | tuple[bytes, ...]
    secure: bool = False
    #: Of addresses: the name to which CNAMEs led, without the last dot; empty: the one that was asked for.
    canonical: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The name is there, but has no such records."""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such name (NXDOMAIN)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """No name server told: SERVFAIL, a timeout."""

    words: str


Question: TypeAlias = Mx | Addresses | Cname | Txt | Ptr | Tlsa | Smimea | Srv
Answer: TypeAlias = Found | Nothing | Missing | Trouble
Flow: TypeAlias = Generator[Question, Answer, Result]
