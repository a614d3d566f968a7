"""The roots of S/MIME that administrators have added to those of the machine."""

from typing import Final

from mailservices.store.pool import Pool, connection

ROOTS: Final = "SELECT certificate FROM privacy_root ORDER BY id"


async def read(pool: Pool) -> list[bytes]:
    """In DER.

    Raises:
        Unavailable
    """
    async with connection(pool) as db:
        return [row["certificate"] for row in await db.fetch(ROOTS)]
