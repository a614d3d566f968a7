"""A destination that is down costs a probe, not a try for each message, and holds up nobody else."""

from tests.conftest import Database, Person
from tests.e2e.test_sending import retry_now, state, submit
from tests.services import Services, until


def attempts(database: Database, destination: str) -> int:
    row = database.execute(
        "SELECT count(*) FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) WHERE destination = %s",
        [destination],
    ).fetchone()
    assert row
    return int(str(row[0]))


def test_a_destination_that_is_down_is_probed_and_then_gets_all_of_it(
    services: Services, alice: Person, database: Database
) -> None:
    services.names.lead("down.test", "127.0.0.66")
    services.names.lead("up.test", "127.0.0.1")
    submit(services, alice, ["first@down.test"])
    until(lambda: attempts(database, "down.test") == 1)
    for number in range(5):
        submit(services, alice, [f"r{number}@down.test"])
    submit(services, alice, ["one@up.test"])
    until(lambda: state(database, "one@up.test") == "relayed")
    assert attempts(database, "down.test") == 1
    row = database.execute("SELECT failures, down_until > now(), reason FROM queue_lane WHERE lane = 'down.test'")
    assert row.fetchone() == (1, True, "The host refused the connection")
    services.names.lead("down.test", "127.0.0.1")
    retry_now(database, "r0@down.test")
    until(lambda: all(state(database, f"r{number}@down.test") == "relayed" for number in range(5)))
    row = database.execute("SELECT failures, down_until, reason FROM queue_lane WHERE lane = 'down.test'")
    assert row.fetchone() == (0, None, "")
