"""The GS2 header before the messages of SCRAM and OAUTHBEARER (RFC 5801 §4), and the names within them."""

import re
from dataclasses import dataclass
from typing import Final

from mailservices.mail.errors import ProtocolError

_HEADER: Final = re.compile(r"((?:n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,)(.*)", re.DOTALL)
_NAME: Final = re.compile(r"(?:[^=,\0]|=2C|=3D)+")


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the message."""

    #: As it was sent, with its last comma.
    written: str
    #: The type of channel binding that the client uses; None where it uses none.
    binding: str | None
    #: The client could bind, and thinks that we cannot.
    could_bind: bool
    authorize_as: str
    rest: str


def read_header(message: str) -> Header:
    """RFC 5801 §4.

    Raises:
        ProtocolError
    """
    match = _HEADER.fullmatch(message)
    if match is None:
        raise ProtocolError("The message does not begin with a GS2 header.")
    written, binding, authorize_as, rest = match.groups()
    return Header(written, binding, written.startswith("y"), read_name(authorize_as) if authorize_as else "", rest)


def read_name(written: str) -> str:
    """RFC 5802 §5.1: a comma is written as =2C, an equals sign as =3D.

    Raises:
        ProtocolError
    """
    if not _NAME.fullmatch(written):
        raise ProtocolError("The name is not written as it must be.")
    return written.replace("=2C", ",").replace("=3D", "=")
