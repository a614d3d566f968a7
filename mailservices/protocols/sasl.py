"""SASL exchanges as challenge and response, without a socket: PLAIN (RFC 4616) and LOGIN.

An exchange is a generator: it yields challenges (octets), is sent responses, and returns what the client claims.
The servers add the base64 of their protocol.
"""

import base64
import binascii
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

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


Exchange = Generator[bytes, bytes, Claim]


def plain() -> Exchange:
    """RFC 4616 §2: [authzid] NUL authcid NUL passwd, in one message."""
    response = yield b""
    parts = response.split(b"\0")
    if len(parts) != 3:
        raise ProtocolError("PLAIN has three parts.")
    authorize_as, name, password = (_text(part) for part in parts)
    return Claim(name, password, authorize_as)


def login() -> Exchange:
    """The old LOGIN of many clients: never standardised, two questions."""
    name = _text((yield b"Username:"))
    password = _text((yield b"Password:"))
    return Claim(name, password)


def _text(octets: bytes) -> str:
    """RFC 4616 §2: UTF-8 without NUL."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("The response is not UTF-8.") from error
    if "\0" in text:
        raise ProtocolError("The response holds NUL.")
    return text


MECHANISMS: Final[dict[str, Callable[[], Exchange]]] = {"PLAIN": plain, "LOGIN": login}


def decode(text: bytes) -> bytes:
    """A response's base64; "=" is the empty response (RFC 4954 §4, RFC 4959 §3).

    Raises:
        ProtocolError: it is not base64, or too long.
    """
    if text == b"=":
        return b""
    if len(text) > RESPONSE_OCTETS * 4 // 3 + 4:
        raise ProtocolError("The response is too long.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("The response is not base64.") from error


def encode(challenge: bytes) -> bytes:
    return base64.b64encode(challenge)
