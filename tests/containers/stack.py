"""The running stack, seen from outside: through its published ports and the engine's command line."""

import imaplib
import json
import os
import poplib
import re
import signal
import smtplib
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from appliance import ROOT, Trouble
from tests.containers.engine import run

Value = TypeVar("Value")

FILES = ("--file", "docker-compose.yml", "--file", "tests/containers/world.yml")
PORTS = {
    "WEB": 28080, "SMTP": 22525, "SUBMISSION": 22587, "SUBMISSIONS": 22465, "IMAP": 22143, "IMAPS": 22993,
    "POP3": 22110, "POP3S": 22995,
}  # fmt: skip
ENVIRONMENT = {
    "COMPOSE_PROJECT_NAME": "facteur-test",
    "FACTEUR_HOSTNAME": "mail.example.org",
    "FACTEUR_DNS": "10.123.45.53",
    **{f"FACTEUR_{name}_BIND": f"127.0.0.1:{port}" for name, port in PORTS.items()},
}
HOST = "127.0.0.1"
TLS = ssl._create_unverified_context()


def compose(*arguments: str) -> str:
    return run("docker", "compose", *FILES, *arguments, cwd=ROOT, env={**os.environ, **ENVIRONMENT})


def until(what: str, true: Callable[[], Value], seconds: float = 90) -> Value:
    """Wait for something; services that restart may refuse meanwhile.

    Raises:
        Trouble: it did not come.
    """
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if value := true():
                return value
        except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto, Trouble) as error:
            last = f" ({type(error).__name__}: {error})"
        time.sleep(0.3)
    raise Trouble(f"Not within {seconds:.0f} s: {what}{last}.")


class Api:
    """The REST API, with the token that the first start showed."""

    def __init__(self) -> None:
        shown = re.search(r"API token\s+(\S+)", compose("logs", "--no-log-prefix", "setup"))
        if not shown:
            raise Trouble("The first start showed no API token.")
        self._token = shown[1]

    def post(self, kind: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"http://{HOST}:{PORTS['WEB']}/api/v1/{kind}/",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def send_in(recipient: str, subject: str) -> None:
    """As a stranger, on port 25; returns once the message is acknowledged."""
    with smtplib.SMTP(HOST, PORTS["SMTP"], timeout=20) as client:
        client.sendmail("x@elsewhere.test", [recipient], f"Subject: {subject}\r\n\r\nhello\r\n")


def send_out(person: str, password: str, recipient: str, subject: str) -> None:
    with smtplib.SMTP(HOST, PORTS["SUBMISSION"], timeout=20) as client:
        client.starttls(context=TLS)
        client.login(person, password)
        client.sendmail(person, [recipient], f"From: {person}\r\nSubject: {subject}\r\n\r\nhello\r\n")


def headers_by_imap(person: str, password: str) -> list[str]:
    """The header of each message in the INBOX."""
    with imaplib.IMAP4_SSL(HOST, PORTS["IMAPS"], ssl_context=TLS, timeout=20) as client:
        client.login(person, password)
        client.select("INBOX", readonly=True)
        found = client.fetch("1:*", "(BODY.PEEK[HEADER])")[1]
        return [part[1].decode() for part in found if isinstance(part, tuple)]


def subjects(headers: list[str]) -> list[str]:
    return [match[1] for text in headers if (match := re.search(r"^Subject: (.*?)\r?$", text, re.MULTILINE))]


def count_by_pop3(person: str, password: str) -> int:
    client = poplib.POP3_SSL(HOST, PORTS["POP3S"], context=TLS, timeout=20)
    try:
        client.user(person)
        client.pass_(password)
        return client.stat()[0]
    finally:
        client.quit()


def container(service: str) -> str:
    return compose("ps", "--quiet", service).split()[0]


def inspect(identity: str, template: str) -> str:
    return run("docker", "inspect", "--format", template, identity)


def kill(service: str) -> float:
    """kill -9 of a service's first process; returns the seconds until it serves again."""
    identity, started = container(service), time.monotonic()
    restarts = int(inspect(identity, "{{.RestartCount}}"))
    os.kill(int(inspect(identity, "{{.State.Pid}}")), signal.SIGKILL)
    until(f"{service} is started again", lambda: int(inspect(identity, "{{.RestartCount}}")) > restarts)
    state = "{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}"
    until(f"{service} is well again", lambda: inspect(identity, state) in ("healthy", "running"))
    return time.monotonic() - started


class Stream:
    """A stranger who goes on sending, and remembers what was acknowledged."""

    def __init__(self, recipient: str) -> None:
        self.acknowledged: list[str] = []
        self._recipient = recipient
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._end.is_set():
            number += 1
            try:
                send_in(self._recipient, f"stream {number}")
            except (OSError, smtplib.SMTPException):
                time.sleep(0.2)
            else:
                self.acknowledged.append(f"stream {number}")
            time.sleep(0.05)

    def stop(self) -> list[str]:
        self._end.set()
        self._thread.join(60)
        return self.acknowledged


def tear_down() -> None:
    subprocess.run(
        ["docker", "compose", *FILES, "down", "--volumes", "--remove-orphans", "--timeout", "10"],
        cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, check=False,
    )  # fmt: skip
