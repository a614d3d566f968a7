"""`make run` as an administrator meets it: addresses, Ctrl-C, a second start, and what goes wrong in one sentence.

Each test starts real appliances, in folders of their own and on any free ports.
"""

import imaplib
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from appliance import PYTHON, ROOT, plan, programs, start
from appliance.private import Private
from tests.services import until

#: Seconds for a start, which may have to make a database, and for a stop.
START_LIMIT = 120.0
STOP_LIMIT = 60.0
SERVICES = ("web", "smtp", "imap", "pop3", "worker", "beat")


class Appliance:
    """One `make run`."""

    def __init__(self, folder: Path, *before: str, **variables: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTEUR_")}
        self.environment = {**kept, "FACTEUR_PORTS": "free", "FACTEUR_VAR": str(folder), "FACTEUR_PROCESSES": "1"}
        self.environment |= variables
        self._log = folder.with_suffix(".out")
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, "make", "--no-print-directory", "run"], cwd=ROOT, env=self.environment,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(STOP_LIMIT)

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "appliance.json").read_text())
        return found

    def wait(self) -> Self:
        """Until it tells where it listens."""
        before = self.said.count("Facteur runs.")

        def told() -> bool:
            assert self.process.poll() is None, self.said
            return self.said.count("Facteur runs.") > before or "Facteur runs." in self.said.split("Stopped;")[-1]

        until(told, START_LIMIT)
        return self

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends SIGINT to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(STOP_LIMIT)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        report = self.report
        request = urllib.request.Request(
            f"{report['web']}/api/v1/{path}", None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {report['api_token']}", "Content-Type": "application/json"}, method=method,
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def manage(self, *arguments: str) -> str:
        return subprocess.run(
            [PYTHON, "-m", "appliance", "manage", *arguments], cwd=ROOT, env=self.environment,
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def use(self) -> None:
        """Provision, send a mail in, and read it."""
        self.call("POST", "domains/", {"name": "example.org"})
        self.call("POST", "accounts/", {"address": "alice@example.org", "password": "pw1", "quota_bytes": None})
        with smtplib.SMTP(*self.report["smtp"], timeout=30) as client:
            client.sendmail("x@elsewhere.test", ["alice@example.org"], b"Subject: hello\r\n\r\nhi\r\n")
        assert self.count_messages() == 1

    def count_messages(self) -> int:
        with imaplib.IMAP4(*self.report["imap"], timeout=30) as client:
            client.login("alice@example.org", "pw1")
            return int(client.select("INBOX")[1][0] or 0)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    shutil.rmtree(tmp_path / "var", ignore_errors=True)


def alive(pids: dict[str, list[int]]) -> list[str]:
    """Those of these processes that still run."""
    return [f"{name} {pid}" for name, numbers in pids.items() for pid in numbers if Path(f"/proc/{pid}").exists()]


def failed_start(folder: Path, **variables: str) -> str:
    """What a start says that cannot succeed: one sentence, no traceback, nothing left running."""
    with Appliance(folder, **variables) as appliance:
        assert appliance.process.wait(START_LIMIT) != 0
        said = appliance.said.split("Stopped;")[-1]
    assert "Traceback" not in said
    complaints = [line for line in said.splitlines() if line.startswith("facteur: ")]
    assert len(complaints) == 1, said
    return complaints[0]


def test_starts_serves_stops_and_starts_again(folder: Path) -> None:
    with Appliance(folder) as appliance:
        appliance.wait()
        report = appliance.report
        assert stat.S_IMODE((folder / "appliance.json").stat().st_mode) == 0o600
        assert report["admin"]["username"] in appliance.said
        assert report["admin"]["password"] in appliance.said
        for name in ("smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s"):
            host, port = report[name]
            assert str(port) in appliance.said
            socket.create_connection((host, port), timeout=10).close()
        assert set(SERVICES) <= report["pids"].keys()
        for url in report["health"].values():
            assert urllib.request.urlopen(url, timeout=10).status == 200
        appliance.use()
        token = appliance.manage("new_token", "admin", "another")
        assert token.startswith("fct_")
        running = report["pids"]
        assert alive(running)
        appliance.interrupt()
        assert "Stopped; the data is in" in appliance.said
        until(lambda: not alive(running))
    with Appliance(folder) as again:
        again.wait()
        assert again.count_messages() == 1
        assert again.report["api_token"] == report["api_token"]
        assert "Password " not in again.said.split("Stopped;")[-1]
        again.interrupt()


def test_two_run_side_by_side_and_a_folder_has_one_owner(tmp_path: Path) -> None:
    with Appliance(tmp_path / "one") as one, Appliance(tmp_path / "two", FACTEUR_POP2="loopback") as two:
        one.wait()
        two.wait()
        host, port = two.report["pop2"]
        assert f"POP2         127.0.0.1:{port} (for this machine only)" in two.said
        with socket.create_connection((host, port), timeout=10) as client:
            assert client.recv(100).startswith(b"+ POP2")
        assert "pop2" not in one.report
        one.use()
        two.use()
        said = failed_start(tmp_path / "one", FACTEUR_PORTS="free")
        assert "An appliance runs already in" in said
        assert one.count_messages() == 1


def test_what_dies_is_started_again(folder: Path) -> None:
    with Appliance(folder) as appliance:
        appliance.wait()
        appliance.use()
        for name in ("imap", "postgresql", "redis", "worker"):
            master = appliance.report["pids"][name][0]
            os.kill(master, signal.SIGKILL)
            until(lambda name=name, master=master: appliance.report["pids"][name][0] != master)  # type: ignore[misc]

        def counted() -> bool:
            try:
                return appliance.count_messages() == 1
            except (OSError, imaplib.IMAP4.error):
                return False

        until(counted, 60)


def test_a_database_that_recovers_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = tmp_path / "tries"
    createdb = tmp_path / "createdb"
    createdb.write_text(
        f'#!/bin/sh\necho "$@" >> {tries}\n'
        f'test $(wc -l < {tries}) -gt 2 || {{ echo "FATAL:  the database system is starting up" >&2; exit 1; }}\n'
    )
    createdb.chmod(0o755)
    monkeypatch.setattr(programs, "postgresql", lambda: programs.PostgreSQL(tmp_path, 15))
    chosen = plan.Plan(tmp_path, "localhost", {"database": 5, "redis": 6}, 1)
    private = Private(tmp_path, 5, 6)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "database_password").write_text("x")
    start._create_database(chosen, private)
    assert tries.read_text().splitlines() == ["--host=127.0.0.1 --port=5 --username=facteur facteur"] * 3


def test_nothing_is_left_when_the_supervisor_is_killed(folder: Path) -> None:
    with Appliance(folder) as appliance:
        running = appliance.wait().report["pids"]
        os.killpg(appliance.process.pid, signal.SIGKILL)
        appliance.process.wait(10)
        until(lambda: not alive(running))


def test_an_ordinary_user_can_run_it(tmp_path: Path) -> None:
    """Root's right to read is kept, for the interpreter and this checkout may lie where only root can go."""
    nobody = pwd.getpwnam("nobody")
    mine = tmp_path / "hers"
    mine.mkdir()
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        os.chown(mine, nobody.pw_uid, nobody.pw_gid)
        may_read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        before = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *may_read)
    with Appliance(mine / "var", *before, HOME=str(mine)) as appliance:
        appliance.wait()
        appliance.use()
        owner = (mine / "var" / "postgresql").stat().st_uid
        assert owner == (nobody.pw_uid if before else os.geteuid())
        appliance.interrupt()


def test_a_taken_port_is_told(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = failed_start(folder, FACTEUR_IMAP_PORT=str(port))
    assert f"Port {port} for imap is taken on 127.0.0.1" in said


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"FACTEUR_IMAP_PORT": "ninety"}, "FACTEUR_IMAP_PORT must be a number"),
        ({"FACTEUR_MESSAGE_BYTES": "5"}, "FACTEUR_MESSAGE_BYTES must be a whole number from"),
        ({"FACTEUR_VAR": "/proc/var"}, "/proc/var cannot be used as the data folder"),
    ],
)
def test_a_wrong_setting_is_told(folder: Path, variables: dict[str, str], words: str) -> None:
    assert words in failed_start(folder, **variables)


def remove_version(folder: Path) -> None:
    (folder / "postgresql" / "PG_VERSION").unlink()


def remove_secret(folder: Path) -> None:
    (folder / "secrets" / "database_password").unlink()


def break_control_file(folder: Path) -> None:
    (folder / "postgresql" / "global" / "pg_control").write_bytes(b"nonsense")


def break_facts(folder: Path) -> None:
    (folder / "secrets" / "administrator.json").write_text("{")


def break_certificate(folder: Path) -> None:
    (folder / "tls" / "certificate.pem").write_text("nonsense")


def other_version(folder: Path) -> None:
    (folder / "postgresql" / "PG_VERSION").write_text("9\n")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an appliance that ran once."""
    made = tmp_path_factory.mktemp("stopped") / "var"
    with Appliance(made) as appliance:
        appliance.wait().interrupt()
    return made


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_version, "is damaged (no PG_VERSION)"),
        (remove_secret, "restore it from your backup"),
        (break_control_file, "postgresql does not start"),
        (break_facts, "administrator.json is damaged"),
        (break_certificate, "TLS certificate cannot be used"),
        (other_version, "was made by PostgreSQL 9, which is not installed here"),
    ],
)
def test_a_damaged_folder_is_told(
    stopped: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    copied = tmp_path / "var"
    subprocess.run(["cp", "--archive", str(stopped), str(copied)], check=True)
    damage(copied)
    assert words in failed_start(copied)
    shutil.rmtree(copied)
