"""What all mechanisms share: an exchange is a generator that ends with what the client claims, or has proven.

It yields a challenge (octets) and is sent the client's response, or it yields a question of which only the auth
room knows the answer, and is sent that. The servers add the base64 of their protocol.
"""

import base64
import binascii
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mailservices.mail.errors import ProtocolError

#: What no honest client exceeds.
RESPONSE_OCTETS: Final = 8192


@dataclass(frozen=True, slots=True)
class Claim:
    """Who the client says it is. `password` never leaves the auth room."""

    name: str
    password: str
    #: RFC 4616 §2: whom it wants to act as; empty for itself.
    authorize_as: str = ""

    def __repr__(self) -> str:
        return f"Claim({self.name!r})"


@dataclass(frozen=True, slots=True)
class Proven:
    """Who the client is, as the exchange has made sure."""

    name: str
    authorize_as: str = ""
    #: Which of the secrets that were answered was the right one.
    fitting: int = 0


@dataclass(frozen=True, slots=True)
class KeysOf:
    """A question: the SCRAM keys (mail/scram.py) of this name for this hash. There always are some."""

    name: str
    hash_name: str


@dataclass(frozen=True, slots=True)
class SecretsOf:
    """A question: the readable secrets of this name, as a list of octets; none where nobody has opted in."""

    name: str


@dataclass(frozen=True, slots=True)
class BearerOf:
    """A question: whose token is this? An address, or None where it is not good."""

    token: str

    def __repr__(self) -> str:
        return "BearerOf()"


Question: TypeAlias = KeysOf | SecretsOf | BearerOf
Outcome: TypeAlias = Claim | Proven
Exchange: TypeAlias = Generator[bytes | Question, Any, Outcome]


def text(octets: bytes) -> str:
    """RFC 4616 §2: UTF-8 without NUL.

    Raises:
        ProtocolError
    """
    try:
        found = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("The response is not UTF-8.") from error
    if "\0" in found:
        raise ProtocolError("The response holds NUL.")
    return found


def decode(octets: bytes) -> bytes:
    """A response's base64; "=" is the empty response (RFC 4954 §4, RFC 4959 §3).

    Raises:
        ProtocolError: it is not base64, or too long.
    """
    if octets == b"=":
        return b""
    if len(octets) > RESPONSE_OCTETS * 4 // 3 + 4:
        raise ProtocolError("The response is too long.")
    try:
        return base64.b64decode(octets, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("The response is not base64.") from error


def encode(challenge: bytes) -> bytes:
    return base64.b64encode(challenge)
