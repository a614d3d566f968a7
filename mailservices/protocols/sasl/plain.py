"""Mechanisms that send a password, or nothing at all: PLAIN (RFC 4616), LOGIN, EXTERNAL (RFC 4422, appendix A)."""

from collections.abc import Sequence
from typing import Final

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.exchange import Claim, Exchange, Proven, text


def plain() -> Exchange:
    """RFC 4616 §2: [authzid] NUL authcid NUL passwd, in one message."""
    response = yield b""
    parts = response.split(b"\0")
    if len(parts) != 3:
        raise ProtocolError("PLAIN has three parts.")
    authorize_as, name, password = (text(part) for part in parts)
    return Claim(name, password, authorize_as)


#: What LOGIN asks first; many clients answer it before it is asked.
USERNAME: Final = b"Username:"


def login() -> Exchange:
    """The old LOGIN of many clients: never standardised, two questions."""
    name = text((yield USERNAME))
    password = text((yield b"Password:"))
    return Claim(name, password)


def external(names: Sequence[str]) -> Exchange:
    """RFC 4422, appendix A: TLS has made sure of a certificate with these addresses; the client may choose one."""
    chosen = text((yield b""))
    if not chosen:
        return Proven(names[0])
    if chosen.lower() not in [name.lower() for name in names]:
        raise SignInFailed
    return Proven(chosen)
