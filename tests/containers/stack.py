"""The running stack, seen from outside: through its published ports and the engine's command line."""

import imaplib
import json
import os
import poplib
import re
import smtplib
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from appliance import ROOT, Trouble
from tests.containers import images
from tests.containers.engine import run

Value = TypeVar("Value")

PROJECT = "facteur-test"
#: What an operator has put into a file .env is not for this stack.
FILES = (
    "--ansi",
    "never",
    "--env-file",
    "/dev/null",
    "--file",
    "docker-compose.yml",
    "--file",
    "tests/containers/world.yml",
)
PORTS = {
    "WEB": 28080, "SMTP": 22525, "SUBMISSION": 22587, "SUBMISSIONS": 22465, "IMAP": 22143, "IMAPS": 22993,
    "POP3": 22110, "POP3S": 22995,
}  # fmt: skip
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("FACTEUR_", "COMPOSE_"))},
    "COMPOSE_PROJECT_NAME": PROJECT,
    "FACTEUR_HOSTNAME": "mail.example.org",
    "FACTEUR_DNS": "10.123.45.53",
    **{f"FACTEUR_{name}_BIND": f"127.0.0.1:{port}" for name, port in PORTS.items()},
}
HOST = "127.0.0.1"
TLS = ssl._create_unverified_context()
REFUSALS = (OSError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto)


def compose(*arguments: str) -> str:
    return run("docker", "compose", *FILES, *arguments, cwd=ROOT, env=ENVIRONMENT)


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
        except (*REFUSALS, Trouble) as error:
            last = f" ({type(error).__name__}: {error})"
        time.sleep(0.3)
    raise Trouble(f"Not within {seconds:.0f} s: {what}{last}.")


def shown(what: str) -> list[str]:
    """What the first start showed under this name, once for each time."""
    return re.findall(rf"{what}\s+(\S+)", compose("logs", "--no-log-prefix", "setup"))


class Web:
    """The pages and the REST API, with the token that the first start showed."""

    def __init__(self) -> None:
        self._token = shown("API token")[0]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{HOST}:{PORTS['WEB']}{path}", timeout=20) as answer:
            return str(answer.read().decode())

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


def headers_by_pop3(person: str, password: str) -> list[str]:
    """The same by POP3."""
    client = poplib.POP3_SSL(HOST, PORTS["POP3S"], context=TLS, timeout=20)
    try:
        client.user(person)
        client.pass_(password)
        return [b"\r\n".join(client.top(number + 1, 0)[1]).decode() for number in range(client.stat()[0])]
    finally:
        client.quit()


def headers_at_far_side() -> list[str]:
    """The header of each message that Postfix has taken, one file for all."""
    kept = compose("exec", "-T", "sink", "bash", "-c", "cat /home/keeper/mail || true")
    return re.split(r"^From .*\n", kept, flags=re.MULTILINE)[1:]


def subjects(headers: list[str]) -> list[str]:
    return [match[1] for text in headers if (match := re.search(r"^Subject: (.*?)\r?$", text, re.MULTILINE))]


def containers(service: str) -> list[str]:
    """The service's containers, those that have done their work included."""
    return compose("ps", "--all", "--quiet", service).split()


def inspect(identity: str) -> dict[str, Any]:
    return dict(json.loads(run("docker", "inspect", identity))[0])


def kill(identity: str) -> None:
    """kill -9 of a container's first process, from the machine on which the engine runs.

    The engine's own `kill` would count as a wish, and it would not start the container again.
    """
    run(
        "docker", "run", "--rm", "--pid=host", "--userns=host", "--network=none", "--entrypoint=bash", images.BASE,
        "-c", 'kill -9 "$1"', "kill", str(inspect(identity)["State"]["Pid"]),
    )  # fmt: skip


def kill_and_wait(service: str) -> float:
    """Returns the seconds until the service is well again."""
    identity, started = containers(service)[0], time.monotonic()
    before = inspect(identity)

    def back() -> bool:
        now = inspect(identity)
        again = now["State"]["StartedAt"] != before["State"]["StartedAt"]
        return (
            again
            and now["RestartCount"] > before["RestartCount"]
            and now["State"]["Health"]["Status"] == "healthy"
        )

    kill(identity)
    until(f"{service} is started again and well", back)
    return time.monotonic() - started


def connections(identity: str, port: int) -> int:
    """How many clients a replica has had since it started."""
    code = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}/metrics').read().decode())"
    found = re.findall(
        r"^facteur_connections_total\{.*\} (\S+)$",
        run("docker", "exec", identity, "python3", "-c", code),
        re.MULTILINE,
    )
    return int(sum(map(float, found)))


class Stream:
    """Somebody who goes on sending, and remembers what was acknowledged."""

    def __init__(self, name: str, pause: float, send: Callable[[str], None]) -> None:
        self.acknowledged: list[str] = []
        self._name, self._pause, self._send = name, pause, send
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._end.wait(self._pause):
            number += 1
            try:
                self._send(f"{self._name} {number}")
            except REFUSALS:
                continue
            self.acknowledged.append(f"{self._name} {number}")

    def goes_on(self) -> None:
        """Returns once one more is acknowledged.

        Raises:
            Trouble: none is.
        """
        before = len(self.acknowledged)
        until(f"one more of {self._name}", lambda: len(self.acknowledged) > before)

    def stop(self) -> list[str]:
        self._end.set()
        self._thread.join(60)
        return self.acknowledged


def tear_down() -> None:
    """The stack with its volumes and networks is gone afterwards.

    Raises:
        Trouble: some of it is left.
    """
    compose("down", "--volumes", "--remove-orphans", "--timeout", "10")
    mine = ("--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
    left = [run("docker", *kind, *mine) for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls"))]
    if any(left):
        raise Trouble(f"Some of the stack is left: {' '.join(left)}")
