"""Sign-ins are written down in batches; the same one, over and over, is one row."""

import pytest

from mailservices.mail.vocabulary import SignInOutcome
from mailservices.store import signins
from mailservices.store.pool import Pool, connection
from mailservices.store.signins import Ledger, SignIn

WRITTEN = """
SELECT name, protocol, host(remote_host), outcome, times FROM security_sign_in WHERE name LIKE $1 ORDER BY name
"""


async def written(pool: Pool, like: str) -> list[tuple[object, ...]]:
    async with connection(pool) as db:
        return [tuple(row) for row in await db.fetch(WRITTEN, like)]


async def test_what_is_alike_is_counted(pool: Pool) -> None:
    ledger = Ledger(pool, "imap")
    for _ in range(3):
        ledger.add(SignIn("ledger-a", "192.0.2.1", SignInOutcome.REFUSED))
    ledger.add(SignIn("ledger-b\0", "", SignInOutcome.BLOCKED))
    await ledger.close()
    assert await written(pool, "ledger-%") == [
        ("ledger-a", "imap", "192.0.2.1", "refused", 3),
        ("ledger-b\ufffd", "imap", None, "blocked", 1),
    ]


async def test_too_many_are_dropped_and_the_rest_is_written(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signins, "WAITING", 2)
    monkeypatch.setattr(signins, "FLUSH_SECONDS", 0.01)
    ledger = Ledger(pool, "pop3")
    for name in ("many-1", "many-2", "many-3", "many-1"):
        ledger.add(SignIn(name, "", SignInOutcome.REFUSED))
    assert ledger._task is not None
    await ledger._task
    assert [(row[0], row[4]) for row in await written(pool, "many-%")] == [("many-1", 2), ("many-2", 1)]
    await ledger.close()


async def test_old_ones_are_forgotten(pool: Pool) -> None:
    ledger = Ledger(pool, "smtp")
    ledger.add(SignIn("long-ago", "", SignInOutcome.ACCEPTED, 1))
    await ledger.close()
    async with connection(pool) as db:
        await db.execute("UPDATE security_sign_in SET at = now() - interval '31 days' WHERE name = 'long-ago'")
    assert await signins.drop_sign_ins(pool, 100) == 1
    assert await written(pool, "long-ago") == []
