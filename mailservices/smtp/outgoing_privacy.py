"""What is done with a submission as its account wishes: its key told (Autocrypt), signed, encrypted.

It is done when the message is handed in, after all other changes and before DKIM: what waits to be released (its
sender or the administrator holds it) waits as it will leave. What the author's own program has encrypted is left
alone, and what it has signed is not signed again. Recipients here get the same message as all others.

- all recipients are to read the same message: it is encrypted where there is one way, OpenPGP or S/MIME, by which
  there is a key of each; a recipient's key is that of the address, else of all whom it leads to
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
from mailservices.mail.envelope import Envelope
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


@dataclass(frozen=True, slots=True)
class _Way:
    """How it is done: what of it leaves the message as it is, is None or empty."""

    policy: Policy
    signing: SigningKey | None = None
    kind: str = ""
    #: The author's own, to which it is encrypted, too; and for each recipient those of hers.
    own: Sequence[bytes] = ()
    readers: Sequence[Sequence[bytes]] = ()

    @property
    def words(self) -> str:
        """For the trace."""
        said = [f"signed ({_NAMES[self.signing.kind]})"] if self.signing else []
        return ", ".join([*said, *([f"encrypted ({_NAMES[self.kind]})"] if self.kind else [])])


async def copies(session: Session, whole: Copy) -> tuple[list[Copy], str]:
    """The message as it leaves, in as many copies as it needs; and what was done with it, for the trace.

    Raises:
        NoKey: it may leave encrypted only, and a recipient lacks a key.
        Unavailable: what is wished, or the keys, cannot be read.
    """
    if session.identity is None:
        return [whole], ""
    policy = await session.context.wishes.of(session.identity.account_id)
    if policy.sign == Signing.OFF and policy.encrypt == Encrypting.NEVER and not policy.autocrypt:
        return [whole], ""
    author = next(iter(authors.of(whole.header)), session.identity.address)
    account_id, context = session.identity.account_id, session.context
    own = await leaving_keys.own(context.pool, context.config.sealing_key, author, account_id)
    # It stands outside only: what is inside is for people who have the key already.
    told = _told(whole.header, author, own, policy) if policy.autocrypt else b""
    if protecting.is_encrypted(whole.header, whole.body):
        return [replace(whole, header=told + whole.header)], "encrypted by its author"
    signing = None if protecting.is_signed(whole.header, whole.body) else _signing(own, policy)
    way = _Way(policy, signing)
    if policy.encrypt != Encrypting.NEVER:
        way = await _encrypting(session, whole, way, own)
    made = [await _protected(copy, one) for copy, one in _each(whole, way)]
    return [replace(one, header=told + one.header) for one in made], way.words


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


def _signing(own: Sequence[OwnKey], policy: Policy) -> SigningKey | None:
    """The key that signs; without one it leaves as it is."""
    if policy.sign == Signing.OFF:
        return None
    wished = [KeyKind.SMIME, KeyKind.OPENPGP] if policy.sign == Signing.EITHER else [KeyKind(policy.sign)]
    held = [one.signing for kind in wished for one in own if one.kind == kind and one.signing]
    return next(iter(held), None)


async def _encrypting(session: Session, whole: Copy, way: _Way, own: Sequence[OwnKey]) -> _Way:
    """The way by which all recipients can read it; where there is none, it leaves readable, or not at all."""
    recipients, now = [one.address for one in whole.envelope.recipients], datetime.now(UTC)
    places = [list(_places(one, route)) for one, route in zip(recipients, whole.routes, strict=True)]
    known = await _known(session, whole, places)
    first = [way.signing.kind] if way.signing else []
    for kind in dict.fromkeys([*first, KeyKind.OPENPGP.value, KeyKind.SMIME.value]):
        readers = [_keys(one, known, kind, now) for one in places]
        if all(readers) and _hidden(whole) <= HIDDEN:
            mine = [one.public for one in own if one.kind == kind and protecting.reads(kind, one.public, now)]
            return replace(way, kind=kind, own=mine, readers=readers)
    if way.policy.encrypt == Encrypting.REQUIRED:
        lack = [
            str(recipient)
            for recipient, one in zip(recipients, places, strict=True)
            if not any(_keys(one, known, kind.value, now) for kind in KeyKind)
        ]
        raise _no_key(lack, _hidden(whole))
    return way


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


def _no_key(lack: Sequence[str], hidden: int) -> NoKey:
    """Why it does not leave, in words for whoever sends."""
    if lack:
        shown = ", ".join(one.encode("ascii", "replace").decode() for one in lack[:NAMED])
        more = f" and {len(lack) - NAMED} more" if len(lack) > NAMED else ""
        why = f"there is no key of {shown}{more}: add it first"
    elif hidden > HIDDEN:
        why = f"more than {HIDDEN} recipients stand in neither To nor Cc: write to fewer at a time"
    else:
        why = "some recipients have OpenPGP only, others S/MIME: write to them apart"
    text = f"Not sent: it may leave encrypted only, and {why}"
    return NoKey(Reply(NoKey.smtp.code, NoKey.smtp.enhanced, text), reason=why)


def _hidden(whole: Copy) -> int:
    """How many recipients stand in neither To nor Cc."""
    visible = set(authors.readers(whole.header))
    return sum(not _is_named(one.address, visible) for one in whole.envelope.recipients)


def _each(whole: Copy, way: _Way) -> Iterator[tuple[Copy, _Way]]:
    """One for all who are named in it, one for each who is not."""
    if not way.kind:
        yield whole, way
        return
    visible = set(authors.readers(whole.header))
    members = list(zip(whole.envelope.recipients, whole.routes, way.readers, strict=True))
    named = [one for one in members if _is_named(one[0].address, visible)]
    groups = [named] if named else []
    groups += [[one] for one in members if not _is_named(one[0].address, visible)]
    for number, group in enumerate(groups):
        envelope = replace(whole.envelope, recipients=[recipient for recipient, _, _ in group])
        copy = replace(
            whole,
            trace_id=new_id() if number else whole.trace_id,
            envelope=envelope,
            routes=[route for _, route, _ in group],
        )
        yield copy, replace(way, readers=[keys for _, _, keys in group])


def _is_named(recipient: Address, visible: set[str]) -> bool:
    return f"{recipient.key}@{recipient.domain}" in visible


async def _protected(copy: Copy, way: _Way) -> Copy:
    if len(copy.body) > THREAD_OCTETS:
        async with _large:
            return await asyncio.to_thread(_made, copy, way)
    return _made(copy, way)


def _made(copy: Copy, way: _Way) -> Copy:
    added = headers.select(copy.stamps, _ADDED)[:-2]
    stamps = headers.without(copy.stamps, lambda name, _: name in _ADDED)
    header = added + copy.header
    try:
        if way.kind:
            keys = list(dict.fromkeys([*way.own, *(key for keys in way.readers for key in keys)]))
            hides = way.policy.hide_subject
            header, body = protecting.encrypt(header, copy.body, way.kind, keys, way.signing, hide_subject=hides)
        elif way.signing:
            header, body = protecting.sign(header, copy.body, way.signing)
        else:
            return copy
    except PrivacyError as error:
        _log.error("mail not protected", cause=str(error))
        raise Unavailable from error
    return replace(copy, stamps=stamps, header=header, body=body)
