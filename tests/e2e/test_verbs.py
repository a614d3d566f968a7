"""The verbs of the queue, as the workers understand them."""

import email
import email.policy
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from mailservices.mail.suppressing import HITS
from tests.conftest import Database, Person
from tests.e2e.test_sending import inbox, state, submit
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory.actions import change_domain
from webadmin.directory.models import Domain
from webadmin.queue import actions, routes
from webadmin.queue.models import Route, Suppression


@pytest.fixture(autouse=True)
def _later(services: Services, committed: None) -> Iterator[None]:
    """Everybody called "later" has to wait."""
    services.far.later.add("later")
    yield
    services.far.later.discard("later")
    Route.objects.all().delete()
    Suppression.objects.all().delete()


def waits(services: Services, database: Database, sender: Person, address: str) -> None:
    services.names.lead(address.partition("@")[2], "127.0.0.1")
    submit(services, sender, [address])
    query = "SELECT FROM queue_recipient WHERE address = %s AND attempts = 1 AND lease IS NULL"
    until(lambda: database.execute(query, [address]).fetchone() is not None)


def test_what_is_held_is_not_tried_until_it_is_let_go(
    services: Services, alice: Person, database: Database
) -> None:
    waits(services, database, alice, "later@held.test")
    chosen = actions.choose(address="later@held.test")
    assert actions.hold(OPERATOR, chosen) == 1
    services.far.later.discard("later")
    assert actions.retry_now(OPERATOR, chosen) == 0
    assert state(database, "later@held.test") == "held"
    assert actions.release(OPERATOR, chosen) == 1
    until(lambda: state(database, "later@held.test") == "relayed")


def test_of_what_is_cancelled_the_sender_is_told(services: Services, alice: Person, database: Database) -> None:
    waits(services, database, alice, "later@cancelled.test")
    assert actions.cancel(OPERATOR, actions.choose(destination="cancelled.test"), tell=True) == 1
    report = email.message_from_bytes(until(lambda: inbox(services, alice))[0])
    fields = report.get_payload()[1].get_payload()[1]  # type: ignore[index, union-attr]
    assert fields["Action"] == "failed"
    assert b"Cancelled by the administrator" in inbox(services, alice)[0]
    assert state(database, "later@cancelled.test") == "cancelled"


def test_what_is_sent_another_way_goes_there(services: Services, alice: Person, database: Database) -> None:
    waits(services, database, alice, "later@rerouted.test")
    services.names.lead("rerouted.test", "127.0.0.66")
    services.far.later.discard("later")
    route = routes.create_route(OPERATOR, recipient="nobody-else.test", host="127.0.0.1")
    actions.reroute(OPERATOR, actions.choose(address="later@rerouted.test"), route)
    until(lambda: state(database, "later@rerouted.test") == "relayed")


def test_what_ends_sooner_is_given_up_then(services: Services, alice: Person, database: Database) -> None:
    waits(services, database, alice, "later@ending.test")
    actions.change_expiry(
        OPERATOR, actions.choose(address="later@ending.test"), timezone.now() + timedelta(seconds=1)
    )
    until(lambda: state(database, "later@ending.test") == "expired")
    assert b"Status: 5.4.7\r\n" in until(lambda: inbox(services, alice))[0]


def test_an_address_that_does_not_exist_is_not_asked_for_again_and_again(
    services: Services, alice: Person, database: Database
) -> None:
    services.names.lead("gone-for-good.test", "127.0.0.1")
    services.far.never.add("gone")
    for number in range(HITS):
        submit(services, alice, ["gone@gone-for-good.test"])
        until(lambda number=number: len(inbox(services, alice)) == number + 1)
    asked = [line for line in services.far.lines if line.startswith("RCPT TO:<gone@")]
    submit(services, alice, ["gone@gone-for-good.test", "here@gone-for-good.test"])
    report = until(lambda: (found := inbox(services, alice)) and len(found) == HITS + 1 and found[-1])
    assert b"nobody has this address" in report
    until(lambda: state(database, "here@gone-for-good.test") == "relayed")
    assert [line for line in services.far.lines if line.startswith("RCPT TO:<gone@")] == asked
    about = database.execute(
        "SELECT DISTINCT a.about FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
        "WHERE r.address = 'gone@gone-for-good.test'"
    ).fetchall()
    assert about == [("mailbox",)]
    services.far.never.discard("gone")


def test_a_report_speaks_the_language_of_its_readers_domain(
    services: Services, alice: Person, database: Database
) -> None:
    domain = Domain.objects.get(name=alice.address.partition("@")[2])
    change_domain(OPERATOR, domain, language="de")
    services.names.lead("sprache.test", "127.0.0.1")
    services.far.never.add("niemand")
    submit(services, alice, ["niemand@sprache.test"])
    report = email.message_from_bytes(until(lambda: inbox(services, alice))[0], policy=email.policy.default)
    assert report["Subject"] == "Ihre Nachricht konnte nicht zugestellt werden"
    people, *_ = report.iter_parts()  # type: ignore[attr-defined]
    assert "konnte den folgenden Empfängern nicht zugestellt werden" in people.get_content()
    services.far.never.discard("niemand")


def test_a_report_that_nobody_is_there_to_read_is_shown(
    services: Services, alice: Person, database: Database
) -> None:
    waits(services, database, alice, "later@unread.test")
    gone = alice.address.replace("alice", "gone")
    database.execute(
        "UPDATE queue_message m SET sender = %s FROM queue_recipient r "
        "WHERE r.message_id = m.message_id AND r.address = 'later@unread.test'",
        [gone],
    )
    actions.cancel(OPERATOR, actions.choose(address="later@unread.test"), tell=True)
    query = "SELECT report_due, report_lost FROM queue_recipient WHERE address = 'later@unread.test'"
    until(lambda: database.execute(query).fetchone() == ("", "failed"))
