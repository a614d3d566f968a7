"""Hosts that know less than we do, or take fewer at once, or lose their answer: what becomes of the mail."""

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from tests.conftest import Database, Person
from tests.e2e.test_sending import inbox, retry_now, state, submit
from tests.services import Services, until
from tests.world import FarSide

EIGHT_BIT = "From: {0}\r\nSubject: Hello\r\n\r\nGrüße\r\n"
SEVEN_BIT = "From: {0}\r\nSubject: Hello\r\n\r\nRegards\r\n"


@pytest.fixture
def far(services: Services) -> Iterator[FarSide]:
    """The far side, whose features a test may change."""
    features = services.far.features
    yield services.far
    services.far.features, services.far.at_once = features, 1000
    services.far.losing.clear()


def send(services: Services, sender: Person, recipients: list[str], text: str, *mail: str) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender.address, sender.password)
        client.sendmail(sender.address, recipients, text.format(sender.address).encode(), list(mail))


def test_eight_bits_come_back_from_a_host_that_takes_seven(
    services: Services, far: FarSide, alice: Person
) -> None:
    """RFC 6152 §3: we never rewrite a text; one that only claims to have 8 bits may go."""
    services.names.lead("seven.test", "127.0.0.1")
    far.features = ("PIPELINING",)
    send(services, alice, ["fine@seven.test"], SEVEN_BIT, "BODY=8BITMIME")
    assert until(lambda: [one for one in far.taken if one.recipients == ["fine@seven.test"]])
    send(services, alice, ["sorry@seven.test"], EIGHT_BIT, "BODY=8BITMIME")
    [report] = until(lambda: inbox(services, alice))
    assert b"Status: 5.6.3\r\n" in report
    assert not [one for one in far.taken if one.recipients == ["sorry@seven.test"]]


def test_whom_the_host_did_not_take_for_their_number_follow_at_once(
    services: Services, far: FarSide, alice: Person
) -> None:
    """RFC 5321 §4.5.3.1.10"""
    services.names.lead("few.test", "127.0.0.1")
    far.at_once = 2
    submit(services, alice, [f"r{number}@few.test" for number in range(5)])
    groups = until(
        lambda: (
            (found := [one.recipients for one in far.taken if one.recipients[0].endswith("@few.test")])
            and len(found) == 3
            and found
        )
    )
    assert [len(group) for group in groups] == [2, 2, 1]


def test_a_host_gets_as_much_at_once_as_it_says_that_it_takes(
    services: Services, far: FarSide, alice: Person
) -> None:
    """RFC 9422 §4: recipients of a transaction, messages of a session."""
    services.names.lead("limits.test", "127.0.0.1")
    far.features = ("PIPELINING", "LIMITS RCPTMAX=2 MAILMAX=2")
    begun = far.lines.count("QUIT")
    submit(services, alice, [f"r{number}@limits.test" for number in range(5)])
    groups = until(
        lambda: (
            (found := [one.recipients for one in far.taken if one.recipients[0].endswith("@limits.test")])
            and len(found) == 3
            and found
        )
    )
    assert [len(group) for group in groups] == [2, 2, 1]
    # The first connection is left after two messages.
    assert far.lines.count("QUIT") > begun


def test_a_text_goes_in_chunks(services: Services, far: FarSide, alice: Person) -> None:
    services.names.lead("chunks.test", "127.0.0.1")
    far.features = ("PIPELINING", "CHUNKING", "8BITMIME", "STARTTLS")
    submit(services, alice, ["one@chunks.test"])
    [taken] = until(lambda: [one for one in far.taken if one.recipients == ["one@chunks.test"]])
    assert b"How do you do?\r\n.\r\n..dots\r\n" in taken.text
    assert any(line.startswith("BDAT ") and line.endswith(" LAST") for line in far.lines)


def test_a_lost_answer_is_counted_and_tried_again(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    """RFC 1047"""
    services.names.lead("lost.test", "127.0.0.1")
    far.losing.add("unlucky")
    submit(services, alice, ["unlucky@lost.test"])
    query = (
        "SELECT a.stage, a.outcome FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
        "WHERE r.address = 'unlucky@lost.test'"
    )
    assert until(lambda: database.execute(query).fetchall()) == [("final", "deferred")]
    far.losing.clear()
    retry_now(database, "unlucky@lost.test")
    until(lambda: state(database, "unlucky@lost.test") == "relayed")
