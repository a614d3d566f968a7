"""What nobody could try: given up, or told of, in time; and addresses that hosts say do not exist."""

from mailservices.mail.suppressing import HITS
from mailservices.store import expiry, suppression
from mailservices.store.pool import Pool, transaction
from tests.conftest import Database

ADD = """
WITH m AS (
    INSERT INTO queue_message (message_id, created_at, expires_at, sender, size, prefix, header, blob_id)
    VALUES (gen_random_uuid(), now() - interval '5 hours', now(), %(sender)s, 1, '', '', gen_random_uuid())
    RETURNING message_id
)
INSERT INTO queue_recipient
    (message_id, next_attempt_at, address, destination, notify, expires_at, state, lease, lease_until)
SELECT message_id, now() - interval '5 hours', %(address)s::text,
       split_part(%(address)s::text, '@', 2), %(notify)s, now() + %(ends)s::interval, %(state)s,
       CASE WHEN %(leased)s THEN gen_random_uuid() END,
       CASE WHEN %(leased)s THEN now() + interval '20 seconds' END FROM m
"""


def add(
    database: Database,
    address: str,
    ends: str = "-11 minutes",
    sender: str = "a@us.test",
    notify: list[str] | None = None,
    state: str = "waiting",
    *,
    leased: bool = False,
) -> None:
    values = {"address": address, "ends": ends, "sender": sender, "notify": notify, "state": state}
    database.execute(ADD, {**values, "leased": leased})


def found(database: Database, destination: str) -> list[tuple[object, ...]]:
    query = "SELECT address, state, report_due FROM queue_recipient WHERE destination = %s ORDER BY recipient_id"
    return database.execute(query, [destination]).fetchall()


async def test_what_nobody_could_try_until_its_end_is_given_up(pool: Pool, database: Database) -> None:
    """Workers of other tests may sweep too: whoever comes first, it is done once."""
    add(database, "over@expiry.test")
    add(database, "never@expiry.test", notify=["NEVER"])
    add(database, "report@expiry.test", sender="")
    add(database, "last-try@expiry.test", ends="-1 minute", leased=True)
    add(database, "leased@expiry.test", leased=True)
    add(database, "held@expiry.test", state="held")
    await expiry.expire(pool, 100)
    assert [(address, state) for address, state, _ in found(database, "expiry.test")] == [
        ("over@expiry.test", "expired"),
        ("never@expiry.test", "expired"),
        ("report@expiry.test", "expired"),
        ("last-try@expiry.test", "waiting"),
        ("leased@expiry.test", "waiting"),
        ("held@expiry.test", "held"),
    ]
    query = (
        "SELECT r.address, a.enhanced, a.stage FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
        "WHERE r.destination = 'expiry.test' ORDER BY a.attempt_id"
    )
    assert sorted(database.execute(query).fetchall()) == [
        ("never@expiry.test", "5.4.7", "time"),
        ("over@expiry.test", "5.4.7", "time"),
        ("report@expiry.test", "5.4.7", "time"),
    ]
    query = "SELECT kind FROM trace_event WHERE recipient = 'over@expiry.test' AND kind = 'failed'"
    assert database.execute(query).fetchall() == [("failed",)]
    told = (
        "SELECT count(*) FROM trace_event t JOIN queue_recipient r ON r.message_id = t.trace_id "
        "WHERE r.address = %s"
    )
    due = {address: report for address, _, report in found(database, "expiry.test")}
    assert due["never@expiry.test"] == due["report@expiry.test"] == ""
    reported = database.execute(f"{told} AND t.kind = 'reported'", ["over@expiry.test"]).fetchone()
    assert due["over@expiry.test"] == "failed" or reported == (1,)
    database.execute("UPDATE queue_recipient SET report_due = '' WHERE destination = 'expiry.test'")


async def test_of_what_waits_behind_a_destination_that_is_down_senders_are_told_once(
    pool: Pool, database: Database
) -> None:
    add(database, "late@delay.test", ends="1 day")
    add(database, "never@delay.test", ends="1 day", notify=["FAILURE"])
    add(database, "early@delay.test", ends="1 day")
    database.execute("UPDATE queue_recipient SET next_attempt_at = now() WHERE address = 'early@delay.test'")
    database.execute("INSERT INTO queue_lane (lane, failures, reason) VALUES ('delay.test', 1, 'nobody there')")
    await expiry.tell_of_delay(pool, 100)
    query = "SELECT address FROM queue_recipient WHERE delay_reported_at IS NOT NULL AND destination = ANY(%s)"
    assert database.execute(query, [["delay.test"]]).fetchall() == [("late@delay.test",)]
    database.execute("UPDATE queue_recipient SET report_due = '' WHERE destination = 'delay.test'")
    await expiry.tell_of_delay(pool, 100)
    assert {report for _, _, report in found(database, "delay.test")} == {""}
    query = "SELECT last_reply FROM queue_recipient WHERE address = 'late@delay.test'"
    assert database.execute(query).fetchone() == ("nobody there",)
    database.execute("UPDATE queue_recipient SET state = 'held' WHERE destination = 'delay.test'")


async def test_an_address_is_suppressed_once_hosts_have_said_so_often_enough(
    pool: Pool, database: Database
) -> None:
    address = "Gone@suppressed.test"
    for number in range(1, HITS + 1):
        async with transaction(pool) as db:
            await suppression.hit(db, address, f"nobody {number}")
        known = await suppression.suppressed(pool, [address, "other@suppressed.test"])
        assert known == ({"gone@suppressed.test": f"nobody {HITS}"} if number == HITS else {})
    database.execute("UPDATE queue_suppression SET expires_at = now() WHERE address = 'gone@suppressed.test'")
    assert await suppression.suppressed(pool, [address]) == {}
    async with transaction(pool) as db:
        await suppression.hit(db, address, "nobody again")
    assert await suppression.suppressed(pool, [address]) == {}
    assert database.execute(
        "SELECT hits FROM queue_suppression WHERE address = 'gone@suppressed.test'"
    ).fetchone() == (1,)
    # What an administrator wishes is not counted up.
    database.execute(
        "UPDATE queue_suppression SET hits = 0, reason = 'mine' WHERE address = 'gone@suppressed.test'"
    )
    async with transaction(pool) as db:
        await suppression.hit(db, address, "nobody")
    assert await suppression.suppressed(pool, [address]) == {"gone@suppressed.test": "mine"}
    database.execute("UPDATE queue_suppression SET expires_at = now() - interval '1 day'")
    assert await suppression.drop_suppressions(pool, 100) >= 1
