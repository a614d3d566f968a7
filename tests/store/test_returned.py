"""What may be a report waits for one worker, and is given up after some."""

import uuid

from mailservices.store import maintenance, returned
from mailservices.store.pool import Pool
from mailservices.store.returned import TRIES
from tests.conftest import Database
from tests.store.test_expiry import add


async def test_one_worker_has_it_and_after_some_it_is_left(pool: Pool, database: Database) -> None:
    trace_id = uuid.uuid4()
    database.execute(
        "INSERT INTO report_suspect (trace_id, recipients, header, blob_id, body_size, next_try_at) "
        "VALUES (%s, '{nobody@returned.test}', '', gen_random_uuid(), 0, now() - interval '1 hour')",
        [trace_id],
    )

    async def mine() -> list[returned.Waiting]:
        return [one for one in await returned.claim(pool, 1000) if one.trace_id == trace_id]

    [waiting] = await mine()
    assert (waiting.recipients, waiting.sender, waiting.proven) == (("nobody@returned.test",), "", False)
    assert await mine() == []
    for _ in range(TRIES - 1):
        database.execute("UPDATE report_suspect SET next_try_at = now() WHERE trace_id = %s", [trace_id])
        assert await mine()
    database.execute("UPDATE report_suspect SET next_try_at = now() WHERE trace_id = %s", [trace_id])
    assert await mine() == []
    assert await returned.drop_unread(pool, 10) == 0
    database.execute("UPDATE report_suspect SET created_at = now() - interval '8 days'")
    assert await returned.drop_unread(pool, 10) == 1
    # Whoever comes late finds that it was read.
    assert await returned.keep(pool, waiting, "", []) == []


async def test_what_came_back_goes_with_the_queued_message(pool: Pool, database: Database) -> None:
    add(database, "over@returned.test", state="relayed")
    database.execute(
        "INSERT INTO report_return (recipient_id, what, trace_id) "
        "SELECT recipient_id, 'failed', message_id FROM queue_recipient WHERE address = 'over@returned.test'"
    )
    database.execute(
        "UPDATE queue_recipient SET settled_at = now() - interval '15 days' WHERE address = 'over@returned.test'"
    )
    database.execute(
        "UPDATE queue_message SET created_at = now() - interval '15 days' WHERE message_id IN "
        "(SELECT message_id FROM queue_recipient WHERE address = 'over@returned.test')"
    )
    while await maintenance.drop_settled(pool, 100):
        pass
    query = "SELECT count(*) FROM queue_recipient WHERE address = 'over@returned.test'"
    assert database.execute(query).fetchone() == (0,)
