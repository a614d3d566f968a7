"""Keys of whoever writes to us, and is written to: what was learnt of them, and what was said of that.

Of an author count the keys that she herself has here, those that the recipients' domains have, and, where a
message is for one account alone, those of the account: nobody is told on the word of another account.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from mailservices.mail.smime.learning import Learnt
from mailservices.mail.vocabulary import KeyKind, KeyOrigin, Trust
from mailservices.store.pool import Pool, connection

#: Keys of the authors of one message that are looked at, and what one account learns.
KEYS: Final = 50
LEARNT: Final = 5000

OF_AUTHORS: Final = """
SELECT k.kind, k.address, k.fingerprint, k.public, k.trust, k.revoked_at IS NOT NULL AS revoked
FROM privacy_key k
WHERE k.address = ANY($1::text[])
  AND (k.ours OR k.account_id = ANY($2::bigint[]) AND cardinality($2::bigint[]) = 1
       OR k.domain_id IN (SELECT domain_id FROM directory_account WHERE id = ANY($2::bigint[])))
ORDER BY k.id DESC LIMIT $3
"""
# Only for those who wish to learn, and not beyond a limit: whoever signs well would fill the table.
LEARN: Final = """
INSERT INTO privacy_key (kind, address, account_id, ours, fingerprint, algorithm, public, chain, subject, issuer,
                         not_before, expires_at, origin, trust)
SELECT $2, $3, a.id, false, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
FROM directory_account a
LEFT JOIN privacy_policy p ON p.account_id = a.id
LEFT JOIN privacy_policy d ON d.domain_id = a.domain_id
WHERE a.id = ANY($1::bigint[]) AND coalesce(p.learn, d.learn, false)
  AND (SELECT count(*) FROM privacy_key k WHERE k.account_id = a.id AND NOT k.ours) < $14::int
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A key of somebody who writes."""

    kind: str
    #: Of the authors, the one whose it is.
    address: str
    fingerprint: str
    public: bytes
    #: As somebody of ours has said (Trust).
    trust: str
    revoked: bool


async def of_authors(pool: Pool, authors: Collection[str], accounts: Sequence[int]) -> list[Known]:
    """The newest first.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        rows = await db.fetch(OF_AUTHORS, list(authors), list(accounts), KEYS)
    return [Known(*row) for row in rows]


async def learn(pool: Pool, accounts: Sequence[int], found: Learnt) -> None:
    """Keep it for those of these accounts that wish to learn.

    Raises:
        Unavailable
    """
    told = found.described
    async with connection(pool) as db:
        await db.execute(
            LEARN, list(accounts), KeyKind.SMIME.value, found.address, told.fingerprint, told.algorithm,
            found.public, found.chain, told.subject, told.issuer, told.not_before, told.expires_at,
            KeyOrigin.SIGNED.value, Trust.SEEN.value, LEARNT,
        )  # fmt: skip
