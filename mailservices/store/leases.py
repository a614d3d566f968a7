"""The exclusive lock of a maildrop (RFC 1939 §4): a row with an owner and an end.

Its holder renews it while the session lives; a holder that dies lets it run out, so nobody is locked out for long.
"""

from datetime import timedelta
from uuid import UUID

from mailservices.mail.errors import InUse
from mailservices.store.ids import new_id
from mailservices.store.pool import Pool, connection

#: How long a lease holds unless it is renewed, and seconds between renewals.
LEASE = timedelta(seconds=60)
RENEW_SECONDS = 20.0

TAKE = """
INSERT INTO mail_lease AS held (account_id, owner, until) VALUES ($1, $2, now() + $3::interval)
ON CONFLICT (account_id) DO UPDATE SET owner = $2, until = now() + $3::interval WHERE held.until < now()
RETURNING owner
"""
RENEW = "UPDATE mail_lease SET until = now() + $3::interval WHERE account_id = $1 AND owner = $2"
RELEASE = "DELETE FROM mail_lease WHERE account_id = $1 AND owner = $2"


async def take(pool: Pool, account_id: int) -> UUID:
    """Lock the maildrop; returns the owner's id.

    Raises:
        InUse: another session has it.
    """
    async with connection(pool) as db:
        owner: UUID | None = await db.fetchval(TAKE, account_id, new_id(), LEASE)
    if owner is None:
        raise InUse
    return owner


async def renew(pool: Pool, account_id: int, owner: UUID) -> bool:
    """Hold it for another while; False: it was lost."""
    async with connection(pool) as db:
        return bool(await db.execute(RENEW, account_id, owner, LEASE) == "UPDATE 1")


async def release(pool: Pool, account_id: int, owner: UUID) -> None:
    async with connection(pool) as db:
        await db.execute(RELEASE, account_id, owner)
