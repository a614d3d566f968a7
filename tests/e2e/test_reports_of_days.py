"""Reports on days: what we saw is told to domains that ask for it, and what others saw of ours is kept."""

import email
import email.policy
import smtplib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from mailservices.config import Config
from mailservices.mail import aggregate, tls_report, unpacking
from mailservices.mail.aggregate import Seen
from mailservices.mail.findings import Result
from mailservices.mail.tls_report import Session
from mailservices.net.bell import REPORTS_QUEUE, celery
from tests.conftest import Database, Person
from tests.e2e.test_policy import send, strict, wish
from tests.e2e.test_sending import inbox, state, submit
from tests.e2e.test_signing import records, results
from tests.services import Services, until
from tests.world import Taken
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Domain
from webadmin.policy import actions as policy
from webadmin.reports import actions
from webadmin.reports.models import DmarcReport, Suspect, TlsReport
from workers.app import REPORT_DAYS
from workers.engine import IDLE_SECONDS

__all__ = ["strict"]
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def host(services: Services, committed: None) -> Domain:
    """The domain of the host signs. A worker that found no keys would go by that for a minute: it begins anew."""
    known = Domain.objects.filter(name="facteur.test").first()
    if known is not None:
        return known
    made = directory.create_domain(OPERATOR, "facteur.test")
    worker = services.child("worker")
    worker.signal_stop()
    worker.wait_stopped(time.monotonic() + 30)
    services.restart("worker")
    return made


def counted(database: Database, domain: str, word: str = "") -> int:
    """Of facts that hold the word."""
    query = "SELECT coalesce(sum(count), 0) FROM report_tally WHERE domain = %s AND strpos(facts, %s) > 0"
    row = database.execute(query, [domain, word]).fetchone()
    assert row
    return int(str(row[0]))


@pytest.fixture
def tomorrow(config: Config, database: Database) -> Callable[[str], object]:
    """The day is over for a domain, and the workers look. Returns the day."""

    def pass_the_day(domain: str) -> object:
        query = "UPDATE report_tally SET day = day - 1 WHERE domain = %s RETURNING day"
        row = database.execute(query, [domain]).fetchone()
        app = celery(config.redis_url)
        app.send_task(REPORT_DAYS, queue=REPORTS_QUEUE, ignore_result=True)
        app.close()
        return row and row[0]

    return pass_the_day


def mailed(services: Services, recipient: str) -> Taken:
    return until(lambda: [one for one in services.far.taken if recipient in one.recipients])[0]


def attached(octets: bytes) -> bytes:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    _, part = message.iter_parts()  # type: ignore[attr-defined]
    return unpacking.unpack(part.get_content())


def test_what_port_25_decided_is_told_to_the_domain(
    strict: Services,
    domain: Domain,
    alice: Person,
    database: Database,
    host: Domain,
    tomorrow: Callable[[str], object],
) -> None:
    strict.names.lead("seen.test", "127.0.0.1")
    strict.names.lead("outside.test", "127.0.0.1")
    rua = "mailto:agg@seen.test,mailto:out@outside.test,mailto:victim@green.test,mailto:small@seen.test!10"
    strict.names.say("_dmarc.seen.test", f"v=DMARC1; p=reject; rua={rua}")
    strict.names.say("seen.test._report._dmarc.outside.test", "v=DMARC1")
    strict.names.say("seen.test", "v=spf1 ip4:192.0.2.11 -all")
    wish(domain, spf="note", dmarc="apply")
    text = "From: a@seen.test"
    for _ in range(2):
        assert send(strict, alice.address, sender="a@seen.test", text=text) == "250"
    assert send(strict, alice.address, "192.0.2.66", "a@seen.test", text).startswith("550 5.7.26")
    policy.change_inbound(OPERATOR, domain, dmarc="junk")
    replies: list[str] = []

    def again() -> bool:
        replies.append(send(strict, alice.address, "192.0.2.66", "a@seen.test", text))
        return replies[-1] == "250"

    until(again)
    # What is counted later would be of another day.
    until(lambda: counted(database, "seen.test") == 3 + len(replies))
    assert counted(database, "seen.test", "quarantine") == 1
    day = tomorrow("seen.test")
    taken = mailed(strict, "agg@seen.test")
    assert mailed(strict, "out@outside.test").text.endswith(taken.text[-60:])
    assert results(taken.text, records(host)) == [(Result.PASS, "facteur.test")] * 2
    report = aggregate.read(attached(taken.text))
    assert (report.domain, report.begin.date(), report.policy.p) == ("seen.test", day, "reject")
    told = {(one.source, one.disposition, one.spf, one.reasons): count for one, count in report.rows}
    assert told[("192.0.2.11", "none", True, ())] == 2
    assert told[("192.0.2.66", "reject", False, ())] >= 1
    assert told[("192.0.2.66", "quarantine", False, ("local_policy",))] == 1
    assert counted(database, "seen.test") == 0
    everybody = [to for one in strict.far.taken for to in one.recipients]
    assert not {"victim@green.test", "small@seen.test"} & set(everybody)


def test_who_does_not_ask_and_who_may_not_be_told_is_not_counted(
    strict: Services, domain: Domain, alice: Person, database: Database, tomorrow: Callable[[str], object]
) -> None:
    strict.names.say("_dmarc.silent.test", "v=DMARC1; p=none")
    strict.names.say("_dmarc.curious.test", "v=DMARC1; p=none; rua=mailto:a@curious.test")
    strict.names.say("_dmarc.watched.test", "v=DMARC1; p=none; rua=mailto:a@watched.test")
    wish(domain, dmarc="apply", reports=False)
    assert send(strict, alice.address, sender="a@curious.test", text="From: a@curious.test") == "250"
    wish(domain, dmarc="apply", reports=True)
    assert send(strict, alice.address, sender="a@silent.test", text="From: a@silent.test") == "250"
    assert send(strict, alice.address, sender="a@watched.test", text="From: a@watched.test") == "250"
    until(lambda: counted(database, "watched.test") == 1)
    assert counted(database, "silent.test") == counted(database, "curious.test") == 0
    # Switched off for the whole appliance, what was counted is forgotten.
    policy.change_inbound(OPERATOR, None, reports=False)
    try:
        tomorrow("watched.test")
        until(lambda: counted(database, "watched.test") == 0)
    finally:
        policy.delete_inbound(OPERATOR, policy.inbound_of(None))
    assert not [one for one in strict.far.taken if "a@watched.test" in one.recipients]


def test_what_tls_came_to_is_told_to_the_domain(
    services: Services, alice: Person, database: Database, host: Domain, tomorrow: Callable[[str], object]
) -> None:
    for name in ("told-tls", "posted"):
        services.names.lead(f"{name}.test", "127.0.0.1")
    services.names.say("_smtp._tls.told-tls.test", "v=TLSRPTv1; rua=mailto:tls@told-tls.test")
    url = f"https://mta-sts.posted.test:{services.policies.port}/v1"
    services.names.say("_smtp._tls.posted.test", f"v=TLSRPTv1; rua={url}")
    services.names.zone["mta-sts.posted.test", "A"] = ["127.0.0.1"]
    services.policies.answers["mta-sts.posted.test"] = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    features = services.far.features
    services.far.features = tuple(one for one in features if one != "STARTTLS")
    submit(services, alice, ["plain@told-tls.test", "plain@posted.test"])
    until(lambda: state(database, "plain@told-tls.test") == state(database, "plain@posted.test") == "relayed")
    services.far.features = features
    # A connection is kept for a moment, and counts once.
    time.sleep(2 * IDLE_SECONDS)
    submit(services, alice, ["well@told-tls.test"])
    until(lambda: counted(database, "told-tls.test") == 2 and counted(database, "posted.test") == 1)
    tomorrow("told-tls.test")
    tomorrow("posted.test")
    taken = mailed(services, "tls@told-tls.test")
    assert results(taken.text, records(host)) == [(Result.PASS, "facteur.test")] * 2
    report = tls_report.read(attached(taken.text))
    rows = [(domain, one.policy_type, one.failure, count) for domain, one, count in report.rows]
    assert rows == [
        ("told-tls.test", "no-policy-found", "", 1),
        ("told-tls.test", "no-policy-found", "starttls-not-supported", 1),
    ]
    assert report.rows[1][1].host == "mx1.told-tls.test"
    until(lambda: counted(database, "posted.test") == 0)
    posted = tls_report.read(unpacking.unpack(services.policies.posted[-1]))
    assert [(domain, one.failure) for domain, one, _ in posted.rows] == [("posted.test", "starttls-not-supported")]
    # The session of the report itself waives TLS, and is not told of.
    assert counted(database, "told-tls.test") == 0


def test_what_we_saw_of_a_domain_of_our_own_is_shown(
    strict: Services, domain: Domain, alice: Person, database: Database, tomorrow: Callable[[str], object]
) -> None:
    actions.set_mailbox(OPERATOR, domain, alice.address)
    strict.names.say(f"_dmarc.{domain.name}", f"v=DMARC1; p=none; rua=mailto:{alice.address}")
    wish(domain, dmarc="apply")
    assert send(strict, alice.address, text=f"From: boss@{domain.name}") == "250"
    until(lambda: counted(database, domain.name) == 1)
    tomorrow(domain.name)
    report = until(lambda: DmarcReport.objects.filter(domain=domain.name).first())
    assert (report.organisation, report.proven) == ("mail.facteur.test", True)
    assert [(one.source, one.count, one.dkim) for one in report.rows.all()] == [("192.0.2.11", 1, False)]


def bring(services: Services, to: str, octets: bytes, name: str = "report.xml.gz") -> None:
    """A report comes in, and is read."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "reports@far.test", to, "Report Domain: x Submitter: y"
    message.add_attachment(octets, maintype="application", subtype="gzip", filename=name)
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=20) as client:
        client.sendmail("reports@far.test", [to], message.as_bytes(policy=email.policy.SMTP))
    until(lambda: not Suspect.objects.filter(recipients=[to]).exists())


def dmarc_report(domain: str) -> bytes:
    rows = (
        (Seen("192.0.2.1", "none", True, False, domain, signatures=((domain, "one", "pass"),)), 40),
        (Seen("2001:db8::1", "reject", False, False, domain), 2),
    )
    end = TODAY
    made = aggregate.Report("far.test", "x@far.test", "7", domain, end - timedelta(days=1), end, rows)
    return aggregate.build(made)


def test_reports_that_come_in_are_read_once_where_the_domain_says(
    services: Services, domain: Domain, alice: Person, bob: Person
) -> None:
    actions.set_mailbox(OPERATOR, domain, alice.address)
    packed = unpacking.pack(dmarc_report(domain.name))
    bring(services, bob.address, packed)
    assert not DmarcReport.objects.filter(domain=domain.name).exists()
    bring(services, alice.address, unpacking.pack(dmarc_report("not-ours.test")))
    bring(services, alice.address, unpacking.pack(b"<a>" * 10**7))
    bring(services, alice.address, packed[:-20])
    for _ in range(2):
        bring(services, alice.address, packed)
    bring(services, alice.address, dmarc_report(f"sub.{domain.name}"))
    found = DmarcReport.objects.filter(domain__endswith=domain.name).order_by("domain")
    assert [one.domain for one in found] == sorted([domain.name, f"sub.{domain.name}"])
    report = DmarcReport.objects.get(domain=domain.name)
    assert (report.organisation, report.proven) == ("far.test", False)
    rows = [(one.source, one.count, one.disposition, one.dkim, one.details) for one in report.rows.order_by("pk")]
    assert rows == [
        ("192.0.2.1", 40, "none", True, f"dkim=pass {domain.name} (one)"),
        ("2001:db8::1", 2, "reject", False, ""),
    ]
    # They are mail like any other, too.
    assert len(inbox(services, alice)) == 6


def test_reports_on_tls_that_come_in_are_read(services: Services, domain: Domain, alice: Person) -> None:
    actions.set_mailbox(OPERATOR, domain, alice.address)
    rows = (
        (domain.name, Session("sts"), 7),
        (domain.name, Session("sts", failure="certificate-expired", host="mx.x.test"), 2),
        ("not-ours.test", Session("sts"), 1),
    )
    made = tls_report.Report("far.test", "x@far.test", "7", TODAY - timedelta(days=1), TODAY, rows)
    for _ in range(2):
        bring(services, alice.address, unpacking.pack(tls_report.build(made)), "report.json.gz")
    [report] = TlsReport.objects.filter(organisation="far.test", domain=domain.name)
    assert [(one.count, one.failure) for one in report.rows.order_by("pk")] == [
        (7, ""),
        (2, "certificate-expired"),
    ]
    assert not TlsReport.objects.filter(domain="not-ours.test").exists()
