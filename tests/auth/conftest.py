"""A gate of its own for each test, without the pauses that a guesser is made to wait."""

from collections.abc import AsyncIterator

import pytest

from mailservices.auth import throttle
from mailservices.auth.credentials import Gate
from mailservices.config import Config
from mailservices.store.pool import Pool, connection


@pytest.fixture
async def gate(pool: Pool, config: Config, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.0)
    made = Gate(pool, config, "imap")
    yield made
    await made.close()
    # What a test left would have the servers offer CRAM-MD5 to everybody after it.
    async with connection(pool) as db:
        await db.execute("DELETE FROM directory_app_password WHERE secret IS NOT NULL")
