"""A domain's records looked up at a name server that is played, its zone file, policy, page; our own listings."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from mailservices.mail import mta_sts, smimea, wkd
from mailservices.mail.address import parse
from tests.certificates import Authority, make_for_names
from tests.mail_certificates import MailAuthority
from tests.private_keys import in_use
from tests.world import NameServer, PolicyHost
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR
from webadmin.certificates import actions as certificates
from webadmin.directory import actions as directory
from webadmin.directory.models import Domain
from webadmin.privacy import actions as keys
from webadmin.privacy import directory as directories
from webadmin.records import actions, advice, live
from webadmin.reports import actions as reports

pytestmark = pytest.mark.django_db
HOST = "mail.facteur.test"


@pytest.fixture
def names(settings: Settings) -> Iterator[NameServer]:
    """The name server that the web asks."""
    server = NameServer()
    settings.CONFIG = dataclasses.replace(settings.CONFIG, dns=(("127.0.0.1", server.port),))
    yield server
    server.close()


@pytest.fixture
def ours() -> Domain:
    return directory.create_domain(OPERATOR, "us.test")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(directory.create_administrator("root", "a long passphrase"))
    return client


def publish(names: NameServer, domain: Domain) -> None:
    """All that the advice says, as its zone file has it."""
    names.call("192.0.2.1", HOST)
    for record in advice.records(domain):
        name = record.name.rstrip(".")
        if record.kind == "TXT":
            names.zone[name, "TXT"] = [record.zone_value]
        elif " " not in record.kind and record.kind != "PTR":
            names.zone[name, record.kind] = [record.value]


def states(domain: Domain) -> dict[str, str]:
    return {f"{record.kind} {record.name}": verdict.state for record, verdict in live.look_up(domain)}


def test_nothing_is_there_at_first_and_everything_once_it_is_published(
    names: NameServer, ours: Domain, tmp_path: Path
) -> None:
    reports.set_mailbox(OPERATOR, ours, "reports@us.test")
    certificates.add_certificate(OPERATOR, *Authority(tmp_path / "authority.pem").for_hosts(HOST))
    before = states(ours)
    assert set(before.values()) == {"missing", "unknown"}
    publish(names, ours)
    after = states(ours)
    assert set(after.values()) == {"found"}
    assert {name.split(" ")[0] for name in after} == {"MX", "A", "PTR", "TXT", "TLSA", "SRV", "CNAME"}
    assert len([name for name in after if "_domainkey" in name]) == 2


def test_keys_of_addresses_are_published(
    names: NameServer, ours: Domain, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = directory.create_account(OPERATOR, "alice@us.test", "pw1")
    assert not [one.line for one in advice.records(ours) if "SMIMEA" in one.line or "openpgpkey" in one.line]
    authority = MailAuthority()
    in_use(alice, "alice@us.test")
    for address in ("alice@us.test", "bob@us.test"):
        keys.upload(OPERATOR, ours, authority.issue(address).der)
    found = {name: state for name, state in states(ours).items() if "SMIMEA" in name or "openpgpkey" in name}
    wanted = [f"SMIMEA {smimea.name(parse(one))}." for one in ("alice@us.test", "bob@us.test")]
    assert found == dict.fromkeys(["CNAME openpgpkey.us.test.", *wanted], "missing")
    publish(names, ours)
    found = states(ours)
    # Nobody serves it there.
    assert found.pop("CNAME openpgpkey.us.test.") == "wrong"
    assert set(found.values()) == {"found"}
    # The page shows some of them, the zone file all.
    monkeypatch.setattr(advice, "CERTIFICATES", 1)
    assert [one.kind for one in advice.records(ours)].count("SMIMEA") == 1
    assert advice.zone_file(ours).count(" IN SMIMEA 3 0 0 30") == 2
    directories.set_directory(OPERATOR, ours, active=False)
    assert "openpgpkey" not in advice.zone_file(ours)


def test_a_directory_is_asked_as_others_ask_it(
    names: NameServer, ours: Domain, client: Client, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    alice = directory.create_account(OPERATOR, "alice@us.test", "pw1")
    key = in_use(alice, "alice@us.test")
    answer = client.get(wkd.urls(parse("alice@us.test"))[1].removeprefix("https://us.test"), HTTP_HOST="us.test")
    host = PolicyHost(make_for_names(tmp_path / "web.pem", "openpgpkey.us.test")).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "web.pem"))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, remote_https_port=host.port, webhooks_private=True)
    try:
        publish(names, ours)
        names.zone[HOST, "A"] = ["127.0.0.1"]
        row = "CNAME openpgpkey.us.test."
        assert states(ours)[row] == "wrong"
        host.answers["openpgpkey.us.test"] = answer.content
        assert states(ours)[row] == "found"
        # A key that was revoked is shown, too, but there is nothing to be had.
        keys.revoke(OPERATOR, key)
        host.answers.clear()
        assert states(ours)[row] == "found"
    finally:
        host.stop()


def test_spf_is_asked_of_the_evaluator(names: NameServer, ours: Domain) -> None:
    publish(names, ours)
    names.say("us.test", "v=spf1 ip4:198.51.100.1 -all")
    ((_, verdict),) = [one for one in live.look_up(ours) if one[0].more == "spf"]
    assert verdict.state == "wrong"
    assert "192.0.2.1 (fail)" in verdict.words


def test_a_policy_is_served_had_and_compared(
    names: NameServer, ours: Domain, client: Client, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    address = mta_sts.PATH
    assert client.get(address, HTTP_HOST="mta-sts.us.test").status_code == 404
    offer = actions.offer_sts(OPERATOR, ours, "enforce")
    answer = client.get(address, HTTP_HOST="MTA-STS.us.test:443")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain")
    assert mta_sts.parse(answer.content).hosts == (HOST,)
    assert client.get(address, HTTP_HOST="us.test").status_code == 404
    assert client.get("/", HTTP_HOST="mta-sts.us.test").status_code == 400
    host = PolicyHost(make_for_names(tmp_path / "policies.pem", "mta-sts.us.test")).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "policies.pem"))
    settings.CONFIG = dataclasses.replace(settings.CONFIG, remote_https_port=host.port)
    try:
        publish(names, ours)
        names.zone[HOST, "A"] = ["127.0.0.1"]
        row = f"CNAME mta-sts.{ours.name}."
        assert states(ours)[row] == "wrong"
        host.answers["mta-sts.us.test"] = answer.content
        assert states(ours)[row] == "found"
        host.answers["mta-sts.us.test"] = answer.content.replace(b"enforce", b"testing")
        assert states(ours)[row] == "wrong"
    finally:
        host.stop()
    names.say("_mta-sts.us.test", f"v=STSv1; id={offer.record_id}x")
    assert states(ours)["TXT _mta-sts.us.test."] == "wrong"


def test_the_policys_verbs_object_and_leave_entries(ours: Domain) -> None:
    for mode, days in (("never", 7), ("enforce", 0), ("enforce", 366)):
        with pytest.raises(ValidationError):
            actions.offer_sts(OPERATOR, ours, mode, days)
    first = actions.offer_sts(OPERATOR, ours, "testing")
    assert actions.offer_sts(OPERATOR, ours, "testing").changed_at == first.changed_at
    assert actions.offer_sts(OPERATOR, ours, "enforce", 30).changed_at > first.changed_at
    actions.withdraw_sts(OPERATOR, ours)
    actions.withdraw_sts(OPERATOR, ours)
    told = Entry.objects.filter(subject="us.test", verb__contains="MTA-STS").order_by("pk")
    assert [(one.verb, one.after) for one in told] == [
        ("offer MTA-STS policy", {"mode": "testing", "max_age_days": 7}),
        ("offer MTA-STS policy", {"mode": "enforce", "max_age_days": 30}),
        ("withdraw MTA-STS policy", None),
    ]


def test_the_zone_file_is_one(ours: Domain) -> None:
    import dns.zone

    text = advice.zone_file(ours)
    zone = dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
    assert len(list(zone.iterate_rdatas())) == len([one for one in text.splitlines() if not one.startswith(";")])


def test_our_addresses_are_looked_for_in_lists(names: NameServer) -> None:
    assert live.listings() == []
    names.call("192.0.2.1", HOST)
    names.zone["1.2.0.192.zen.spamhaus.org", "A"] = ["127.0.0.2"]
    names.say("1.2.0.192.zen.spamhaus.org", "because")
    names.zone["1.2.0.192.bl.spamcop.net", "A"] = ["127.255.255.254"]
    names.failing.add("1.2.0.192.psbl.surriel.com")
    found = {one.zone: one for one in live.listings()}
    assert {zone: one.listed for zone, one in found.items()} == {
        "zen.spamhaus.org": True, "bl.spamcop.net": None, "b.barracudacentral.org": False,
        "psbl.surriel.com": None,
    }  # fmt: skip
    assert found["zen.spamhaus.org"].words == "because"


def test_pages_and_api_tell_the_same(names: NameServer, ours: Domain, admin: Client) -> None:
    publish(names, ours)
    names.zone["us.test", "MX"] = ["10 elsewhere.test."]
    page = admin.get(f"/domains/{ours.pk}/records/").content.decode()
    assert "Mail goes elsewhere." in page
    assert "10 elsewhere.test." in page
    part = admin.get(f"/domains/{ours.pk}/records/", headers={"X-Part": "yes"}).content.decode()
    assert part.lstrip().startswith("<tr>")
    told = admin.get("/api/v1/domain-records/us.test/?check=yes").json()
    assert (told["records"][0]["state"], told["records"][0]["type"]) == ("wrong", "MX")
    assert "state" not in admin.get("/api/v1/domain-records/us.test/").json()["records"][0]
    assert admin.get(f"/domains/{ours.pk}/zone/")["Content-Disposition"].endswith('us.test.zone"')
    assert b"zen.spamhaus.org" in admin.get("/blocklists/?look=yes").content
    assert len(admin.get("/api/v1/blocklist-entries/").json()) == 4


def test_the_policy_is_set_by_page_and_api(ours: Domain, admin: Client) -> None:
    admin.post(f"/domains/{ours.pk}/mta-sts/", {"mode": "testing", "max_age_days": "30"})
    ours.refresh_from_db()
    assert (ours.sts_offer.mode, ours.sts_offer.max_age_days) == ("testing", 30)
    answer = admin.post(f"/domains/{ours.pk}/mta-sts/", {"mode": "testing", "max_age_days": "x"}, follow=True)
    assert b"From 1 to 365 days" in answer.content
    assert settings.CONFIG.hostname.encode() in admin.get(f"/domains/{ours.pk}/").content
    admin.post(f"/domains/{ours.pk}/mta-sts/", {"mode": ""})
    told = {"domain": "us.test", "mode": "enforce"}
    made = admin.post("/api/v1/mta-sts-policies/", told, content_type="application/json")
    assert (made.status_code, made.json()["max_age_days"]) == (201, 7)
    changed = admin.patch(
        "/api/v1/mta-sts-policies/us.test/", {"max_age_days": 9}, content_type="application/json"
    )
    assert (changed.json()["mode"], changed.json()["max_age_days"]) == ("enforce", 9)
    assert admin.delete("/api/v1/mta-sts-policies/us.test/").status_code == 204
    assert admin.get("/api/v1/mta-sts-policies/").json()["results"] == []
