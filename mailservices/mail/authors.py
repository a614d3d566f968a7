"""Who says that she wrote a message, and for whom it says that it is: addresses in the directory's normal form."""

from collections.abc import Collection
from contextlib import suppress
from typing import Final

from mailservices.mail import address, addresses, headers
from mailservices.mail.errors import ProtocolError

#: Addresses that are looked at.
AUTHORS: Final = 20
READERS: Final = 2000


def author(header: bytes) -> str:
    """The first address in From; empty where there is none."""
    return next(iter(_named(header, (b"from",), 1)), "")


def of(header: bytes) -> tuple[str, ...]:
    """Of From and Sender."""
    return _named(header, (b"from", b"sender"), AUTHORS)


def readers(header: bytes) -> tuple[str, ...]:
    """Of To and Cc, first or resent: whoever reads the message sees them."""
    return _named(header, (b"to", b"cc", b"resent-to", b"resent-cc"), READERS)


def _named(header: bytes, names: Collection[bytes], limit: int) -> tuple[str, ...]:
    """In their order, each once; what is no address is passed over."""
    found: dict[str, None] = {}
    for name, value in headers.fields(header):
        if name not in names:
            continue
        for one in addresses.parse(headers.unfold(value))[: limit - len(found)]:
            if one.mailbox and one.host:
                with suppress(ProtocolError, UnicodeDecodeError):
                    parsed = address.parse(f"{one.mailbox.decode()}@{one.host.decode()}")
                    found[f"{parsed.key}@{parsed.domain}"] = None
    return tuple(found)
