"""What owners are to be told of their keys (privacy_notice): noted once, told once, and anew while it lasts."""

from collections.abc import Sequence
from datetime import timedelta

from mailservices.mail.privacy_notice import EXPIRES, Notice
from mailservices.mail.privacy_policy import WARNED_DAYS
from mailservices.mail.vocabulary import WhenBroken
from mailservices.store.pool import Pool, connection

#: After so long, what is broken still is told again.
AGAIN = timedelta(days=7)
#: Keys that one step notes.
STEP = 1000

# Keys in use that end within the days, or have just ended; of what ended long ago its owner was told.
NOTE_ENDING = f"""
INSERT INTO privacy_notice (account_id, about, fingerprint)
SELECT DISTINCT k.account_id, '{EXPIRES}', k.fingerprint FROM privacy_key k
JOIN directory_account a ON a.id = k.account_id
WHERE k.ours AND (k.signs OR k.encrypts) AND k.revoked_at IS NULL AND a.deleted_at IS NULL
  AND k.expires_at BETWEEN now() - make_interval(days => $2) AND now() + make_interval(days => $2)
  AND NOT EXISTS (SELECT FROM privacy_notice n
                  WHERE n.account_id = k.account_id AND n.about = '{EXPIRES}' AND n.fingerprint = k.fingerprint)
LIMIT $1
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants of ours
FORGET_BROKEN = "DELETE FROM privacy_notice WHERE about = 'broken' AND told_at < now() - $1::interval"
UNTOLD = f"""
SELECT n.id, n.about, n.fingerprint, n.words, a.address,
       coalesce(p.when_broken, d.when_broken, '{WhenBroken.WAIT}') AS when_broken,
       (SELECT max(k.expires_at) FROM privacy_key k
        WHERE k.account_id = n.account_id AND k.fingerprint = n.fingerprint) AS expires_at
FROM privacy_notice n JOIN directory_account a ON a.id = n.account_id
LEFT JOIN privacy_policy p ON p.account_id = a.id
LEFT JOIN privacy_policy d ON d.domain_id = a.domain_id
WHERE n.told_at IS NULL AND a.deleted_at IS NULL
ORDER BY n.created_at LIMIT $1
"""  # noqa: S608 - constants of ours
TOLD = "UPDATE privacy_notice SET told_at = now() WHERE id = $1 AND told_at IS NULL"


async def note(pool: Pool) -> None:
    """Note what is to be told.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        await db.execute(FORGET_BROKEN, AGAIN)
        await db.execute(NOTE_ENDING, STEP, WARNED_DAYS)


async def untold(pool: Pool, limit: int) -> Sequence[tuple[int, Notice]]:
    """What was told to nobody yet, by its id.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        rows = await db.fetch(UNTOLD, limit)
    names = ("about", "address", "fingerprint", "words", "when_broken", "expires_at")
    return [(row["id"], Notice(**{name: row[name] for name in names})) for row in rows]


async def told(pool: Pool, notice_id: int) -> None:
    """It lies in her mailbox.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        await db.execute(TOLD, notice_id)
