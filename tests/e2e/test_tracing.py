"""Where is my mail? What the servers leave behind, as the page finds and tells it."""

from mailservices.store.trace import domain_of
from tests.conftest import Database, Person
from tests.e2e.test_policy import STRANGER, send, strict, wish
from tests.e2e.test_sending import state, submit
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Domain
from webadmin.trace import finding, timeline
from webadmin.trace.models import TraceEvent

__all__ = ["strict"]


def test_what_came_in_is_found_by_its_subject_with_its_checks(
    strict: Services, domain: Domain, alice: Person
) -> None:
    wish(domain, spf="note")
    strict.names.lead("sender.test", "192.0.2.200")
    assert send(strict, alice.address, text="From: a@sender.test\r\nSubject: =?utf-8?q?R=C3=A4tsel?=") == "250"
    (found,) = finding.search(OPERATOR, f"rätsel {alice.address}")
    line = timeline.read(OPERATOR, found.trace_id)
    assert [step.kind for step in line.steps] == ["accepted", "delivered"]
    assert (found.subject, found.remote_host) == ("Rätsel", STRANGER)
    assert list(line.steps[0].lines)[:2] == [
        f"From {STRANGER}, which calls itself host.sender.test", "By smtp, in plain text",
    ]  # fmt: skip
    assert "spf" in {check.method for check in line.steps[0].checks}


def test_a_forged_sender_proves_nothing(strict: Services, domain: Domain, alice: Person) -> None:
    """Whose domain stands there may be anybody's: its administrators see what accounts of it sent, and no more."""
    directory.create_domain(OPERATOR, "forged.test")
    wish(domain, spf="off", dmarc="off")
    assert send(strict, alice.address, sender="somebody@forged.test") == "250"
    (found,) = finding.search(OPERATOR, f"somebody@forged.test {alice.address}")
    rows = TraceEvent.objects.filter(trace_id=found.trace_id)
    assert {row.kind for row in rows} == {"accepted", "delivered"}
    assert {tuple(row.domains) for row in rows} == {(domain.name,)}


def test_what_is_refused_says_why(strict: Services, domain: Domain, alice: Person) -> None:
    wish(domain, greylist=True)
    assert send(strict, alice.address, sender="grey@sender.test").startswith("45")
    (refused,) = until(lambda: finding.search(OPERATOR, f"grey@sender.test {alice.address}"))
    assert refused.stands == {"refused": 1}
    assert timeline.read(OPERATOR, refused.trace_id).steps[0].facts["helo"] == "host.sender.test"


def test_a_failure_has_the_far_sides_words_and_its_report(
    services: Services, alice: Person, database: Database
) -> None:
    services.names.lead("traced.test", "127.0.0.1")
    services.far.never.add("vanished")
    submit(services, alice, ["vanished@traced.test"], b"Subject: to nobody\r\n\r\nx\r\n")
    until(lambda: state(database, "vanished@traced.test") == "failed")
    (found,) = finding.search(OPERATOR, "to nobody vanished@traced.test")
    until(lambda: TraceEvent.objects.filter(trace_id=found.trace_id, kind="reported").exists())
    line = timeline.read(OPERATOR, found.trace_id)
    assert [step.kind for step in line.steps] == ["accepted", "queued", "failed", "reported"]
    assert list(line.steps[2].lines)[-1] == "Stage rcpt: 550 5.1.1 Nobody of that name"
    assert f"Signed in as {alice.address}" in line.steps[0].lines
    rows = TraceEvent.objects.filter(trace_id=found.trace_id).exclude(kind="reported")
    assert {tuple(sorted(row.domains)) for row in rows} == {
        tuple(sorted(("traced.test", domain_of(alice.address))))
    }
