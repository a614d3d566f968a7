"""What is done with a submission as its account wishes: its key told (Autocrypt), signed, encrypted.

It is done when the message is handed in, after all other changes and before DKIM: what waits to be released (its
sender or the administrator holds it) waits as it will leave. What the author's own program has encrypted is left
alone, and what it has signed is not signed again. Recipients here get the same message as all others. Who can read
it how is said in ways.py.

A message tells for whose keys it is: so whoever stands in neither To nor Cc gets a copy of her own, encrypted to
her and the author alone, and is in no other's.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from mailservices import log
from mailservices.mail import autocrypt, headers, protecting
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.errors import Unavailable
from mailservices.mail.headers import Octets
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.vocabulary import Encrypting, KeyKind, Signing
from mailservices.smtp import ways
from mailservices.smtp.session import Session
from mailservices.smtp.ways import Author, Desk, Reader
from mailservices.store.directory import Route
from mailservices.store.ids import new_id

#: Larger messages are signed and encrypted in a thread, and much larger ones one at a time: one takes nine times
#: its size of memory.
THREAD_OCTETS: Final = 64 * 1024
LARGE_OCTETS: Final = 4 * 2**20

#: What a submission must have and we have added: of a message that is protected, it goes inside, too.
_ADDED: Final = (b"date", b"message-id")

_large = asyncio.Semaphore(1)
_log = log.get()


@dataclass(frozen=True, slots=True)
class Copy:
    """A message as some of its recipients get it."""

    trace_id: UUID
    envelope: Envelope
    routes: Sequence[Route]
    #: What we put before it, and its own octets.
    stamps: bytes
    header: bytes
    body: Octets
    #: What was done with it, for the trace.
    done: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A copy that is still to be made: a large message is in memory once, however many copies it needs."""

    copy: Copy
    author: Author | None = None
    readers: Sequence[Reader] = ()
    #: What is told of the author's key.
    told: bytes = b""

    async def made(self) -> Copy:
        """Raises Unavailable: it could not be signed or encrypted."""
        octets = len(self.copy.body)
        if self.author is None or octets <= THREAD_OCTETS:
            return self._made()
        if octets <= LARGE_OCTETS:
            return await asyncio.to_thread(self._made)
        async with _large:
            return await asyncio.to_thread(self._made)

    def _made(self) -> Copy:
        copy = _protected(self.copy, self.author, self.readers) if self.author else self.copy
        return replace(copy, header=self.told + copy.header)


async def drafts(session: Session, whole: Copy) -> list[Draft]:
    """The message as it leaves, in as many copies as it needs.

    Raises:
        NoKey: it may leave encrypted only, and a recipient lacks a key.
        Unavailable: what is wished, or the keys, cannot be read.
    """
    if session.identity is None:
        return [Draft(whole)]
    policy = await session.context.wishes.of(session.identity.account_id)
    if policy.sign == Signing.OFF and policy.encrypt == Encrypting.NEVER and not policy.autocrypt:
        return [Draft(whole)]
    context, identity = session.context, session.identity
    sealing_key, find = context.config.sealing_key, context.directories.find
    desk = Desk(context.pool, sealing_key, identity.account_id, identity.address, find)
    author = await ways.author(desk, policy, whole.header, whole.body)
    # It stands outside only: what is inside is for people who have the key already.
    told = _told(whole.header, author) if policy.autocrypt else b""
    if protecting.is_encrypted(whole.header, whole.body):
        return [Draft(replace(whole, done="encrypted by its author"), told=told)]
    readers = await ways.readers(desk, whole.envelope, whole.routes, whole.header, author)
    return [Draft(copy, author, of_them, told) for copy, of_them in _each(whole, readers)]


def _told(header: bytes, author: Author) -> bytes:
    """The author's key, unless her program tells one itself (Autocrypt Level 1 §2)."""
    public = next((one.public for one in author.keys if one.kind == KeyKind.OPENPGP), None)
    if public is None or headers.first(header, b"autocrypt") is not None:
        return b""
    try:
        return autocrypt.field(author.address, public, mutual=author.policy.encrypt != Encrypting.NEVER)
    except PrivacyError as error:
        _log.warning("key not told", address=author.address, cause=str(error))
        return b""


def _each(whole: Copy, readers: Sequence[Reader]) -> Iterator[tuple[Copy, Sequence[Reader]]]:
    """One for all who are named in it and read it in one way, one for each who is not named."""
    if not readers:
        yield whole, ()
        return
    together: dict[str, list[tuple[Recipient, Route, Reader]]] = {}
    alone = []
    members = zip(whole.envelope.recipients, whole.routes, readers, strict=True)
    for one, named in zip(members, ways.named(whole.envelope, whole.header), strict=True):
        if named:
            together.setdefault(one[2].kind, []).append(one)
        else:
            alone.append([one])
    for number, group in enumerate([*together.values(), *alone]):
        recipients, routes, of_them = zip(*group, strict=True)
        yield (
            replace(
                whole,
                trace_id=new_id() if number else whole.trace_id,
                envelope=replace(whole.envelope, recipients=list(recipients)),
                routes=routes,
            ),
            of_them,
        )


def _protected(copy: Copy, author: Author, readers: Sequence[Reader]) -> Copy:
    kind = readers[0].kind if readers else ""
    signing = author.signing(kind)
    if not kind and signing is None:
        return copy
    added = headers.select(copy.stamps, _ADDED)[:-2]
    stamps = headers.without(copy.stamps, lambda name, _: name in _ADDED)
    header = added + copy.header
    try:
        if kind:
            keys = list(dict.fromkeys([*author.reading(kind), *(key for one in readers for key in one.keys)]))
            hides = author.policy.hide_subject
            header, body = protecting.encrypt(header, copy.body, kind, keys, signing, hide_subject=hides)
        elif signing:
            header, body = protecting.sign(header, copy.body, signing)
    except PrivacyError as error:
        _log.error("mail not protected", cause=str(error))
        raise Unavailable from error
    return replace(copy, stamps=stamps, header=header, body=body, done=ways.words(kind, signing))
