"""POP3 with foreign clients: fetchmail, getmail, mpop, curl. Each takes everything and leaves what it should."""

import mailbox
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Person
from tests.e2e.test_pop3 import TEXTS, fill, sign_in
from tests.services import Services


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"HOME": str(folder), "FETCHMAILHOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def written(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def left(services: Services, person: Person) -> int:
    client = sign_in(services, person)
    count = client.stat()[0]
    client.quit()
    return count


def subjects(folder: Path) -> list[str]:
    return sorted(str(message["Subject"]) for message in mailbox.Maildir(folder, create=False))


EXPECTED = sorted(re.findall(rb"Subject: ([^\r]*)", b"".join(TEXTS)))


@pytest.mark.parametrize("keep", [False, True])
def test_fetchmail(services: Services, alice: Person, tmp_path: Path, keep: bool) -> None:
    """With UIDL, so that nothing is fetched twice."""
    fill(services, alice)
    config = written(
        tmp_path / "fetchmailrc",
        f'poll 127.0.0.1 service {services.ports["pop3"]} proto pop3 uidl user "{alice.address}" '
        f'pass "{alice.password}" sslproto \'\' {"keep" if keep else "no keep"} mda "cat >> {tmp_path}/mail"\n',
    )
    run(tmp_path, "fetchmail", "-f", config, "--nodetach")
    assert (tmp_path / "mail").read_bytes().count(b"Subject: ") == len(TEXTS)
    assert left(services, alice) == (len(TEXTS) if keep else 0)
    if keep:
        again = subprocess.run(
            ["fetchmail", "-f", config, "--nodetach"], capture_output=True, check=False, timeout=60,
            env={"HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert again.returncode == 1, "1 is: there is no new mail"
        assert (tmp_path / "mail").read_bytes().count(b"Subject: ") == len(TEXTS)


@pytest.mark.parametrize("delete", [False, True])
def test_getmail(services: Services, alice: Person, tmp_path: Path, delete: bool) -> None:
    """Under TLS; it keeps the unique ids of what it has."""
    fill(services, alice)
    config = written(
        tmp_path / "getmailrc",
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1\n"
        f"port = {services.ports['pop3s']}\nusername = {alice.address}\npassword = {alice.password}\n"
        # To a program: it does not write into folders for root.
        f'[destination]\ntype = MDA_external\npath = /usr/bin/tee\narguments = ("-a", "{tmp_path}/mail")\n'
        "allow_root_commands = true\n"
        f"[options]\nread_all = false\ndelete = {str(delete).lower()}\n",
    )
    for _ in range(2):
        run(tmp_path, "getmail", f"--getmaildir={tmp_path}", f"--rcfile={config}")
        assert (tmp_path / "mail").read_bytes().count(b"Subject: ") == len(TEXTS)
    assert left(services, alice) == (0 if delete else len(TEXTS))


@pytest.mark.parametrize("keep", [False, True])
def test_mpop(services: Services, alice: Person, tmp_path: Path, keep: bool) -> None:
    """By STLS and SCRAM, with its commands pipelined."""
    fill(services, alice)
    for name in ("cur", "new", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    config = written(
        tmp_path / "mpoprc",
        f"account default\nhost 127.0.0.1\nport {services.ports['pop3']}\nuser {alice.address}\n"
        f'password "{alice.password}"\ntls on\ntls_starttls on\ntls_certcheck off\nauth scram-sha-256\n'
        f"pipelining on\nkeep {'on' if keep else 'off'}\nuidls_file {tmp_path}/uidls\n"
        f"delivery maildir {tmp_path}/mail\n",
    )
    for _ in range(2):
        run(tmp_path, "mpop", f"--file={config}")
        assert subjects(tmp_path / "mail") == [one.decode() for one in EXPECTED]
    assert left(services, alice) == (len(TEXTS) if keep else 0)


def test_curl(services: Services, alice: Person, tmp_path: Path) -> None:
    fill(services, alice)
    url = f"pop3://127.0.0.1:{services.ports['pop3']}/"

    def curl(*words: str) -> bytes:
        who = ("--user", f"{alice.address}:{alice.password}")
        return run(tmp_path, "curl", "-sS", "-k", "--ssl-reqd", *who, *words).stdout

    listed = curl(url).splitlines()
    assert [int(line.split()[1]) for line in listed] == list(map(len, TEXTS))
    for number, text in enumerate(TEXTS, 1):
        assert curl(f"{url}{number}") == (text if text.endswith(b"\r\n") else text + b"\r\n")
    assert len(set(curl("--request", "UIDL", url).splitlines())) == len(TEXTS)
    assert curl("--request", "TOP 2 1", url).startswith(b"Subject: dots\r\n")
    curl("--request", "DELE 1", "--head", url)
    assert left(services, alice) == len(TEXTS) - 1
