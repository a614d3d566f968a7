"""What is kept beside contents: made once, for each that lacks it, and removed with them."""

import datetime as dt

from mailservices.store import gists, mailboxes, maintenance, messages, previews
from mailservices.store.pool import Connection, Pool
from tests.conftest import Database, Person
from tests.store.test_messages import fill


def count(database: Database, person: Person) -> tuple[int, int]:
    """Gists and previews of an account."""
    found = []
    for table in ("mail_gist", "mail_preview"):
        row = database.execute(
            f"SELECT count(*) FROM {table} WHERE account_id = %s", [person.account_id]
        ).fetchone()
        assert row is not None
        found.append(int(str(row[0])))
    return found[0], found[1]


async def test_gists_and_previews_live_as_long_as_contents(pool: Pool, alice: Person, database: Database) -> None:
    account_id = alice.account_id
    inbox = (await mailboxes.find(pool, account_id, "INBOX")).mailbox_id
    archive = (await mailboxes.find(pool, account_id, "Archive")).mailbox_id
    await fill(pool, alice, inbox)
    await messages.copy(pool, account_id, inbox, [1], archive)
    for _ in range(2):
        await gists.complete(pool, account_id, inbox)
        await gists.complete(pool, account_id, archive)
        await previews.complete(pool, account_id, inbox, [1, 2])
        await previews.complete(pool, account_id, archive, [1])
    assert count(database, alice) == (3, 2)
    assert [one.uid for one in await gists.entries(pool, account_id, inbox, [1, 3])] == [1, 3]
    assert await gists.entries(pool, account_id, inbox, []) == []

    async def nothing(_db: Connection) -> None:
        pass

    await messages.remove(pool, account_id, inbox, [1, 2], None, nothing)
    database.execute(
        "UPDATE mail_expunged SET expunged_at = now() - %s WHERE account_id = %s",
        [maintenance.UNDELETE + dt.timedelta(minutes=1), account_id],
    )
    await maintenance.drop_tombstones(pool, 1000)
    # The first has a copy.
    assert count(database, alice) == (2, 1)
