"""Strangers from elsewhere, for whom a balancer speaks: what loopback is forgiven, they are not."""

import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest

from appliance import PYTHON, ROOT
from appliance.private import free_port
from mailservices.config import PORTS
from tests.services import Services, until


@pytest.fixture(scope="module")
def port(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port 25 of an SMTP service that believes a balancer on this machine."""
    ports = {name: free_port() for name in PORTS}
    log = tmp_path_factory.mktemp("behind") / "log"
    environment = {
        **os.environ,
        **services.environment,
        **{f"FACTEUR_{name.upper()}_PORT": str(number) for name, number in ports.items()},
        "FACTEUR_PROXY_FROM": "127.0.0.0/8",
        "FACTEUR_PROCESSES": "1",
    }
    command = [str(PYTHON), "-m", "mailservices", "smtp"]
    with log.open("wb") as file, subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file) as process:
        until(lambda: _well(ports["smtp_health"]))
        yield ports["smtp"]
        process.terminate()


def _well(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def stranger(port: int, early: bytes = b"") -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=20)
    opened.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n" + early)
    return opened


def test_who_speaks_before_the_greeting_is_sent_away(port: int) -> None:
    with (
        stranger(port, b"EHLO bot.test\r\nRSET\r\n") as opened,
        opened.makefile("rb") as lines,
    ):
        assert lines.readlines() == [b"554 5.5.1 Wait for the greeting before you speak\r\n"]


def test_who_waits_is_greeted(port: int) -> None:
    with stranger(port) as opened, opened.makefile("rb") as lines:
        assert lines.readline().startswith(b"220 ")
        opened.sendall(b"QUIT\r\n")
        assert lines.readlines() == [b"221 2.0.0 Bye\r\n"]
