"""Settings that mail programs fetch: parsed as they do it, on the hosts where they look."""

import dataclasses
import plistlib
import subprocess
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tests.certificates import Authority
from webadmin.audit.record import OPERATOR
from webadmin.certificates import actions as certificates
from webadmin.directory import actions
from webadmin.directory.models import Account
from webadmin.identity import owner_of
from webadmin.own import programs

pytestmark = pytest.mark.django_db
QUESTION = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>{}</EMailAddress><AcceptableResponseSchema>x</AcceptableResponseSchema></Request></Autodiscover>"""
OUTLOOK = "/Autodiscover/Autodiscover.xml"
IN = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


@pytest.fixture
def alice() -> Account:
    actions.create_domain(OPERATOR, "example.org")
    return actions.create_account(OPERATOR, "alice@example.org", "pw1", display_name="Alice")


def servers(found: Element, kind: str) -> list[tuple[str | None, ...]]:
    names = ("hostname", "port", "socketType", "username")
    return [(one.get("type"), *(one.findtext(name) for name in names)) for one in found.iter(kind)]


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("autoconfig.example.org", "/mail/config-v1.1.xml"),
        ("autoconfig.Example.org:443", "/mail/config-v1.1.xml?emailaddress=alice@example.org"),
        ("autoconfig.example.org", "/mail/config-v1.1.xml?emailaddress=%25EMAILADDRESS%25"),
        ("example.org", "/.well-known/autoconfig/mail/config-v1.1.xml"),
        ("localhost", "/mail/config-v1.1.xml?emailaddress=nobody@EXAMPLE.org"),
    ],
)
def test_thunderbird_finds_its_servers(alice: Account, host: str, path: str) -> None:
    answer = Client().get(path, HTTP_HOST=host)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    found = fromstring(answer.content)
    assert (found.tag, found.get("version"), found.findtext("emailProvider/domain")) == (
        "clientConfig", "1.1", "example.org",
    )  # fmt: skip
    name = settings.CONFIG.hostname
    assert servers(found, "incomingServer") == [
        ("imap", name, "993", "SSL", "%EMAILADDRESS%"), ("imap", name, "143", "STARTTLS", "%EMAILADDRESS%"),
        ("pop3", name, "995", "SSL", "%EMAILADDRESS%"), ("pop3", name, "110", "STARTTLS", "%EMAILADDRESS%"),
    ]  # fmt: skip
    assert servers(found, "outgoingServer") == [
        ("smtp", name, "465", "SSL", "%EMAILADDRESS%"), ("smtp", name, "587", "STARTTLS", "%EMAILADDRESS%"),
    ]  # fmt: skip


def test_domains_that_are_not_here_have_no_settings(alice: Account) -> None:
    client = Client()
    for host, path in (
        ("autoconfig.elsewhere.test", "/mail/config-v1.1.xml"),
        ("autoconfig.example.org", "/mail/config-v1.1.xml?emailaddress=x@elsewhere.test"),
        ("", "/mail/config-v1.1.xml"),
        ("autoconfig.example.org", "/email.mobileconfig?email=x@elsewhere.test"),
        ("autoconfig.example.org", "/email.mobileconfig"),
        ("autodiscover.example.org", "/autodiscover/autodiscover.json/v1.0/x@elsewhere.test"),
        ("autodiscover.example.org", "/autodiscover/autodiscover.json"),
    ):
        assert client.get(path, HTTP_HOST=host).status_code == 404, (host, path)
    for address in ("x@elsewhere.test", "nonsense", ""):
        asked = client.post(OUTLOOK, QUESTION.format(address), "text/xml", HTTP_HOST="autodiscover.example.org")
        assert asked.status_code == 404
    actions.change_domain(OPERATOR, alice.domain, active=False)
    assert client.get("/mail/config-v1.1.xml", HTTP_HOST="autoconfig.example.org").status_code == 404
    # Nothing else is served on these hosts.
    assert client.get("/", HTTP_HOST="autoconfig.example.org").status_code == 400


def test_outlook_finds_its_servers(alice: Account) -> None:
    client = Client(enforce_csrf_checks=True)
    told = []
    for address in ("alice@example.org", "nobody@example.org"):
        answer = client.post(OUTLOOK, QUESTION.format(address), "text/xml", HTTP_HOST="autodiscover.example.org")
        assert answer.status_code == 200
        found = fromstring(answer.content)
        assert found.findtext(f"{IN}Response/{IN}Account/{IN}Action") == "settings"
        kinds = [
            [one.findtext(f"{IN}{name}") for name in ("Type", "Server", "Port", "SSL", "LoginName")]
            for one in found.iter(f"{IN}Protocol")
        ]
        name = settings.CONFIG.hostname
        assert kinds == [
            ["IMAP", name, "993", "on", address], ["POP3", name, "995", "on", address],
            ["SMTP", name, "465", "on", address],
        ]  # fmt: skip
        told.append(answer.content.replace(address.encode(), b""))
    # Whether there is such an address is not told.
    assert told[0] == told[1]


def test_outlook_asks_in_other_ways(alice: Account) -> None:
    client = Client()
    for path in (
        "/autodiscover/autodiscover.json/v1.0/alice@example.org?Protocol=AutodiscoverV1",
        "/autodiscover/autodiscover.json?Email=alice@example.org&Protocol=AutodiscoverV1",
    ):
        url = f"https://{settings.CONFIG.hostname}/autodiscover/autodiscover.xml"
        assert client.get(path, HTTP_HOST="example.org").json() == {"Protocol": "AutodiscoverV1", "Url": url}
    assert client.get(OUTLOOK, HTTP_HOST="example.org").status_code == 405
    entities = '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    for body, status in ((entities, 400), ("no XML", 400), ("x" * 20_000, 413)):
        assert client.post(OUTLOOK, body, "text/xml", HTTP_HOST="example.org").status_code == status


def test_apples_profile_is_signed(alice: Account, tmp_path: Path) -> None:
    path = "/email.mobileconfig?email=nobody@example.org"
    plain = Client().get(path, HTTP_HOST="autoconfig.example.org")
    assert plain["Content-Type"] == "application/x-apple-aspen-config"
    assert plistlib.loads(plain.content)["PayloadContent"][0]["EmailAddress"] == "nobody@example.org"
    authority = Authority(tmp_path / "authority.pem")
    certificates.add_certificate(OPERATOR, *authority.for_hosts(settings.CONFIG.hostname))
    client = Client()
    client.force_login(owner_of(alice))
    (tmp_path / "profile").write_bytes(client.get("/me/programs/mail.mobileconfig").content)
    octets = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", tmp_path / "profile", "-CAfile",
         tmp_path / "authority.pem", "-purpose", "any"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    [mail] = plistlib.loads(octets)["PayloadContent"]
    name = settings.CONFIG.hostname
    assert (mail["EmailAddress"], mail["EmailAccountName"]) == ("alice@example.org", "Alice")
    assert (mail["IncomingMailServerHostName"], mail["IncomingMailServerPortNumber"]) == (name, 993)
    assert (mail["OutgoingMailServerHostName"], mail["OutgoingMailServerPortNumber"]) == (name, 465)
    assert "IncomingPassword" not in mail


def test_ports_are_told_as_they_are_reached() -> None:
    config = settings.CONFIG
    for listen, ports, told in (
        ("0.0.0.0", {"imaps": 2993}, 993),
        ("0.0.0.0", {"imaps": 10993}, 10993),
        ("127.0.0.1", {"imaps": 2993}, 2993),
    ):
        changed = dataclasses.replace(config, listen=listen, ports={**programs.PORTS, **ports})
        with override_settings(CONFIG=changed):
            assert programs.best("imap").port == told
