"""Signing what a client submits (RFC 6376 §5), and sealing what a stranger's message is forwarded with (RFC 8617).

It is signed as the message will leave, with what we have added to it.

The domain is that of From, where only addresses of whoever signed in may stand (submission.py), so that nobody can
have another tenant's mail signed; without From it is the sender's.
"""

import asyncio
import mmap
from collections.abc import Sequence
from datetime import datetime

from mailservices.auth.credentials import Identity
from mailservices.mail import address, authentication_results
from mailservices.mail.arc import seal as sealing
from mailservices.mail.dkim.canonical import BodyHashes, Form
from mailservices.mail.dkim.sign import Key, Signer
from mailservices.mail.envelope import Envelope
from mailservices.mail.findings import Result
from mailservices.smtp import leaving, submission
from mailservices.smtp.session import Session
from mailservices.smtp.stages.arrival import Arrival
from mailservices.store.directory import Route

#: Octets of a body that are hashed at once.
PIECE_OCTETS = 2**20
#: A larger body is hashed in a thread: the loop does not wait for it.
INLINE_OCTETS = 32 * 1024


async def signatures(
    session: Session, envelope: Envelope, header: bytes, body: bytes | mmap.mmap, now: datetime
) -> bytes:
    """The fields to prepend: one for each key of the domain; none where it has none, or nobody has signed in.

    Raises:
        Unavailable: the keys cannot be read.
    """
    if session.identity is None:
        return b""
    domain = _domain(session.identity, envelope, header)
    keys = await session.context.keys.of(domain)
    if not keys:
        return b""
    if len(body) <= INLINE_OCTETS:
        # A thread would cost half as much as the signature.
        return _sign(header, body, keys, domain, int(now.timestamp()))
    return await asyncio.to_thread(_sign, header, body, keys, domain, int(now.timestamp()))


async def seal(
    session: Session,
    envelope: Envelope,
    routes: Sequence[Route],
    arrival: Arrival,
    header: bytes,
    now: datetime,
) -> bytes:
    """What we found of a stranger's message, sealed for the host that we forward it to (RFC 8617 §5.1).

    Nothing where it is not forwarded, was not checked, or the forwarding domain has no keys.

    Raises:
        Unavailable: the keys cannot be read.
    """
    domain = leaving.forwarding_domain(envelope, routes)
    if session.identity is not None or not domain or arrival.chain is None:
        return b""
    keys = await session.context.keys.of(domain)
    if not keys:
        return b""
    results = authentication_results.text(session.context.config.hostname, arrival.findings)
    return await asyncio.to_thread(
        _seal, header, arrival.body, arrival.chain.finding.result, results, keys[0], domain, int(now.timestamp())
    )


def _seal(
    header: bytes, body: bytes | mmap.mmap, validation: Result, results: str, key: Key, domain: str, now: int
) -> bytes:
    hashes = BodyHashes()
    hashes.want(Form.RELAXED)
    for start in range(0, len(body), PIECE_OCTETS):
        hashes.feed(body[start : start + PIECE_OCTETS])
    return sealing.seal(header, hashes.digest(Form.RELAXED), validation, results, key, domain, now)


def _sign(header: bytes, body: bytes | mmap.mmap, keys: Sequence[Key], domain: str, now: int) -> bytes:
    signer = Signer(header, keys, domain, now)
    for start in range(0, len(body), PIECE_OCTETS):
        signer.feed(body[start : start + PIECE_OCTETS])
    return signer.finish()


def _domain(identity: Identity, envelope: Envelope, header: bytes) -> str:
    author = next(iter(submission.authors(header)), None)
    return (author or envelope.sender or address.parse(identity.address)).domain
