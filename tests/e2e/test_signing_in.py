"""Every mechanism over every protocol, with foreign clients: gsasl, mbsync with Cyrus SASL, curl, Python's own."""

import asyncio
import base64
import imaplib
import poplib
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scramp import ScramClient

from mailservices.auth.credentials import OFFERS_SECONDS
from mailservices.auth.throttle import ACCOUNT
from mailservices.config import Config
from mailservices.net.limiter import Bucket, Limiter
from tests.auth.issuer import AUDIENCE, PlayedIssuer
from tests.conftest import Person
from tests.services import Services, all_know
from webadmin.audit.record import OPERATOR
from webadmin.directory import signin
from webadmin.directory.models import Account, AppPassword

UNVERIFIED = ssl._create_unverified_context()
#: What begins TLS in mid-connection, and the mark of a challenge.
STARTTLS = {"submission": b"STARTTLS", "imap": b"t STARTTLS", "pop3": b"STLS"}
WORDS = {"submission": b"334 ", "imap": b"+ ", "pop3": b"+ "}


@pytest.mark.parametrize("early", [True, False])
def test_login_may_tell_the_name_before_it_is_asked(services: Services, alice: Person, early: bool) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=UNVERIFIED)
        client.ehlo()
        client.user, client.password = alice.address, alice.password
        assert client.auth("LOGIN", client.auth_login, initial_response_ok=early)[0] == 235


class Line:
    """A conversation on one of the ports, with SASL."""

    def __init__(self, services: Services, port: str, *, tls: bool) -> None:
        self.port = port
        self._socket = services.connect(port)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        if tls:
            if port == "submission":
                self._ehlo()
            self.say(STARTTLS[port])
            assert self._file.readline()
            self._socket = UNVERIFIED.wrap_socket(self._socket)
            self._file = self._socket.makefile("rb")
        if port == "submission":
            self._ehlo()

    @property
    def certificate(self) -> bytes:
        assert isinstance(self._socket, ssl.SSLSocket)
        return self._socket.getpeercert(binary_form=True) or b""

    def _ehlo(self) -> None:
        self.say(b"EHLO client.test")
        while self._file.readline()[3:4] == b"-":
            pass

    def say(self, line: bytes) -> None:
        self._socket.sendall(line + b"\r\n")

    def challenge(self) -> bytes:
        line = self._file.readline()
        assert line.startswith(WORDS[self.port]), line
        return base64.b64decode(line.removeprefix(WORDS[self.port]))

    def begin(self, mechanism: str) -> bytes:
        self.say((b"a AUTHENTICATE " if self.port == "imap" else b"AUTH ") + mechanism.encode())
        return self.challenge()

    def answer(self, octets: bytes) -> None:
        self.say(base64.b64encode(octets))

    def end(self) -> bytes:
        """The last line."""
        line = self._file.readline()
        self._file.close()
        self._socket.close()
        return line


@pytest.mark.parametrize("port", ["submission", "imap", "pop3"])
@pytest.mark.parametrize("hash_name", ["SHA-1", "SHA-256"])
@pytest.mark.parametrize("plus", [False, True], ids=["plain", "plus"])
def test_scram_over_every_protocol(
    services: Services, alice: Person, port: str, hash_name: str, plus: bool
) -> None:
    """RFC 5929 §4: bound to the certificate as this client has seen it."""
    line = Line(services, port, tls=plus)
    mechanism = f"SCRAM-{hash_name}{'-PLUS' if plus else ''}"
    binding = ("tls-server-end-point", _end_point(line.certificate)) if plus else None
    scram = ScramClient([mechanism], alice.address, alice.password, channel_binding=binding)
    assert line.begin(mechanism) == b""
    line.answer(scram.get_client_first().encode())
    scram.set_server_first(line.challenge().decode())
    line.answer(scram.get_client_final().encode())
    scram.set_server_final(line.challenge().decode())
    line.say(b"")
    assert line.end().startswith((b"235 ", b"a OK", b"+OK"))


def _end_point(certificate: bytes) -> bytes:
    """By openssl, not by our own reader."""
    done = subprocess.run(
        ["openssl", "x509", "-inform", "der", "-outform", "der"],
        input=certificate,
        capture_output=True,
        check=True,
    )
    digest = subprocess.run(
        ["openssl", "dgst", "-sha256", "-binary"], input=done.stdout, capture_output=True, check=True
    )
    return digest.stdout


def test_a_binding_to_another_certificate_fails(services: Services, alice: Person) -> None:
    line = Line(services, "imap", tls=True)
    bound = ("tls-server-end-point", b"of somebody in between")
    scram = ScramClient(["SCRAM-SHA-256-PLUS"], alice.address, alice.password, channel_binding=bound)
    line.begin("SCRAM-SHA-256-PLUS")
    line.answer(scram.get_client_first().encode())
    scram.set_server_first(line.challenge().decode())
    line.answer(scram.get_client_final().encode())
    assert line.end().startswith(b"a NO [AUTHENTICATIONFAILED]")


def run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    return "" if done.returncode == 0 else f"{done.returncode}: {done.stdout}{done.stderr}"


@contextmanager
def readable(services: Services, person: Person) -> Iterator[tuple[str, str]]:
    """An app password for CRAM-MD5, which the servers offer by then: its name and its text."""
    account = Account.objects.get(pk=person.account_id)
    app, text = signin.create_app_password(OPERATOR, account, "old program", readable=True)
    all_know(OFFERS_SECONDS)
    assert all(_offers(services, port, "CRAM-MD5") for port in ("submission", "imap", "pop3"))
    yield f"{person.address}/{app.pk}", text
    AppPassword.objects.filter(pk=app.pk).delete()
    _no_longer(services, "CRAM-MD5")


def _no_longer(services: Services, mechanism: str) -> None:
    """Other tests' clients are not to choose it."""
    all_know(OFFERS_SECONDS)
    assert not any(_offers(services, port, mechanism) for port in ("submission", "imap", "pop3"))


def _offers(services: Services, port: str, mechanism: str) -> bool:
    with services.connect(port) as client:
        file = client.makefile("rb")
        told = file.readline()
        if port != "imap":
            client.sendall({"submission": b"EHLO x\r\nQUIT\r\n", "pop3": b"CAPA\r\nQUIT\r\n"}[port])
            told += file.read()
        file.close()
    return mechanism.encode() in told


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"])
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_gsasl(services: Services, alice: Person, mechanism: str, protocol: str) -> None:
    port = services.ports["submission" if protocol == "smtp" else "imap"]

    def attempt(password: str) -> str:
        return run(
            "gsasl", f"--{protocol}", f"--connect=127.0.0.1:{port}", "-m", mechanism, "-a", alice.address,
            "-z", "", "-p", password, "--no-starttls", "--quiet",
        )  # fmt: skip

    assert attempt(alice.password) == ""
    assert attempt("wrong") != ""


def test_mbsync_with_scram(services: Services, alice: Person, tmp_path: Path) -> None:
    for name in ("mail", "state"):
        (tmp_path / name).mkdir()
    config = tmp_path / "mbsyncrc"
    config.write_text(
        f"IMAPAccount us\nHost 127.0.0.1\nPort {services.ports['imap']}\nUser {alice.address}\n"
        f'Pass "{alice.password}"\nSSLType None\nAuthMechs SCRAM-SHA-256\n\nIMAPStore far\nAccount us\n\n'
        f"MaildirStore near\nPath {tmp_path}/mail/\nInbox {tmp_path}/mail/INBOX\nSubFolders Verbatim\n\n"
        f"Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nSyncState {tmp_path}/state/\n"
    )
    assert run("mbsync", "-c", str(config), "-a") == ""
    assert (tmp_path / "mail" / "INBOX").is_dir()


def curl(services: Services, port: str, mechanism: str, name: str, *more: str) -> str:
    scheme, path = {"submission": ("smtp", "/x"), "imap": ("imap", "/"), "pop3": ("pop3", "/")}[port.rstrip("s")]
    if port.endswith("s"):
        scheme += "s"
    request = ("-X", "NOOP") if scheme.startswith("smtp") else ()
    url = f"{scheme}://127.0.0.1:{services.ports[port]}{path}"
    return run(
        "curl",
        "-sSk",
        "--max-time",
        "30",
        "--login-options",
        f"AUTH={mechanism}",
        "-u",
        name,
        *request,
        *more,
        url,
    )


def test_cram_md5_with_curl_and_pythons_own(services: Services, alice: Person) -> None:
    with readable(services, alice) as (name, text):
        for port in ("submission", "imap", "pop3"):
            assert curl(services, port, "CRAM-MD5", f"{name}:{text}") == ""
            assert curl(services, port, "CRAM-MD5", f"{alice.address}:{text}") == ""
        assert curl(services, "imap", "CRAM-MD5", f"{alice.address}:{alice.password}") != ""
        with imaplib.IMAP4("127.0.0.1", services.ports["imap"]) as client:
            assert client.login_cram_md5(alice.address, text)[0] == "OK"
        with smtplib.SMTP("127.0.0.1", services.ports["submission"]) as sender:
            sender.ehlo()
            sender.user, sender.password = alice.address, text
            assert sender.auth("CRAM-MD5", sender.auth_cram_md5)[0] == 235


@pytest.fixture
def issuer(services: Services, committed: None) -> Iterator[PlayedIssuer]:
    played = PlayedIssuer()
    row = signin.create_issuer(OPERATOR, played.url, AUDIENCE, jwks_url=f"{played.url}/keys")
    all_know(OFFERS_SECONDS)
    assert all(_offers(services, port, "XOAUTH2") for port in ("submission", "imap", "pop3"))
    yield played
    signin.delete_issuer(OPERATOR, row)
    played.stop()
    # The next one is not to meet a process that knows only this one.
    _no_longer(services, "XOAUTH2")


@pytest.mark.parametrize("tls", [False, True])
def test_apop(services: Services, alice: Person, tls: bool) -> None:
    """RFC 1939 §7: with an app password that may be read, by its number or by the address alone, and no other."""
    with readable(services, alice) as (name, text):
        for user, secret, good in (
            (name, text, True), (alice.address, text, True), (alice.address, alice.password, False),
            (f"nobody@{alice.address.partition('@')[2]}", text, False),
        ):  # fmt: skip
            client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
            if tls:
                client.stls(UNVERIFIED)
            if good:
                assert client.apop(user, secret).startswith(b"+OK 0 messages")
            else:
                with pytest.raises(poplib.error_proto, match="AUTH"):
                    client.apop(user, secret)
            client.quit()


def test_a_greeting_has_no_timestamp_where_nobody_may_use_it(services: Services, alice: Person) -> None:
    client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
    assert client.welcome == b"+OK Facteur is ready"
    with pytest.raises(poplib.error_proto, match="no timestamp"):
        client._shortcmd(f"APOP {alice.address} {'0' * 32}")
    client.quit()


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_tokens_with_curl(services: Services, alice: Person, issuer: PlayedIssuer, mechanism: str) -> None:
    good, bad = issuer.token(alice.address), issuer.token(alice.address, aud="another service")
    for port in ("submission", "imap", "pop3"):
        assert curl(services, port, mechanism, alice.address, "--oauth2-bearer", good) == ""
    assert curl(services, "imap", mechanism, alice.address, "--oauth2-bearer", bad) != ""


def test_a_bad_token_is_told_before_it_is_refused(services: Services, alice: Person, issuer: PlayedIssuer) -> None:
    line = Line(services, "submission", tls=False)
    line.begin("OAUTHBEARER")
    line.answer(b"n,,\x01auth=Bearer nonsense\x01\x01")
    assert b'"status": "invalid_token"' in line.challenge()
    line.answer(b"\x01")
    assert line.end() == b"535 5.7.8 Name or password is wrong\r\n"


def test_an_issuer_that_is_away_is_temporary(services: Services, alice: Person, issuer: PlayedIssuer) -> None:
    """RFC 4954 §6: 454, and never a yes."""
    token = issuer.token(alice.address)
    issuer.status = 500
    line = Line(services, "submission", tls=False)
    line.begin("OAUTHBEARER")
    line.answer(f"n,,\x01auth=Bearer {token}\x01\x01".encode())
    assert line.end().startswith(b"454 4.7.0 ")


@pytest.mark.parametrize("port", ["submissions", "imaps", "pop3s"])
def test_a_certificate_signs_in(services: Services, alice: Person, tmp_path: Path, port: str) -> None:
    certificate = services.authority.certify(tmp_path / "alice.pem", "x@nowhere.test", alice.address)
    name = f"{alice.address}:"
    assert curl(services, port, "EXTERNAL", name, "--cert", str(certificate)) == ""
    # Without one EXTERNAL is not offered.
    assert curl(services, port, "EXTERNAL", name) != ""
    of_old = services.authority.certify(tmp_path / "old.pem", in_subject=alice.address)
    assert curl(services, port, "EXTERNAL", name, "--cert", str(of_old)) == ""


def test_a_certificate_is_good_for_nobody_else(
    services: Services, alice: Person, bob: Person, tmp_path: Path
) -> None:
    certificate = services.authority.certify(tmp_path / "bob.pem", bob.address)
    assert curl(services, "imaps", "EXTERNAL", f"{alice.address}:", "--cert", str(certificate)) != ""


def test_a_strangers_certificate_ends_the_handshake(services: Services, alice: Person, tmp_path: Path) -> None:
    stranger = type(services.authority)(tmp_path / "authority.pem")
    certificate = stranger.certify(tmp_path / "alice.pem", alice.address)
    assert curl(services, "imaps", "EXTERNAL", f"{alice.address}:", "--cert", str(certificate)) != ""


def test_other_hosts_are_not_asked_for_certificates(services: Services, tmp_path: Path) -> None:
    """On port 25 they present whatever they have, and are let in."""
    stranger = type(services.authority)(tmp_path / "authority.pem")
    certificate = stranger.certify(tmp_path / "host.pem")
    context = ssl._create_unverified_context()
    context.load_cert_chain(certificate)
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"]) as client:
        client.starttls(context=context)
        assert client.ehlo()[0] == 250


def test_guessing_is_answered_as_an_outage(services: Services, config: Config, alice: Person) -> None:
    """RFC 4954 §6, RFC 5530 §3 and RFC 3206 §4: a right password is told the same, and nothing is looked at."""

    async def guess() -> None:
        limiter = Limiter(config.redis_url)
        await limiter.charge([Bucket(ACCOUNT, alice.address)], ACCOUNT.size + 1, "a test")
        await limiter.close()

    asyncio.run(guess())
    plain = f"\0{alice.address}\0{alice.password}".encode()
    for port, words in (
        ("submission", b"454 4.7.0 "),
        ("imap", b"a NO [UNAVAILABLE] "),
        ("pop3", b"-ERR [SYS/TEMP] "),
    ):
        line = Line(services, port, tls=False)
        line.begin("PLAIN")
        line.answer(plain)
        assert line.end().startswith(words)
