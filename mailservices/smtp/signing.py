"""Signing what a client submits (RFC 6376 §5): as the message will leave, with what we have added to it.

The domain is that of From where From is an address of whoever signed in. Others may stand in From, such as a
colleague's: then the sender's own domain signs, so that nobody can have another tenant's mail signed.
"""

import asyncio
import mmap
from collections.abc import Sequence
from datetime import datetime

from mailservices.auth.credentials import Identity
from mailservices.mail import address, addresses, headers
from mailservices.mail.address import Address
from mailservices.mail.dkim.sign import Key, Signer
from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import ProtocolError
from mailservices.smtp.session import Session
from mailservices.store import directory

#: Octets of a body that are hashed at once.
PIECE_OCTETS = 2**20


async def signatures(
    session: Session, envelope: Envelope, header: bytes, body: bytes | mmap.mmap, now: datetime
) -> bytes:
    """The fields to prepend: one for each key of the domain; none where it has none, or nobody has signed in.

    Raises:
        Unavailable: the keys cannot be read.
    """
    if session.identity is None:
        return b""
    domain = await _domain(session, session.identity, envelope, header)
    keys = await session.context.keys.of(domain)
    if not keys:
        return b""
    # An RSA signature takes a millisecond and a large body many: the loop does not wait for them.
    return await asyncio.to_thread(_sign, header, body, keys, domain, int(now.timestamp()))


def _sign(header: bytes, body: bytes | mmap.mmap, keys: Sequence[Key], domain: str, now: int) -> bytes:
    signer = Signer(header, keys, domain, now)
    for start in range(0, len(body), PIECE_OCTETS):
        signer.feed(body[start : start + PIECE_OCTETS])
    return signer.finish()


async def _domain(session: Session, identity: Identity, envelope: Envelope, header: bytes) -> str:
    author = _author(header)
    sender = envelope.sender or address.parse(identity.address)
    if author is None or author.domain == sender.domain:
        return sender.domain
    owned = await directory.owns(session.context.pool, identity.account_id, author)
    return author.domain if owned else sender.domain


def _author(header: bytes) -> Address | None:
    """The first address of From, if it is one."""
    for listed in addresses.parse(headers.first(header, b"from") or b""):
        if listed.mailbox and listed.host:
            try:
                return address.parse(f"{listed.mailbox.decode()}@{listed.host.decode()}")
            except (ProtocolError, UnicodeDecodeError):
                return None
    return None
