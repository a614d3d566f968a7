"""OpenPGP keys of correspondents: learnt from what they send (mail/autocrypt.py), or found in directories (WKD).

What somebody of us has said of a key stays: none is put beside one that was verified, and one that was refused is
not learnt again. Of what was only seen, the newest counts; `created_at` is when it was told, or found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailservices.mail.privacy import Described
from mailservices.mail.vocabulary import KeyKind, KeyOrigin, Trust
from mailservices.store.pool import Pool, connection

#: Keys of correspondents of one account.
LEARNT: Final = 5000
#: A key that was found in a directory is looked for again after that, and before it ends.
AGAIN: Final = timedelta(days=7)
SOON: Final = timedelta(days=14)

LEARNERS: Final = """
SELECT a.id FROM directory_account a
LEFT JOIN privacy_policy p ON p.account_id = a.id
LEFT JOIN privacy_policy d ON d.domain_id = a.domain_id
WHERE a.id = ANY($1::bigint[]) AND coalesce(p.learn, d.learn, false)
"""
KEEP: Final = f"""
WITH kept AS (
    INSERT INTO privacy_key AS old (
        kind, address, account_id, ours, fingerprint, algorithm, public, subject, not_before, expires_at,
        created_at, origin, trust, prefers_encryption)
    SELECT '{KeyKind.OPENPGP}', $2::text, a.id, false, $3::text, $4, $5, $6, $7, $8,
           $9::timestamptz, $10, '{Trust.SEEN}', $11
    FROM directory_account a
    WHERE a.id = ANY($1::bigint[])
      AND (SELECT count(*) FROM privacy_key k WHERE k.account_id = a.id AND NOT k.ours) < {LEARNT}
      AND NOT EXISTS (
          SELECT FROM privacy_key k
          WHERE k.kind = '{KeyKind.OPENPGP}' AND k.address = $2::text
            AND (k.account_id = a.id OR k.domain_id = a.domain_id)
            AND (k.ours OR k.trust = '{Trust.VERIFIED}' OR k.created_at > $9::timestamptz))
    ON CONFLICT ON CONSTRAINT privacy_key_is_unique DO UPDATE
    SET public = excluded.public, algorithm = excluded.algorithm, expires_at = excluded.expires_at,
        created_at = excluded.created_at, origin = excluded.origin,
        prefers_encryption = excluded.prefers_encryption
    WHERE old.trust = '{Trust.SEEN}' AND old.revoked_at IS NULL
    RETURNING old.account_id
)
DELETE FROM privacy_key k USING kept
WHERE k.account_id = kept.account_id AND k.kind = '{KeyKind.OPENPGP}' AND k.address = $2::text
  AND k.fingerprint <> $3::text AND NOT k.ours AND k.trust = '{Trust.SEEN}'
"""  # noqa: S608 - constants of ours
OLD: Final = f"""
SELECT k.account_id, k.address, k.fingerprint FROM privacy_key k
WHERE k.origin = '{KeyOrigin.WKD}' AND k.trust = '{Trust.SEEN}' AND k.account_id IS NOT NULL
  AND (k.created_at < now() - $2::interval
       OR k.expires_at < now() + $3::interval AND k.created_at < now() - interval '1 day')
ORDER BY k.created_at LIMIT $1
"""  # noqa: S608 - constants of ours
PUT_OFF: Final = (
    "UPDATE privacy_key SET created_at = now() WHERE account_id = $1 AND address = $2 AND fingerprint = $3"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A key of somebody who is written to."""

    #: In normal form.
    address: str
    public: bytes
    described: Described
    #: When it was told, or found.
    moment: datetime
    origin: KeyOrigin
    prefers_encryption: bool = False


@dataclass(frozen=True, slots=True)
class Old:
    """One that was found a while ago, and is to be looked for again."""

    account_id: int
    address: str
    fingerprint: str


async def learners(pool: Pool, accounts: Sequence[int]) -> list[int]:
    """Those of these accounts that wish to learn."""
    async with connection(pool) as db:
        return [row["id"] for row in await db.fetch(LEARNERS, accounts)]


async def keep(pool: Pool, accounts: Sequence[int], found: Found) -> None:
    """For each of these accounts, unless it knows better.

    Raises:
        Unavailable
    """
    told = found.described
    async with connection(pool) as db:
        await db.execute(
            KEEP, accounts, found.address, told.fingerprint, told.algorithm[:100], found.public, told.subject,
            told.not_before, told.expires_at, found.moment, found.origin.value, found.prefers_encryption,
        )  # fmt: skip


async def old(pool: Pool, limit: int) -> list[Old]:
    """Keys from directories that may have changed there since, the longest unasked first."""
    async with connection(pool) as db:
        return [Old(*row) for row in await db.fetch(OLD, limit, AGAIN, SOON)]


async def put_off(pool: Pool, one: Old) -> None:
    """Nothing newer is there: look again later."""
    async with connection(pool) as db:
        await db.execute(PUT_OFF, one.account_id, one.address, one.fingerprint)
