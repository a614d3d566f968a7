"""What is done with a submission as its account wishes: its key told (Autocrypt), signed, encrypted.

It is done when the message is handed in, after all other changes and before DKIM: what waits to be released (its
sender or the administrator holds it) waits as it will leave. What the author's own program has encrypted is left
alone, and what it has signed is not signed again. Recipients here get the same message as all others.

- a recipient's key is that of the address, else of all whom it leads to; all get the same message, by OpenPGP or
  S/MIME, where there is one way for all, else each gets it in the way that there is for her
- it is encrypted to the author, too, where she has a key that her mail is encrypted to, or that signs
- a message tells for whose keys it is: so whoever stands in neither To nor Cc gets a copy of her own, encrypted to
  her and the author alone, and is in no other's
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from mailservices import log
from mailservices.mail import authors, autocrypt, headers, protecting
from mailservices.mail.address import Address
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.errors import NoKey, Unavailable
from mailservices.mail.headers import Octets
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.privacy_policy import Policy
from mailservices.mail.protecting import SigningKey
from mailservices.mail.vocabulary import Encrypting, KeyKind, Signing
from mailservices.smtp.session import Session
from mailservices.store import leaving_keys
from mailservices.store.directory import Route
from mailservices.store.ids import new_id
from mailservices.store.leaving_keys import OwnKey, Readers

#: Copies that one message may need for recipients who are not named in it.
HIDDEN: Final = 50
#: Recipients that a refusal names.
NAMED: Final = 3
#: Larger messages are signed and encrypted in a thread; how many of these one process has in memory at once.
THREAD_OCTETS: Final = 64 * 1024
LARGE_AT_ONCE: Final = 2

_NAMES: Final = {KeyKind.SMIME.value: "S/MIME", KeyKind.OPENPGP.value: "OpenPGP"}
#: What a submission must have and we have added: of a message that is protected, it goes inside, too.
_ADDED: Final = (b"date", b"message-id")

_large = asyncio.Semaphore(LARGE_AT_ONCE)
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
class _Reader:
    """How one recipient is to read it."""

    kind: str
    keys: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Author:
    """Who sends, and how she wishes it to be."""

    policy: Policy
    keys: Sequence[OwnKey]
    #: Her program has signed it already.
    signed: bool

    def signing(self, kind: str = "") -> SigningKey | None:
        """The key that signs what is encrypted in this way; without one it leaves unsigned."""
        if self.signed or self.policy.sign == Signing.OFF:
            return None
        wished = [self.policy.sign]
        if self.policy.sign == Signing.EITHER:
            wished = [kind, KeyKind.SMIME.value, KeyKind.OPENPGP.value]
        return next(
            (one.signing for want in wished for one in self.keys if one.kind == want and one.signing), None
        )

    def reading(self, kind: str) -> list[bytes]:
        """Her own keys of this kind that mail can be encrypted to."""
        now = datetime.now(UTC)
        return [one.public for one in self.keys if one.kind == kind and protecting.reads(kind, one.public, now)]


async def copies(session: Session, whole: Copy) -> list[Copy]:
    """The message as it leaves, in as many copies as it needs.

    Raises:
        NoKey: it may leave encrypted only, and a recipient lacks a key.
        Unavailable: what is wished, or the keys, cannot be read.
    """
    if session.identity is None:
        return [whole]
    policy = await session.context.wishes.of(session.identity.account_id)
    if policy.sign == Signing.OFF and policy.encrypt == Encrypting.NEVER and not policy.autocrypt:
        return [whole]
    name = authors.author(whole.header) or session.identity.address
    account_id, context = session.identity.account_id, session.context
    own = await leaving_keys.own(context.pool, context.config.sealing_key, name, account_id)
    # It stands outside only: what is inside is for people who have the key already.
    told = _told(whole.header, name, own, policy) if policy.autocrypt else b""
    if protecting.is_encrypted(whole.header, whole.body):
        return [replace(whole, header=told + whole.header, done="encrypted by its author")]
    author = _Author(policy, own, protecting.is_signed(whole.header, whole.body))
    readers = await _readers(session, whole, author) if policy.encrypt != Encrypting.NEVER else []
    made = [await _protected(copy, author, of_them) for copy, of_them in _each(whole, readers)]
    return [replace(one, header=told + one.header) for one in made]


def _told(header: bytes, author: str, own: Sequence[OwnKey], policy: Policy) -> bytes:
    """The author's key, unless her program tells one itself (Autocrypt Level 1 §2)."""
    public = next((one.public for one in own if one.kind == KeyKind.OPENPGP), None)
    if public is None or headers.first(header, b"autocrypt") is not None:
        return b""
    try:
        return autocrypt.field(author, public, mutual=policy.encrypt != Encrypting.NEVER)
    except PrivacyError as error:
        _log.warning("key not told", address=author, cause=str(error))
        return b""


async def _readers(session: Session, whole: Copy, author: _Author) -> list[_Reader]:
    """How each recipient can read it; none where it leaves readable, for somebody cannot."""
    recipients, now = [one.address for one in whole.envelope.recipients], datetime.now(UTC)
    places = [list(_places(one, route)) for one, route in zip(recipients, whole.routes, strict=True)]
    known = await _known(session, whole, places)
    signing = author.signing()
    order = dict.fromkeys([*([signing.kind] if signing else []), KeyKind.OPENPGP.value, KeyKind.SMIME.value])
    ways = [[_Reader(kind, keys) for kind in order if (keys := _keys(one, known, kind, now))] for one in places]
    if all(ways) and _hidden(whole) <= HIDDEN:
        return _chosen(ways, list(order))
    if author.policy.encrypt == Encrypting.REQUIRED:
        raise _no_key([str(one) for one, way in zip(recipients, ways, strict=True) if not way])
    return []


def _chosen(ways: Sequence[Sequence[_Reader]], order: Sequence[str]) -> list[_Reader]:
    """One way for all, where there is one; else for each the first that there is."""
    for kind in order:
        of_kind = [one for way in ways for one in way if one.kind == kind]
        if len(of_kind) == len(ways):
            return of_kind
    return [way[0] for way in ways]


async def _known(session: Session, whole: Copy, places: Sequence[Sequence[Sequence[str]]]) -> Readers:
    """The keys of all of them; whoever is elsewhere and has none is looked for in the directory of her domain."""
    account_id = session.identity.account_id if session.identity else 0
    names = {name for one in places for names in one for name in names}
    known = await leaving_keys.of_recipients(session.context.pool, names, account_id)
    strangers = [to for route in whole.routes for to in route.remote if not known.knows(f"{to.key}@{to.domain}")]
    if strangers:
        await session.context.directories.find(account_id, strangers)
        known = await leaving_keys.of_recipients(session.context.pool, names, account_id)
    return known


def _places(recipient: Address, route: Route) -> Iterator[list[str]]:
    """Whose keys a recipient's may be, the best first: of the address, or of all whom it leads to."""
    yield [f"{recipient.key}@{recipient.domain}"]
    if recipient.detail:
        yield [f"{recipient.without_detail()}@{recipient.domain}"]
    leads = [box.address for box in route.mailboxes]
    leads += [f"{one.key}@{one.domain}" for one in route.remote]
    if leads:
        yield leads


def _keys(places: Sequence[Sequence[str]], known: Readers, kind: str, now: datetime) -> list[bytes]:
    """Of one recipient; none where somebody lacks one."""
    for names in places:
        found = [[key for key in known.of(name, kind) if protecting.reads(kind, key, now)] for name in names]
        if all(found):
            return [key for keys in found for key in keys]
    return []


def _no_key(lack: Sequence[str]) -> NoKey:
    """Why it does not leave, in words for whoever sends."""
    if lack:
        shown = ", ".join(one.encode("ascii", "replace").decode() for one in lack[:NAMED])
        more = f" and {len(lack) - NAMED} more" if len(lack) > NAMED else ""
        why = f"there is no key of {shown}{more}: add it first"
    else:
        why = f"more than {HIDDEN} recipients stand in neither To nor Cc: write to fewer at a time"
    text = f"Not sent: it may leave encrypted only, and {why}"
    return NoKey(Reply(NoKey.smtp.code, NoKey.smtp.enhanced, text), reason=why)


def _hidden(whole: Copy) -> int:
    """How many recipients stand in neither To nor Cc."""
    visible = set(authors.readers(whole.header))
    return sum(not _is_named(one.address, visible) for one in whole.envelope.recipients)


def _each(whole: Copy, readers: Sequence[_Reader]) -> Iterator[tuple[Copy, Sequence[_Reader]]]:
    """One for all who are named in it and read it in one way, one for each who is not named."""
    if not readers:
        yield whole, ()
        return
    visible = set(authors.readers(whole.header))
    named: dict[str, list[tuple[Recipient, Route, _Reader]]] = {}
    hidden = []
    for one in zip(whole.envelope.recipients, whole.routes, readers, strict=True):
        if _is_named(one[0].address, visible):
            named.setdefault(one[2].kind, []).append(one)
        else:
            hidden.append([one])
    for number, group in enumerate([*named.values(), *hidden]):
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


def _is_named(recipient: Address, visible: set[str]) -> bool:
    return f"{recipient.key}@{recipient.domain}" in visible


async def _protected(copy: Copy, author: _Author, readers: Sequence[_Reader]) -> Copy:
    if len(copy.body) > THREAD_OCTETS:
        async with _large:
            return await asyncio.to_thread(_made, copy, author, readers)
    return _made(copy, author, readers)


def _made(copy: Copy, author: _Author, readers: Sequence[_Reader]) -> Copy:
    kind = readers[0].kind if readers else ""
    signing = author.signing(kind)
    if not kind and signing is None:
        return copy
    added = headers.select(copy.stamps, _ADDED)[:-2]
    stamps = headers.without(copy.stamps, lambda name, _: name in _ADDED)
    header = added + copy.header
    done = [f"signed ({_NAMES[signing.kind]})"] if signing else []
    try:
        if kind:
            done.append(f"encrypted ({_NAMES[kind]})")
            keys = list(dict.fromkeys([*author.reading(kind), *(key for one in readers for key in one.keys)]))
            hides = author.policy.hide_subject
            header, body = protecting.encrypt(header, copy.body, kind, keys, signing, hide_subject=hides)
        elif signing:
            header, body = protecting.sign(header, copy.body, signing)
    except PrivacyError as error:
        _log.error("mail not protected", cause=str(error))
        raise Unavailable from error
    return replace(copy, stamps=stamps, header=header, body=body, done=", ".join(done))
