"""Who says that she wrote a message: the addresses of From and Sender, in the directory's normal form."""

from contextlib import suppress
from typing import Final

from mailservices.mail import address, addresses, headers
from mailservices.mail.errors import ProtocolError

#: Addresses that are looked at.
AUTHORS: Final = 20


def of(header: bytes) -> tuple[str, ...]:
    """In their order, each once; what is no address is passed over."""
    found: dict[str, None] = {}
    for name, value in headers.fields(header):
        if name not in (b"from", b"sender"):
            continue
        for one in addresses.parse(headers.unfold(value))[: AUTHORS - len(found)]:
            if one.mailbox and one.host:
                with suppress(ProtocolError, UnicodeDecodeError):
                    parsed = address.parse(f"{one.mailbox.decode()}@{one.host.decode()}")
                    found[f"{parsed.key}@{parsed.domain}"] = None
    return tuple(found)
