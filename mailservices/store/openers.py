"""Keys that are held to open what comes in, for accounts that wish that; nobody does who has not said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailservices.store.pool import Pool, connection

#: Keys that are tried on one message of one account.
KEYS: Final = 3

# Who has what comes in encrypted, keeps what is encrypted already as it is.
OPENERS: Final = f"""
SELECT a.id, k.fingerprint, k.public, k.secret
FROM directory_account a
LEFT JOIN privacy_policy p ON p.account_id = a.id
LEFT JOIN privacy_policy d ON d.domain_id = a.domain_id
CROSS JOIN LATERAL (
    SELECT k.fingerprint, k.public, k.secret FROM privacy_key k
    WHERE (k.account_id = a.id OR k.domain_id = a.domain_id) AND k.kind = $2 AND k.decrypts
      AND k.secret IS NOT NULL
    ORDER BY k.account_id IS NULL, k.id DESC LIMIT {KEYS}
) k
WHERE a.id = ANY($1::bigint[]) AND a.encrypts = '' AND coalesce(p.decrypt, d.decrypt, false)
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class Held:
    """A key, its private half still sealed."""

    fingerprint: str
    public: bytes
    sealed: bytes


async def of(pool: Pool, accounts: Sequence[int], kind: str) -> dict[int, list[Held]]:
    """Account -> its keys; without those that do not wish it.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        rows = await db.fetch(OPENERS, accounts, kind)
    found: dict[int, list[Held]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(Held(row["fingerprint"], row["public"], row["secret"]))
    return found
