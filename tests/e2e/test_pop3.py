"""POP3 from outside: the standard library's client, curl and fetchmail."""

import imaplib
import poplib
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Person
from tests.services import Services, until

TEXTS = (
    b"Subject: one\r\n\r\nfirst\r\n",
    b"Subject: dots\r\n\r\n.\r\n..x\r\nend\r\n",
    b"Subject: 8-bit\r\n\r\n\xff\xfe\r\n",
    b"Subject: no end\r\n\r\nlast line",
    b"Subject: empty\r\n\r\n",
    b"Subject: large\r\n\r\n" + b".0123456789\r\n" * 250_000,
)


def fill(services: Services, person: Person) -> None:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(person.address, person.password)
        for text in TEXTS:
            client.append("INBOX", "", "", text)


def sign_in(services: Services, person: Person) -> poplib.POP3:
    client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
    try:
        client.user(person.address)
        client.pass_(person.password)
    except poplib.error_proto:
        client.close()
        raise
    return client


def test_reads_octet_for_octet(services: Services, alice: Person) -> None:
    fill(services, alice)
    client = sign_in(services, alice)
    assert client.stat() == (len(TEXTS), sum(map(len, TEXTS)))
    assert client.list()[1] == [f"{n} {len(text)}".encode() for n, text in enumerate(TEXTS, 1)]
    for number, text in enumerate(TEXTS, 1):
        assert b"\r\n".join(client.retr(number)[1]) == text.removesuffix(b"\r\n")
    assert client.top(2, 1)[1] == [b"Subject: dots", b"", b"."]
    assert client.top(1, 0)[1] == [b"Subject: one", b""]
    ids = client.uidl()[1]
    assert len({line.split()[1] for line in ids}) == len(TEXTS)  # type: ignore[union-attr]
    client.quit()
    again = sign_in(services, alice)
    assert again.uidl()[1] == ids
    again.quit()


def test_deletes_only_with_quit(services: Services, alice: Person) -> None:
    fill(services, alice)
    client = sign_in(services, alice)
    client.dele(1)
    with pytest.raises(poplib.error_proto):
        client.retr(1)
    client.rset()
    client.dele(2)
    client.close()
    client = until(lambda: _try(services, alice))
    assert client.stat()[0] == len(TEXTS)
    client.dele(2)
    client.dele(3)
    client.quit()
    client = sign_in(services, alice)
    assert client.stat()[0] == len(TEXTS) - 2
    client.quit()


def _try(services: Services, person: Person) -> poplib.POP3 | None:
    """The lock of a session that was dropped is given back in a moment."""
    try:
        return sign_in(services, person)
    except poplib.error_proto:
        return None


def test_one_session_at_a_time(services: Services, alice: Person) -> None:
    client = sign_in(services, alice)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        sign_in(services, alice)
    client.quit()
    sign_in(services, alice).quit()


def test_sign_in(services: Services, alice: Person) -> None:
    client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
    assert "STLS" in client.capa()
    client.stls(ssl._create_unverified_context())
    assert "STLS" not in client.capa()
    client.user(alice.address)
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.pass_("wrong")
    client.user(alice.address)
    client.pass_(alice.password)
    client.quit()


def test_commands_in_one_packet(services: Services, alice: Person) -> None:
    fill(services, alice)
    with services.connect("pop3") as client:
        lines = [f"USER {alice.address}", f"PASS {alice.password}", "STAT", "RETR 1", "RETR 2", "NOOP", "QUIT"]
        client.sendall("".join(f"{line}\r\n" for line in lines).encode())
        answered = b""
        while data := client.recv(65536):
            answered += data
    assert answered.count(b"+OK") == len(lines) + 1


def test_garbage(services: Services) -> None:
    for garbage in (b"A" * 100_000 + b"\r\n", b"\xff\xfe\r\n", b"RETR 1\r\n", b"USER\r\n", b"STLS\r\nNOOP\r\n"):
        with services.connect("pop3") as client:
            client.sendall(garbage + b"QUIT\r\n")
            answered = b""
            try:
                while data := client.recv(65536):
                    answered += data
            except ConnectionError:
                pass
        assert answered.startswith(b"+OK")
        assert b"-ERR" in answered


def test_fetchmail_takes_everything(services: Services, alice: Person, tmp_path: Path) -> None:
    fill(services, alice)
    config = tmp_path / "fetchmailrc"
    config.write_text(
        f'poll 127.0.0.1 service {services.ports["pop3"]} proto pop3 user "{alice.address}" '
        f'pass "{alice.password}" sslproto \'\' no keep mda "cat >> {tmp_path}/mail"\n'
    )
    config.chmod(0o600)
    environment = {"HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["fetchmail", "-f", str(config), "--nodetach"], capture_output=True, text=True, check=False,
        env=environment, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "mail").read_bytes().count(b"Subject: ") == len(TEXTS)
    client = sign_in(services, alice)
    assert client.stat()[0] == 0
    client.quit()
