"""The PROXY protocol, versions 1 and 2, as bytes: who the client is that a balancer speaks for.

Only read from peers that are configured as balancers: anybody else could claim any address.
"""

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError

#: The fixed part of version 2, and as much of a version 1 line as there always is.
FIXED_OCTETS: Final = 16
#: The longest line of version 1, with its CRLF; the longest rest of version 2 that we read.
LINE_OCTETS: Final = 107
REST_OCTETS: Final = 2048
_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


@dataclass(frozen=True, slots=True)
class Client:
    """Whose connection it is."""

    address: str
    port: int


def is_line(fixed: bytes) -> bool:
    """Whether these first octets begin a version 1 line."""
    return fixed.startswith(b"PROXY ")


def rest_octets(fixed: bytes) -> int:
    """How many octets follow the fixed part of version 2.

    Raises:
        ProtocolError: it is no PROXY header.
    """
    if not fixed.startswith(_SIGNATURE) or fixed[12] not in (_LOCAL, _PROXY):
        raise ProtocolError("A PROXY header is needed.")
    length: int = struct.unpack_from("!H", fixed, 14)[0]
    if length > REST_OCTETS:
        raise ProtocolError("The PROXY header is too long.")
    return length


def parse(fixed: bytes, rest: bytes) -> Client | None:
    """Version 2; None where the balancer speaks for itself, or of what is no TCP."""
    if fixed[12] == _LOCAL:
        return None
    if fixed[13] == _TCP4 and len(rest) >= 12:
        source, _, port, _ = struct.unpack_from("!4s4sHH", rest)
    elif fixed[13] == _TCP6 and len(rest) >= 36:
        source, _, port, _ = struct.unpack_from("!16s16sHH", rest)
    else:
        return None
    return Client(str(ipaddress.ip_address(source)), port)


def parse_line(line: bytes) -> Client | None:
    """Version 1, without its CRLF; None for UNKNOWN.

    Raises:
        ProtocolError
    """
    words = line.decode("ascii", "replace").split(" ")
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return None
    try:
        _, family, source, _, port, _ = words
        address, number = ipaddress.ip_address(source), int(port)
    except ValueError as error:
        raise ProtocolError("The PROXY header makes no sense.") from error
    if family != f"TCP{address.version}" or not 0 <= number < 2**16:
        raise ProtocolError("The PROXY header makes no sense.")
    return Client(str(address), number)
