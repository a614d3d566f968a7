"""How the recipients of a submission can read it when it is encrypted: whose keys count, and by which way.

- a recipient's key is that of the address, else of all whom it leads to; all get the same message, by OpenPGP or
  S/MIME, where there is one way for all, else each gets it in the way that there is for her
- it is encrypted to the author, too, where she has a key that her mail is encrypted to, or that signs
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mailservices.mail import authors, protecting
from mailservices.mail.address import Address
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import NoKey
from mailservices.mail.headers import Octets
from mailservices.mail.privacy_policy import Policy
from mailservices.mail.protecting import SigningKey
from mailservices.mail.vocabulary import Encrypting, KeyKind, Signing
from mailservices.store import leaving_keys
from mailservices.store.directory import Route
from mailservices.store.leaving_keys import OwnKey, Readers
from mailservices.store.pool import Pool

#: Copies that one message may need for recipients who are not named in it.
HIDDEN: Final = 50
#: Recipients that a refusal names.
NAMED: Final = 3

_NAMES: Final = {KeyKind.SMIME.value: "S/MIME", KeyKind.OPENPGP.value: "OpenPGP"}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an account's keys are looked for."""

    pool: Pool
    sealing_key: bytes
    account_id: int
    #: The account's own.
    address: str
    #: Looks in directories elsewhere, and keeps what it finds; None: nothing is looked for there.
    find: Callable[[int, Iterable[Address]], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How one recipient is to read it."""

    kind: str
    keys: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Author:
    """Who sends, and how she wishes it to be."""

    address: str
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


async def author(desk: Desk, policy: Policy, header: bytes, body: Octets) -> Author:
    """Who sends it.

    Raises:
        Unavailable: her keys cannot be read, or not be opened.
    """
    name = authors.author(header) or desk.address
    own = await leaving_keys.own(desk.pool, desk.sealing_key, name, desk.account_id)
    return Author(name, policy, own, protecting.is_signed(header, body))


async def readers(
    desk: Desk, envelope: Envelope, routes: Sequence[Route], header: bytes, author: Author
) -> list[Reader]:
    """How each recipient can read it; none where it leaves readable, for somebody cannot, or it is not wished.

    Raises:
        NoKey: it may leave encrypted only.
        Unavailable
    """
    if author.policy.encrypt == Encrypting.NEVER:
        return []
    recipients, now = [one.address for one in envelope.recipients], datetime.now(UTC)
    places = [list(_places(one, route)) for one, route in zip(recipients, routes, strict=True)]
    known = await _known(desk, routes, places)
    signing = author.signing()
    order = dict.fromkeys([*([signing.kind] if signing else []), KeyKind.OPENPGP.value, KeyKind.SMIME.value])
    ways = [[Reader(kind, keys) for kind in order if (keys := _keys(one, known, kind, now))] for one in places]
    if all(ways) and sum(not one for one in named(envelope, header)) <= HIDDEN:
        return _chosen(ways, list(order))
    if author.policy.encrypt == Encrypting.REQUIRED:
        raise _no_key([str(one) for one, way in zip(recipients, ways, strict=True) if not way])
    return []


def _chosen(ways: Sequence[Sequence[Reader]], order: Sequence[str]) -> list[Reader]:
    """One way for all, where there is one; else for each the first that there is."""
    for kind in order:
        of_kind = [one for way in ways for one in way if one.kind == kind]
        if len(of_kind) == len(ways):
            return of_kind
    return [way[0] for way in ways]


async def _known(desk: Desk, routes: Sequence[Route], places: Sequence[Sequence[Sequence[str]]]) -> Readers:
    """The keys of all of them; whoever is elsewhere and has none is looked for in the directory of her domain."""
    names = {name for one in places for names in one for name in names}
    known = await leaving_keys.of_recipients(desk.pool, names, desk.account_id)
    strangers = [to for route in routes for to in route.remote if not known.knows(f"{to.key}@{to.domain}")]
    if strangers and desk.find is not None:
        await desk.find(desk.account_id, strangers)
        known = await leaving_keys.of_recipients(desk.pool, names, desk.account_id)
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


def named(envelope: Envelope, header: bytes) -> list[bool]:
    """Of each recipient, whether she stands in To or Cc."""
    visible = set(authors.readers(header))
    return [f"{one.address.key}@{one.address.domain}" in visible for one in envelope.recipients]


def words(kind: str, signing: SigningKey | None) -> str:
    """What is done with a message, for the trace."""
    done = [f"signed ({_NAMES[signing.kind]})"] if signing else []
    return ", ".join([*done, *([f"encrypted ({_NAMES[kind]})"] if kind else [])])
