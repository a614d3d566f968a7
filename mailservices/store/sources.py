"""How many messages have left today (UTC) from which address of a pool. Only those with a limit count."""

from mailservices.store.pool import Pool, connection

TAKE = """
INSERT INTO queue_source_day AS d (source_id, day, messages) VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 1)
ON CONFLICT (source_id, day) DO UPDATE SET messages = d.messages + 1 WHERE d.messages < $2
RETURNING messages
"""
GIVE_BACK = """
UPDATE queue_source_day SET messages = messages - 1
WHERE source_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date AND messages > 0
"""
DROP = """
DELETE FROM queue_source_day WHERE (source_id, day) IN (
    SELECT source_id, day FROM queue_source_day WHERE day < (now() AT TIME ZONE 'UTC')::date - 90 LIMIT $1)
"""


async def take(pool: Pool, source_id: int, limit: int) -> bool:
    """Count one message more from this address, unless it has sent so many today (at least 1)."""
    async with connection(pool) as db:
        return await db.fetchval(TAKE, source_id, limit) is not None


async def give_back(pool: Pool, source_id: int) -> None:
    """A message did not leave after all."""
    async with connection(pool) as db:
        await db.execute(GIVE_BACK, source_id)


async def drop_source_days(pool: Pool, limit: int) -> int:
    """Forget days that are long over."""
    async with connection(pool) as db:
        return int((await db.execute(DROP, limit)).rpartition(" ")[2])
