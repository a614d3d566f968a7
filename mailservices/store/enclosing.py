"""Mail for those who have theirs encrypted before it is stored: their keys, and a Content that only they can read.

Whoever puts mail into a mailbox asks `enclosed` for each account whose Mailbox says `encrypts`. What is encrypted
already is left alone. Where no key of hers can be used, her policy says whether the message has to come again
(KeyBroken) or is stored as it came; she is told either way, and nothing is lost.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from mailservices import log
from mailservices.mail import encrypted, headers, privacy
from mailservices.mail.errors import KeyBroken
from mailservices.mail.headers import Octets
from mailservices.mail.openpgp import keys as openpgp_keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.privacy import Described, Entity, PrivacyError
from mailservices.mail.smime import certificates, enveloped
from mailservices.mail.structure import Facts
from mailservices.mail.vocabulary import KeyKind, WhenBroken
from mailservices.store import contents
from mailservices.store.delivery import Content, Placement
from mailservices.store.directory import Mailbox, Route
from mailservices.store.pool import Pool, connection

#: Larger messages are encrypted in a thread; and of those that are very large one at a time, for it takes several
#: times their memory. The library lets nobody else run meanwhile: five milliseconds for a mebibyte.
THREAD_OCTETS = 64 * 1024
LARGE_OCTETS = 4 * 2**20
#: Keys whose descriptions are remembered: describing one takes as long as encrypting a letter.
REMEMBERED_KEYS = 2000
#: Keys of one account that a message is encrypted to.
KEYS = 10

# One row for each account that has its mail encrypted. Its domain may hold keys for its address, too.
WISHES = f"""
SELECT a.id, a.encrypts, coalesce(p.when_broken, d.when_broken, '{WhenBroken.WAIT}') AS when_broken,
       coalesce(p.hide_subject, d.hide_subject, false) AS hide_subject,
       coalesce(p.on_append, d.on_append, '{{}}') AS on_append,
       ARRAY(SELECT k.public FROM privacy_key k
             WHERE (k.account_id = a.id OR k.domain_id = a.domain_id AND k.address = a.address)
               AND k.ours AND k.encrypts AND k.kind = a.encrypts AND k.revoked_at IS NULL
             ORDER BY k.id LIMIT {KEYS}) AS keys
FROM directory_account a
LEFT JOIN privacy_policy p ON p.account_id = a.id
LEFT JOIN privacy_policy d ON d.domain_id = a.domain_id
WHERE a.id = ANY($1::bigint[]) AND a.encrypts <> ''
"""  # noqa: S608 - constants of ours
# Who has been told need not be told with each message; after a week, she is told again.
NOTE = """
INSERT INTO privacy_notice AS old (account_id, about, fingerprint, words) VALUES ($1, 'broken', $2, $3)
ON CONFLICT (account_id, about, fingerprint) DO UPDATE
SET words = excluded.words, created_at = now(), told_at = NULL
WHERE old.told_at < now() - interval '7 days'
"""

_large = asyncio.Semaphore(1)
_log = log.get()


@dataclass(frozen=True, slots=True)
class Wish:
    """How an account has its mail encrypted."""

    account_id: int
    kind: str
    keys: tuple[bytes, ...]
    when_broken: str
    hide_subject: bool
    #: Roles of folders into which what a client brings is encrypted, too.
    on_append: tuple[str, ...]


async def wishes(pool: Pool, accounts: Sequence[int]) -> dict[int, Wish]:
    """Those of these accounts that have their mail encrypted, and how."""
    if not accounts:
        return {}
    async with connection(pool) as db:
        rows = await db.fetch(WISHES, accounts)
    return {
        row["id"]: Wish(
            row["id"], row["encrypts"], tuple(row["keys"]), row["when_broken"], row["hide_subject"],
            tuple(row["on_append"]),
        )
        for row in rows
    }  # fmt: skip


async def enclosed_for(
    pool: Pool, boxes: Sequence[Mailbox], prefix: bytes, header: bytes, body: Octets
) -> dict[int, Content]:
    """Account -> the message as only its owner can read it, of these mailboxes; without those who get it as it is.

    Raises:
        KeyBroken, Unavailable
    """
    found = {}
    for account_id, wish in (await wishes(pool, [box.account_id for box in boxes if box.encrypts])).items():
        content = await enclosed(pool, wish, prefix, header, body)
        if content is not None:
            found[account_id] = content
    return found


async def prepare(
    pool: Pool, route: Route, prefix: bytes, header: bytes, body: bytes
) -> tuple[Content, dict[int, Content], Facts]:
    """A message of our own for where this leads: as it is, and as those have it who have it encrypted.

    Raises:
        KeyBroken, Unavailable
    """
    enclosed = await enclosed_for(pool, route.mailboxes, prefix, header, body)
    needed = bool(route.remote) or len(enclosed) < len(route.mailboxes)
    content, facts = await contents.prepare(pool, prefix, header, body, needed=needed)
    return content, enclosed, facts


def placed(
    content: Content, enclosed: Mapping[int, Content], boxes: Sequence[Mailbox], now: datetime
) -> tuple[tuple[Content, tuple[Placement, ...]], ...]:
    """What a delivery has for these mailboxes: one Content for all who get it as it is, for others their own."""
    places = [(enclosed.get(box.account_id), Placement(box.account_id, box.mailbox_id, now)) for box in boxes]
    shared = tuple(place for own, place in places if own is None)
    alone = tuple((own, (place,)) for own, place in places if own is not None)
    return (((content, shared),) if shared else ()) + alone


async def check(pool: Pool, accounts: Sequence[int]) -> None:
    """Before a message comes: whether it can be encrypted for these accounts as they wish.

    Raises:
        KeyBroken: one that has it wait has no key that can be used; she is told.
    """
    for wish in (await wishes(pool, accounts)).values():
        try:
            _usable(wish, datetime.now(UTC))
        except PrivacyError as error:
            await _broken(pool, wish, str(error))


async def enclosed(pool: Pool, wish: Wish, prefix: bytes, header: bytes, body: Octets) -> Content | None:
    """The message as only its owner can read it; None where it is to be stored as it is.

    Args:
        prefix: what we put before it; what of that tells of the text goes inside.

    Raises:
        KeyBroken: it has to wait until she has another key.
        Unavailable
    """
    try:
        if len(body) > LARGE_OCTETS:
            async with _large:
                made = await asyncio.to_thread(_made, wish, prefix, header, body)
        elif len(body) > THREAD_OCTETS:
            made = await asyncio.to_thread(_made, wish, prefix, header, body)
        else:
            made = _made(wish, prefix, header, body)
    except PrivacyError as error:
        await _broken(pool, wish, str(error))
        return None
    if made is None:
        return None
    prefix, header, body = made
    content, _ = await contents.prepare(pool, prefix, header, body)
    return content


def _made(wish: Wish, prefix: bytes, header: bytes, body: Octets) -> tuple[bytes, bytes, bytes] | None:
    """Prefix, header and body; None where it is encrypted already."""
    keys = _usable(wish, datetime.now(UTC))
    if encrypted.is_encrypted(header, body):
        return None
    # Signatures of ours tell whether a guess at the text is right, as those of others do (mail/privacy.py).
    outside = privacy.outer_of_arrived(prefix, hide_subject=False)
    within = headers.without(prefix, lambda name, _: name in privacy.LISTED) + header
    outer = privacy.outer_of_arrived(within, hide_subject=wish.hide_subject)
    entity = _encrypt(wish.kind, privacy.payload(within, body, outer), keys)
    return outside, *privacy.message(outer, entity)


def _usable(wish: Wish, now: datetime) -> list[bytes]:
    """Her keys that can be encrypted to.

    Raises:
        PrivacyError: there is none; why the last one cannot be.
    """
    why = "there is no key that mail is encrypted to"
    usable = []
    for key in wish.keys:
        try:
            broken = _described(wish.kind, key).broken(now)
        except PrivacyError as error:
            broken = str(error)
        if broken:
            why = broken
        else:
            usable.append(key)
    if not usable:
        raise PrivacyError(why)
    return usable


@lru_cache(REMEMBERED_KEYS)
def _described(kind: str, public: bytes) -> Described:
    return certificates.describe(public) if kind == KeyKind.SMIME else openpgp_keys.describe(public)


def _encrypt(kind: str, payload: bytes, keys: Sequence[bytes]) -> Entity:
    return enveloped.encrypt(payload, keys) if kind == KeyKind.SMIME else openpgp.encrypt(payload, keys)


async def _broken(pool: Pool, wish: Wish, why: str) -> None:
    """Have her told; then the message waits, or goes on as it is.

    Raises:
        KeyBroken
    """
    fingerprint = ""
    for key in wish.keys[:1]:
        try:
            fingerprint = _described(wish.kind, key).fingerprint
        except PrivacyError:
            fingerprint = ""
    async with connection(pool) as db:
        await db.execute(NOTE, wish.account_id, fingerprint, why)
    _log.warning("mail not encrypted", account=wish.account_id, key=fingerprint, cause=why)
    if wish.when_broken == WhenBroken.WAIT:
        raise KeyBroken(reason=why)
