"""Where reports come: what the verb takes, and what pages and API show of those that came."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory.models import Administrator, Domain
from webadmin.records import advice
from webadmin.reports import actions, summaries
from webadmin.reports.models import DmarcReport, DmarcRow, Mailbox, TlsReport, TlsRow
from webadmin.reports.summaries import Choice

pytestmark = pytest.mark.django_db


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def administrator() -> Administrator:
    return directory.create_administrator("root", "a long passphrase")


def came(domain: str, **values: Any) -> tuple[DmarcReport, TlsReport]:
    """A report of each kind that came in yesterday."""
    end = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    shared = {
        "organisation": "far.test", "report_id": "1", "domain": domain, "begins": end - timedelta(days=1),
        "ends": end, "proven": True, "trace_id": uuid.uuid4(), **values,
    }  # fmt: skip
    dmarc = DmarcReport.objects.create(email="x@far.test", policy="none", **shared)
    row = {"header_from": domain, "envelope_from": domain, "reasons": "", "details": "", "disposition": "none"}
    DmarcRow.objects.create(report=dmarc, source="192.0.2.1", count=40, dkim=True, spf=False, **row)
    DmarcRow.objects.create(
        report=dmarc, source="192.0.2.9", count=2, dkim=False, spf=False, **{**row, "disposition": "reject"}
    )
    tls = TlsReport.objects.create(contact="x@far.test", **shared)
    session = {"policy_type": "sts", "policy": "mode: enforce", "address": "", "own_address": ""}
    TlsRow.objects.create(report=tls, count=7, failure="", host="", reason="", **session)
    TlsRow.objects.create(
        report=tls, count=3, failure="certificate-expired", host="mx.x.test", reason="over", **session
    )
    return dmarc, tls


def test_a_mailbox_is_an_address_of_ours(example: Domain) -> None:
    row = actions.set_mailbox(OPERATOR, example, " Reports@Example.org ")
    assert row is not None
    assert row.address == "Reports@example.org"
    assert actions.set_mailbox(OPERATOR, example, "Reports@example.org") == row
    for wrong in ("reports", "reports@elsewhere.test"):
        with pytest.raises(ValidationError):
            actions.set_mailbox(OPERATOR, example, wrong)
    assert actions.set_mailbox(OPERATOR, example, "") is None
    assert not Mailbox.objects.exists()
    assert Entry.objects.filter(verb="set report mailbox").count() == 2


def test_the_records_to_set_name_it(example: Domain) -> None:
    def found() -> dict[str, str]:
        return {one.name: one.value for one in advice.records(Domain.objects.get(pk=example.pk))}

    assert not [value for value in found().values() if "rua" in value]
    Mailbox.objects.create(domain=example, address="r@example.org")
    own = found()
    assert own["_dmarc.example.org."] == "v=DMARC1; p=none; rua=mailto:r@example.org"
    assert own["_smtp._tls.example.org."] == "v=TLSRPTv1; rua=mailto:r@example.org"
    assert not [name for name in own if "_report" in name]
    Mailbox.objects.update(address="r@reports.test")
    assert found()["example.org._report._dmarc.reports.test."] == "v=DMARC1"


def test_reports_are_summed_by_source_by_host_and_by_day(example: Domain) -> None:
    came("example.org")
    came("sub.example.org", report_id="2")
    came("example.org", report_id="3", ends=timezone.now() - timedelta(days=60))
    came("notexample.org")
    choice = Choice("example.org", 30)
    found = [
        (row["source"], row["header_from"], row["messages"], row["passed"])
        for row in summaries.sources(choice, OPERATOR)
    ]
    assert sorted(found) == [
        ("192.0.2.1", "example.org", 40, 40),
        ("192.0.2.1", "sub.example.org", 40, 40),
        ("192.0.2.9", "example.org", 2, 0),
        ("192.0.2.9", "sub.example.org", 2, 0),
    ]
    assert [(row["failure"], row["sessions"]) for row in summaries.failures(choice, OPERATOR)] == [
        ("certificate-expired", 6)
    ]
    days: Any = summaries.by_day(choice, OPERATOR)
    assert (days["series"]["Passed"][-2:], days["series"]["Failed"][-2:]) == ([80, 0], [4, 0])
    assert len(days["times"]) == 31
    tls: Any = summaries.by_day(choice, OPERATOR, tls=True)
    assert (tls["series"]["Passed"][-2], tls["series"]["Failed"][-2]) == (14, 6)
    assert summaries.dmarc_reports(Choice("", 90), OPERATOR).count() == 4
    assert summaries.of_query("Example.org", "7") == Choice("example.org", 7)
    assert summaries.of_query("nowhere.test", "8") == Choice("", 30)


def test_pages_show_them(administrator: Administrator, example: Domain) -> None:
    dmarc, tls = came("example.org")
    came("example.org", report_id="2", proven=False)
    client = Client()
    client.force_login(administrator)
    shown = client.get("/reports/?domain=example.org&days=7").content.decode()
    assert "192.0.2.9" in shown
    assert "unproven" in shown
    assert "certificate-expired" in client.get("/reports/tls/").content.decode()
    assert "192.0.2.9" in client.get(f"/reports/dmarc/{dmarc.pk}/").content.decode()
    assert "mode: enforce" in client.get(f"/reports/tls/{tls.pk}/").content.decode()
    for kind in ("dmarc", "tls"):
        assert client.get(f"/reports/chart.json?kind={kind}").json()["series"].keys() == {"Passed", "Failed"}
    page = f"/domains/{example.pk}/"
    answer = client.post(page + "reports/", {"address": "r@example.org"}, follow=True).content.decode()
    assert "Reports on example.org are read that come to r@example.org." in answer
    assert "rua=mailto:r@example.org" in answer
    assert (
        "no domain of ours"
        in client.post(page + "reports/", {"address": "r@x.test"}, follow=True).content.decode()
    )
    assert "not read any more" in client.post(page + "reports/", {"address": ""}, follow=True).content.decode()


def test_the_same_over_rest(administrator: Administrator, example: Domain) -> None:
    dmarc, tls = came("example.org")
    api = APIClient()
    api.force_authenticate(administrator)
    made = api.post(
        "/api/v1/report-mailboxes/", {"domain": "example.org", "address": "r@example.org"}, format="json"
    )
    assert made.status_code == 201
    url = f"/api/v1/report-mailboxes/{made.data['id']}/"
    assert api.patch(url, {"address": "q@example.org"}, format="json").data["address"] == "q@example.org"
    other = directory.create_domain(OPERATOR, "other.org")
    assert api.patch(url, {"domain": other.name}, format="json").status_code == 400
    assert api.post("/api/v1/report-mailboxes/", {"domain": "other.org", "address": "x"}).status_code == 400
    assert api.delete(url).status_code == 204
    assert api.get("/api/v1/dmarc-reports/?domain=Example.org").data["results"][0]["organisation"] == "far.test"
    assert len(api.get(f"/api/v1/dmarc-reports/{dmarc.pk}/").data["rows"]) == 2
    assert len(api.get("/api/v1/dmarc-reports/sources/?domain=example.org").data["results"]) == 2
    assert api.get("/api/v1/tls-reports/?domain=other.org").data["results"] == []
    assert len(api.get(f"/api/v1/tls-reports/{tls.pk}/").data["rows"]) == 2
    assert api.get("/api/v1/tls-reports/failures/").data["results"][0]["host"] == "mx.x.test"
