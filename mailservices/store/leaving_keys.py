"""What an account wishes for what it sends, and the keys for that: its own that sign, those of whom it writes to.

Of an address here count the keys that its owner has her mail encrypted to, or has published; of others, those that
somebody of us has verified, else those that were seen. What was refused, revoked or has ended does not count.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from mailservices import log
from mailservices.mail import sealing
from mailservices.mail.errors import Unavailable
from mailservices.mail.privacy_policy import WISHES, Policy, merged
from mailservices.mail.protecting import SigningKey
from mailservices.mail.sealing import NotSealedHere
from mailservices.mail.vocabulary import KeyKind, Trust
from mailservices.store.pool import Pool, connection

#: Seconds that a process holds what an account wishes, and accounts of which it does.
HELD_FOR: Final = 5.0
HELD_ACCOUNTS: Final = 10_000
#: Keys of one address, and of all recipients of a message, that are looked at.
KEYS: Final = 5
ALL_KEYS: Final = 2000

# The account's row, then its domain's.
OF_ACCOUNT: Final = """
SELECT p.* FROM directory_account a
JOIN privacy_policy p ON p.account_id = a.id OR p.domain_id = a.domain_id
WHERE a.id = $1 ORDER BY p.account_id IS NULL
"""
# An address may be the account's, or one of a domain of ours that the account may send as.
OWN: Final = f"""
SELECT k.kind, k.fingerprint, k.public, k.chain, k.secret, k.signs FROM privacy_key k
WHERE k.address = $1 AND k.ours AND (k.account_id = $2 OR k.domain_id IS NOT NULL) AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now()) AND (k.not_before IS NULL OR k.not_before <= now())
ORDER BY k.account_id IS NULL, k.id DESC LIMIT {KEYS}
"""  # noqa: S608 - a constant of ours
OF_RECIPIENTS: Final = f"""
SELECT k.address, k.kind, k.public,
       CASE WHEN k.ours THEN 0 WHEN k.trust = '{Trust.VERIFIED}' THEN 1 ELSE 2 END AS rank
FROM privacy_key k
WHERE k.address = ANY($1::text[]) AND k.revoked_at IS NULL AND k.trust <> '{Trust.REFUSED}'
  AND (k.expires_at IS NULL OR k.expires_at > now()) AND (k.not_before IS NULL OR k.not_before <= now())
  AND (k.ours AND (k.encrypts OR k.published)
       OR NOT k.ours AND (k.account_id = $2
                          OR k.domain_id = (SELECT domain_id FROM directory_account WHERE id = $2)))
ORDER BY rank, k.id DESC LIMIT {ALL_KEYS}
"""  # noqa: S608 - constants of ours

_NOTHING: Final = Policy()
_log = log.get()


class Wishes:
    """What accounts wish, as one process holds it."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._held: dict[int, tuple[float, Policy]] = {}

    async def of(self, account_id: int) -> Policy:
        """Raises Unavailable where nobody can tell: nothing may leave otherwise than is wished."""
        held = self._held.get(account_id)
        if held is not None and held[0] > self._clock():
            return held[1]
        async with connection(self._pool) as db:
            rows = await db.fetch(OF_ACCOUNT, account_id)
        found = merged(*({name: row[name] for name in WISHES} for row in rows)) if rows else _NOTHING
        if len(self._held) >= HELD_ACCOUNTS:
            self._held.clear()
        self._held[account_id] = (self._clock() + HELD_FOR, found)
        return found


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key of the author's own; `signing` where its private half is here, and is to sign."""

    kind: str
    public: bytes
    signing: SigningKey | None


@dataclass(frozen=True, slots=True)
class Readers:
    """Keys of recipients: (address, kind) -> those that count."""

    keys: dict[tuple[str, str], list[bytes]]

    def of(self, address: str, kind: str) -> list[bytes]:
        return self.keys.get((address, kind), [])

    def knows(self, address: str) -> bool:
        return any((address, kind.value) in self.keys for kind in KeyKind)


async def own(pool: Pool, sealing_key: bytes, author: str, account_id: int) -> list[OwnKey]:
    """Those of this address, the account's before a domain's, the newest first.

    Raises:
        Unavailable: they cannot be read, or not be opened.
    """
    async with connection(pool) as db:
        rows = await db.fetch(OWN, author, account_id)
    found = []
    for row in rows:
        signing = None
        if row["signs"] and row["secret"] is not None:
            context = sealing.privacy_context(row["kind"], row["fingerprint"])
            try:
                secret = sealing.unseal(sealing_key, row["secret"], context)
            except NotSealedHere as error:
                _log.error("key cannot be opened: was FACTEUR_SECRET_KEY changed?", address=author)
                raise Unavailable from error
            signing = SigningKey(row["kind"], row["public"], row["chain"], secret)
        found.append(OwnKey(row["kind"], row["public"], signing))
    return found


async def of_recipients(pool: Pool, addresses: Collection[str], account_id: int) -> Readers:
    """For what this account sends.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        rows = await db.fetch(OF_RECIPIENTS, list(addresses), account_id)
    best: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str], list[bytes]] = {}
    for row in rows:
        which = row["address"], row["kind"]
        # In order: what comes first is the best that there is, and nothing worse counts beside it.
        if row["rank"] == best.setdefault(which, row["rank"]) and len(found.setdefault(which, [])) < KEYS:
            found[which].append(row["public"])
    return Readers(found)
