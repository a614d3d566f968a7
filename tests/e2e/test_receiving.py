"""Mail in: what port 25 takes and refuses, and that a message is kept octet for octet."""

import imaplib
import re
import smtplib
import socket
import ssl
import subprocess

import pytest

from tests.conftest import Person, make_person
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import aliases
from webadmin.directory.models import Domain

STRANGER = "stranger@elsewhere.test"


def read_all(services: Services, person: Person) -> list[bytes]:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=30) as client:
        client.login(person.address, person.password)
        client.select("INBOX", readonly=True)
        found = client.fetch("1:*", "(BODY.PEEK[])")[1]
        return [part[1] for part in found if isinstance(part, tuple)]


class Port25:
    """A stranger's conversation, octet by octet."""

    def __init__(self, services: Services) -> None:
        self.socket = services.connect("smtp")
        self.file = self.socket.makefile("rb")
        self.reply()

    def reply(self) -> str:
        """The last line of the next reply."""
        while True:
            line = self.file.readline().decode().rstrip("\r\n")
            if line[3:4] != "-":
                return line

    def ask(self, line: str) -> str:
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, recipient: str, text: bytes) -> str:
        """One message; `text` is stuffed already and ends with its dot."""
        assert self.ask("EHLO elsewhere.test").startswith("250")
        assert self.ask(f"MAIL FROM:<{STRANGER}> BODY=8BITMIME").startswith("250")
        assert self.ask(f"RCPT TO:<{recipient}>").startswith("250")
        assert self.ask("DATA").startswith("354")
        self.socket.sendall(text)
        return self.reply()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def port25(services: Services) -> "Port25":
    conversation = Port25(services)
    yield conversation  # type: ignore[misc]
    conversation.close()


def test_swaks_delivers(services: Services, alice: Person) -> None:
    server = f"127.0.0.1:{services.ports['smtp']}"
    command = ["swaks", "--server", server, "--tls", "--from", STRANGER, "--to", alice.address]
    done = subprocess.run([*command, "--body", "hello"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout
    [message] = read_all(services, alice)
    head = message.decode()
    assert head.startswith(f"Return-Path: <{STRANGER}>\r\nDelivered-To: {alice.address}\r\nReceived: from ")
    assert "with ESMTPS" in head
    assert f"for <{alice.address}>" in head


ODD = {
    "8-bit": b"Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n\xff\xfe\x80 latin\r\n",
    "long lines": b"Subject: x\r\n\r\n" + b"y" * 50_000 + b"\r\n",
    "no header": b"\r\njust a body\r\n",
    "no body": b"Subject: only a header\r\n",
    "empty": b"",
    "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n...x\r\n .\r\n",
    "folded": b"Subject: a\r\n b\r\n\tc\r\nX-Empty:\r\n\r\nbody\r\n",
    "no mail at all": b"this is no header at all\r\n\r\n\r\n\r\n",
    "mime": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n',
    "broken mime": b'Content-Type: multipart/mixed; boundary="b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n',
    "3 MB": b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 170_000,
}


@pytest.mark.parametrize("name", ODD)
def test_octets_are_kept(services: Services, alice: Person, port25: Port25, name: str) -> None:
    text = ODD[name]
    stuffed = re.sub(rb"(?m)^\.", b"..", text)
    ended = stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"
    reply = port25.send(alice.address, ended + b".\r\n")
    assert reply.startswith("250 2.0.0"), reply
    [message] = read_all(services, alice)
    _, _, rest = message.partition(b"\r\nAuthentication-Results: ")
    prefix_end = re.search(rb"\r\n(?![\t ])", rest)
    assert prefix_end
    kept = rest[prefix_end.end() :]
    assert kept == (text if ended == stuffed else text + b"\r\n")


def test_thirty_megabytes(services: Services, alice: Person) -> None:
    text = b"Subject: huge\r\n\r\n" + b"z" * 70 + b"\r\n"
    text += (b"abcdefghij" * 7 + b"\r\n") * (30 * 2**20 // 72)
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=60) as client:
        client.sendmail(STRANGER, [alice.address], text)
    [message] = read_all(services, alice)
    assert message.endswith(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"Subject: x\r\n\r\na\0b\r\n.\r\n", "550 5.6.0"),
        (b"Subject: x\r\n\r\na\nb\r\n.\r\n", "550 5.6.0"),
        (b"Subject: x\r\n\r\na\rb\r\n.\r\n", "550 5.6.0"),
        (b"Received: x\r\n" * 101 + b"\r\n\r\n.\r\n", "554 5.4.6"),
    ],
)
def test_bad_texts_are_refused(services: Services, alice: Person, port25: Port25, text: bytes, code: str) -> None:
    assert port25.send(alice.address, text).startswith(code)
    assert not read_all(services, alice)


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r"])
def test_nothing_is_smuggled(services: Services, alice: Person, port25: Port25, end: bytes) -> None:
    """Only CRLF.CRLF ends a message (RFC 5321 §4.1.1.4): what follows another end is no second message."""
    second = f"MAIL FROM:<evil@x.test>\r\nRCPT TO:<{alice.address}>\r\nDATA\r\nSubject: evil\r\n\r\n".encode()
    reply = port25.send(alice.address, b"Subject: x\r\n\r\nbody" + end + second + b"\r\n.\r\n")
    assert reply.startswith("550 5.6.0")
    assert not read_all(services, alice)


def test_refusals_have_their_codes(services: Services, alice: Person, port25: Port25, domain: Domain) -> None:
    port25.ask("EHLO elsewhere.test")
    assert port25.ask("RCPT TO:<a@b.test>").startswith("503 5.5.1")
    port25.ask(f"MAIL FROM:<{STRANGER}>")
    assert port25.ask(f"RCPT TO:<nobody@{domain.name}>").startswith("550 5.1.1")
    assert port25.ask("RCPT TO:<x@faraway.test>").startswith("554 5.7.1")
    assert port25.ask("RCPT TO:<nonsense>").startswith("5")
    assert port25.ask("DATA").startswith("554 5.5.1")  # RFC 5321 §3.3
    assert port25.ask("NONSENSE").startswith("500 5.5.")
    assert port25.ask(f"RCPT TO:<{alice.address}>").startswith("250 2.1.5")
    assert port25.ask("RSET").startswith("250")
    size = 200 * 2**20
    assert port25.ask(f"MAIL FROM:<{STRANGER}> SIZE={size}").startswith("552 5.3.4")
    assert port25.ask("AUTH PLAIN AGEAYg==").startswith("50")
    assert port25.ask("QUIT").startswith("221 2.0.0")


def test_quota(services: Services, domain: Domain, port25: Port25) -> None:
    full = make_person(domain, "full", quota_bytes=2000)
    assert port25.send(full.address, b"Subject: 1\r\n\r\n" + b"x" * 900 + b"\r\n.\r\n").startswith("250")
    assert port25.send(full.address, b"Subject: 2\r\n\r\n" + b"x" * 900 + b"\r\n.\r\n").startswith("452 4.2.2")
    assert port25.send(full.address, b"Subject: 3\r\n\r\n" + b"x" * 3000 + b"\r\n.\r\n").startswith("552 5.2.2")
    assert len(read_all(services, full)) == 1


def test_aliases_lead_where_they_should(
    services: Services, domain: Domain, alice: Person, bob: Person, charlie: Person, port25: Port25
) -> None:
    aliases.create_alias(OPERATOR, f"team@{domain.name}", [alice.address, bob.address])
    aliases.create_alias(OPERATOR, f"@{domain.name}", [charlie.address])
    text = b"Subject: x\r\n\r\nbody\r\n.\r\n"
    assert port25.send(f"Team@{domain.name}", text).startswith("250")
    assert port25.send(f"alice+shop@{domain.name}", text).startswith("250")
    assert port25.send(f"whoever@{domain.name}", text).startswith("250")
    assert [len(read_all(services, one)) for one in (alice, bob, charlie)] == [2, 1, 1]


def test_a_sender_must_be_ones_own(services: Services, alice: Person, bob: Person) -> None:
    tls = ssl._create_unverified_context()
    with smtplib.SMTP_SSL("127.0.0.1", services.ports["submissions"], timeout=20, context=tls) as client:
        client.login(alice.address, alice.password)
        assert client.mail(bob.address)[0] == 553
    client = smtplib.SMTP_SSL("127.0.0.1", services.ports["submissions"], timeout=20, context=tls)
    with client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login(alice.address, "wrong")


def test_no_submission_without_sign_in(services: Services) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.ehlo()
        code, words = client.mail(STRANGER)
        assert (code, words[:5]) == (530, b"5.7.0")


def test_starttls_discards_what_was_sent_before(services: Services) -> None:
    with services.connect("smtp") as client:
        file = client.makefile("rb")
        file.readline()
        client.sendall(b"EHLO x\r\n")
        while file.readline()[3:4] == b"-":
            pass
        client.sendall(b"STARTTLS\r\nRSET\r\n")
        answer = file.readline()
        assert answer.startswith((b"220", b"503", b"554", b"501"))
        if answer.startswith(b"220"):
            tls = ssl._create_unverified_context()
            with pytest.raises((ssl.SSLError, OSError)):
                tls.wrap_socket(client).sendall(b"NOOP\r\n")
        file.close()


def test_garbage_is_answered_and_bounded(services: Services) -> None:
    for garbage in (
        b"\x16\x03\x01\x02\x00" * 100 + b"\r\n",
        b"A" * 300_000 + b"\r\n",
        b"\r\n" * 100,
        b"\0" * 1000,
    ):
        with services.connect("smtp") as client:
            client.settimeout(10)
            try:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                answered = b""
                while data := client.recv(65536):
                    answered += data
            except (ConnectionError, BrokenPipeError):
                continue
            assert answered.startswith(b"220")
            assert all(line[:1] in b"245" for line in answered.splitlines())
    assert until(services.child("smtp").healthy)
