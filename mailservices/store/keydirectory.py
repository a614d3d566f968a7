"""Keys that come to directories by mail: what is to be read, what waits to be confirmed, what is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson

from mailservices.mail import sealing
from mailservices.mail.openpgp import keys
from mailservices.mail.vocabulary import INBOX, KeyKind, KeyOrigin, Trust
from mailservices.store.pool import Connection, Pool, connection, transaction

#: How long a key waits for its owner, and how often an owner is written to at most.
WAITS = timedelta(days=7)
PACE = timedelta(hours=1)
#: Keys of one directory's address.
KEYS = 10

DIRECTORIES = f"""
SELECT d.domain_id, n.name AS domain, d.submission, d.account_id, d.read_uid,
       k.fingerprints, k.secrets
FROM privacy_directory d JOIN directory_domain n ON n.id = d.domain_id
JOIN mail_mailbox b ON b.account_id = d.account_id AND b.name = '{INBOX}' AND b.uidnext - 1 > d.read_uid
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(k.fingerprint), '{{}}') AS fingerprints,
           coalesce(array_agg(k.secret), '{{}}') AS secrets
    FROM (SELECT fingerprint, secret FROM privacy_key
          WHERE domain_id = d.domain_id AND address = d.submission AND kind = '{KeyKind.OPENPGP}' AND decrypts
          ORDER BY revoked_at IS NOT NULL, id DESC LIMIT {KEYS}) k
) k
WHERE d.active AND n.active AND d.submission <> ''
ORDER BY d.domain_id
"""  # noqa: S608 - constants of ours
CAME = f"""
SELECT m.uid, c.header, c.blob_id, c.body_size
FROM mail_mailbox b
JOIN mail_message m ON m.account_id = b.account_id AND m.mailbox_id = b.mailbox_id
JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
WHERE b.account_id = $1 AND b.name = '{INBOX}' AND m.uid > $2
ORDER BY m.uid LIMIT $3
"""  # noqa: S608 - constants of ours
READ_TO = "UPDATE privacy_directory SET read_uid = greatest(read_uid, $2) WHERE domain_id = $1"
# Whose address it is: of one account, and of no list.
OWNER = """
WITH asked AS (SELECT id, account_id FROM directory_address WHERE domain_id = $1 AND local_part = $2)
SELECT p.id FROM asked a JOIN directory_account p ON p.id = a.account_id WHERE p.active AND p.deleted_at IS NULL
UNION ALL
SELECT p.id FROM asked a JOIN directory_target t ON t.alias_id = a.id
JOIN directory_account p ON p.address = t.address
WHERE a.account_id IS NULL AND p.active AND p.deleted_at IS NULL
  AND NOT EXISTS (SELECT FROM directory_target o WHERE o.alias_id = a.id AND o.id <> t.id)
"""
# The newest key counts. Nobody is written to more often than the pace says, whoever sends keys for her address.
WAIT = """
INSERT INTO privacy_submission (nonce, account_id, address, fingerprint, public, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
ON CONFLICT (account_id, address) DO UPDATE SET nonce = excluded.nonce, fingerprint = excluded.fingerprint,
    public = excluded.public, created_at = now(), expires_at = excluded.expires_at
WHERE privacy_submission.created_at < now() - $7::interval
RETURNING id
"""
CONFIRM = """
DELETE FROM privacy_submission WHERE nonce = $1 AND address = $2 AND expires_at > now()
RETURNING account_id, address, fingerprint, public
"""
THERE = f"""
SELECT public FROM privacy_key
WHERE kind = '{KeyKind.OPENPGP}' AND fingerprint = $1 AND address = $2 AND account_id = $3 FOR UPDATE
"""  # noqa: S608 - constants of ours
PUBLISH = f"""
INSERT INTO privacy_key (kind, address, account_id, ours, fingerprint, algorithm, public, subject, not_before,
                         expires_at, revoked_at, origin, trust, published)
VALUES ('{KeyKind.OPENPGP}', $1, $2, true, $3, $4, $5, $6, $7, $8, CASE WHEN $9 THEN now() END,
        '{KeyOrigin.UPLOADED}', '{Trust.OWN}', true)
ON CONFLICT (kind, fingerprint, address, account_id, domain_id) DO UPDATE SET
    public = excluded.public, expires_at = excluded.expires_at, published = true,
    revoked_at = coalesce(privacy_key.revoked_at, excluded.revoked_at),
    signs = privacy_key.signs AND NOT $9, encrypts = privacy_key.encrypts AND NOT $9
"""  # noqa: S608 - constants of ours
ENTRY = "INSERT INTO audit_entry (username, verb, subject, after) VALUES ($1, 'publish key', $2, $3)"
DROP_SUBMISSIONS = """
DELETE FROM privacy_submission WHERE id IN (SELECT id FROM privacy_submission WHERE expires_at < now() LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class Directory:
    """One that takes keys by mail, and has some."""

    domain_id: int
    domain: str
    #: Its address, and into whose INBOX that leads.
    submission: str
    account_id: int
    read_uid: int
    #: What opens what comes there, by fingerprints, the key in use first.
    secrets: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Came:
    """A message to it."""

    uid: int
    header: bytes
    blob_id: UUID
    body_size: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A key that its owner has confirmed."""

    account_id: int
    address: str
    fingerprint: str
    public: bytes


async def directories(pool: Pool, sealing_key: bytes) -> list[Directory]:
    """Those to which something has come.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        rows = await db.fetch(DIRECTORIES)
    return [
        Directory(
            row["domain_id"], row["domain"], row["submission"], row["account_id"], row["read_uid"],
            tuple(_opened(sealing_key, row["fingerprints"], row["secrets"])),
        )
        for row in rows
    ]  # fmt: skip


def _opened(sealing_key: bytes, fingerprints: Sequence[str], sealed: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Those that were sealed under our key: others are as good as not there."""
    found = []
    for fingerprint, secret in zip(fingerprints, sealed, strict=True):
        try:
            context = sealing.privacy_context(KeyKind.OPENPGP, fingerprint)
            found.append((fingerprint, sealing.unseal(sealing_key, secret, context)))
        except sealing.NotSealedHere:
            continue
    return found


async def came(pool: Pool, directory: Directory, limit: int) -> list[Came]:
    """What has come since it was last read, in order.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        rows = await db.fetch(CAME, directory.account_id, directory.read_uid, limit)
    return [Came(row["uid"], row["header"], row["blob_id"], row["body_size"]) for row in rows]


async def read_to(pool: Pool, directory: Directory, uid: int) -> None:
    """Everything up to this one was looked at."""
    async with connection(pool) as db:
        await db.execute(READ_TO, directory.domain_id, uid)


async def owner(pool: Pool, directory: Directory, local_part: str) -> int | None:
    """The account whose address it is; None: nobody's, or that of several people."""
    async with connection(pool) as db:
        found: int | None = await db.fetchval(OWNER, directory.domain_id, local_part)
    return found


async def wait(pool: Pool, pending: Pending, nonce: str) -> bool:
    """Let a key wait for its owner; False: she was written to a moment ago."""
    told = (nonce, pending.account_id, pending.address, pending.fingerprint, pending.public, WAITS, PACE)
    async with connection(pool) as db:
        return await db.fetchval(WAIT, *told) is not None


async def confirm(pool: Pool, nonce: str, address: str) -> Pending | None:
    """Publish the key that waits for this nonce, in one transaction with its entry; None: none does.

    Raises:
        PrivacyError: it cannot be read any more.
        Unavailable
    """
    async with transaction(pool) as db:
        row = await db.fetchrow(CONFIRM, nonce, address)
        if row is None:
            return None
        pending = Pending(row["account_id"], row["address"], row["fingerprint"], row["public"])
        await _publish(db, pending)
    return pending


async def _publish(db: Connection, pending: Pending) -> None:
    there = await db.fetchval(THERE, pending.fingerprint, pending.address, pending.account_id)
    # What the copy that is here says besides, such as that it was revoked, goes on to be said.
    public = keys.merged(there, pending.public) if there else pending.public
    told = keys.describe(public)
    await db.execute(
        PUBLISH, pending.address, pending.account_id, pending.fingerprint, told.algorithm[:100], public,
        told.subject, told.not_before, told.expires_at, told.revoked,
    )  # fmt: skip
    entry = {"fingerprint": pending.fingerprint, "algorithm": told.algorithm, "revoked": told.revoked}
    await db.execute(
        ENTRY, pending.address, f"{pending.address} {pending.fingerprint}", orjson.dumps(entry).decode()
    )


async def drop_submissions(pool: Pool, limit: int) -> int:
    """Forget keys that nobody has confirmed."""
    async with connection(pool) as db:
        return int((await db.execute(DROP_SUBMISSIONS, limit)).rpartition(" ")[2])
