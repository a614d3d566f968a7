"""Rules of the administrator: mail leaves by the host, from the address and as often as they say."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mailservices.store.routing import KEPT_SECONDS
from tests.conftest import Database, Person
from tests.e2e.test_sending import inbox, retry_now, submit
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.queue import routes, sources
from webadmin.queue.models import Route, Source


@pytest.fixture(autouse=True)
def _rules(committed: None) -> Iterator[None]:
    yield
    Route.objects.all().delete()
    Source.objects.all().delete()


def make(**values: Any) -> None:
    """A route, once the workers know it."""
    routes.create_route(OPERATOR, **values)
    time.sleep(KEPT_SECONDS)


def verdict(database: Database, address: str) -> object:
    """The last try's: the host, and what its TLS came to."""
    return database.execute(
        "SELECT a.host, a.verdict FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
        "WHERE r.address = %s ORDER BY a.at DESC LIMIT 1",
        [address],
    ).fetchone()


def test_mail_for_a_domain_goes_by_the_host_that_was_named(
    services: Services, alice: Person, database: Database
) -> None:
    """Nobody asks the DNS for such a domain; it need not even be there."""
    make(recipient="routed.test", host="127.0.0.1", port=services.far.port, tls="none")
    services.names.zone["routed.test", "TXT"] = ['"x"']
    submit(services, alice, ["one@routed.test"])
    [taken] = until(lambda: [one for one in services.far.taken if one.recipients == ["one@routed.test"]])
    assert not taken.tls
    assert until(lambda: verdict(database, "one@routed.test")) == ("127.0.0.1", "route: plain text")


def test_mail_of_a_sender_goes_by_its_own_host(services: Services, alice: Person, bob: Person) -> None:
    services.names.lead("ways.test", "127.0.0.66")
    make(sender=alice.address, host="relay.ways.test", helo="alice.ways.test")
    services.names.zone["relay.ways.test", "A"] = ["127.0.0.1"]
    submit(services, alice, ["one@ways.test"])
    assert until(lambda: [one for one in services.far.taken if one.recipients == ["one@ways.test"]])
    assert "EHLO alice.ways.test" in services.far.lines


def test_of_a_pool_the_next_address_follows_until_none_may_send(
    services: Services, alice: Person, database: Database
) -> None:
    services.names.lead("pooled.test", "127.0.0.1")
    for number in (1, 2):
        sources.add_source(
            OPERATOR, pool="warm", address=f"127.0.0.{number}", helo=f"s{number}.warm.test", warmup=[1],
            position=number,
        )  # fmt: skip
    make(recipient="pooled.test", pool="warm")
    for number in (1, 2):
        submit(services, alice, [f"r{number}@pooled.test"])
        assert until(
            lambda n=number: [one for one in services.far.taken if one.recipients == [f"r{n}@pooled.test"]]
        )
        assert services.far.lines.count(f"EHLO s{number}.warm.test") > 0
    assert services.far.lines.index("EHLO s1.warm.test") < services.far.lines.index("EHLO s2.warm.test")
    submit(services, alice, ["r3@pooled.test"])
    row = until(
        lambda: database.execute(
            "SELECT r.state, a.stage FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
            "WHERE r.address = 'r3@pooled.test'"
        ).fetchone()
    )
    assert row == ("waiting", "source")


def test_a_host_that_proves_nothing_gets_nothing_where_the_rule_insists(
    services: Services, alice: Person, database: Database
) -> None:
    services.names.lead("proof.test", "127.0.0.1")
    make(recipient="proof.test", tls="verified")
    submit(services, alice, ["one@proof.test"])
    assert until(lambda: verdict(database, "one@proof.test")) == ("mx1.proof.test", "route: failed")
    assert not [one for one in services.far.taken if one.recipients == ["one@proof.test"]]


def test_a_domain_has_its_own_pauses_and_end(services: Services, alice: Person, database: Database) -> None:
    services.names.lead("short.test", "127.0.0.1")
    services.far.later.add("late")
    make(recipient="short.test", first_pause=timedelta(minutes=1), lifetime=timedelta(minutes=30))
    submit(services, alice, ["late@short.test"])
    query = (
        "SELECT next_attempt_at < now() + interval '90 seconds' FROM queue_recipient "
        "WHERE address = %s AND attempts = 1"
    )
    assert until(lambda: database.execute(query, ["late@short.test"]).fetchone()) == (True,)
    database.execute(
        "UPDATE queue_message m SET created_at = now() - interval '31 minutes' FROM queue_recipient r "
        "WHERE r.message_id = m.message_id AND r.address = 'late@short.test'"
    )
    retry_now(database, "late@short.test")
    [report] = until(lambda: inbox(services, alice))
    assert b"Status: 5.4.7\r\n" in report
    services.far.later.discard("late")
