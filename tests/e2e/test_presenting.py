"""A certificate that an administrator brings is shown to foreign clients, by every server, without a restart."""

import subprocess
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.certificates import actions

LISTENERS = {
    "smtp": "smtp",
    "submission": "smtp",
    "submissions": "",
    "imap": "imap",
    "imaps": "",
    "pop3": "pop3",
    "pop3s": "",
}


def shown(services: Services, name: str, host: str) -> str:
    """The subject's alternative names, as OpenSSL is shown them."""
    starttls = ("-starttls", LISTENERS[name]) if LISTENERS[name] else ()
    command = ("openssl", "s_client", "-connect", f"127.0.0.1:{services.ports[name]}", "-servername", host)
    talk = subprocess.run(
        [*command, *starttls], input=b"", capture_output=True, timeout=30, check=False
    )  # it says QUIT in no protocol
    read = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=talk.stdout, capture_output=True, check=True
    )
    return read.stdout.decode()


@pytest.mark.usefixtures("committed")
def test_each_name_has_its_certificate(services: Services, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority.pem")
    running = {name: services.child(name).process for name in ("smtp", "imap", "pop3")}
    assert "mail.facteur.test" in shown(services, "imaps", "mail.example.org")
    row = actions.add_certificate(OPERATOR, *authority.for_hosts("mail.example.org"))
    for name in LISTENERS:
        until(lambda name=name: "mail.example.org" in shown(services, name, "mail.example.org"))  # type: ignore[misc]
        assert "mail.facteur.test" in shown(services, name, "mail.facteur.test")
    actions.remove_certificate(OPERATOR, row)
    for name in LISTENERS:
        until(lambda name=name: "mail.facteur.test" in shown(services, name, "mail.example.org"))  # type: ignore[misc]
    assert running == {name: services.child(name).process for name in running}
