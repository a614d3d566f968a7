"""The services as processes of their own, on the test run's PostgreSQL and Redis: what end-to-end tests talk to.

They start once for a run. Whoever kills one of them starts it again before the next test.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from appliance import PYTHON, ROOT
from appliance.private import free_port
from appliance.supervisor import Child, Program, Supervisor
from mailservices.config import PORTS, Config
from mailservices.net.tls import make_self_signed
from tests.certificates import Authority
from tests.world import FarSide, NameServer

Value = TypeVar("Value")

MODULES = {
    "smtp": ("mailservices", "smtp"),
    "imap": ("mailservices", "imap"),
    "pop3": ("mailservices", "pop3"),
    "worker": ("workers", "worker"),
    "beat": ("workers", "beat"),
}
HOSTNAME = "mail.facteur.test"


@dataclass
class Services:
    """The services, their processes, where they listen, and the world outside."""

    ports: dict[str, int]
    names: NameServer
    far: FarSide
    supervisor: Supervisor
    #: What they read.
    environment: Mapping[str, str]
    #: Who certifies mail programs.
    authority: Authority

    def child(self, name: str) -> Child:
        return next(child for child in self.supervisor.children if child.program.name == name)

    def restart(self, name: str) -> None:
        """Start a service that is not running, and wait until it is well."""
        child = self.child(name)
        if not child.running:
            child.start()
        until(child.healthy)

    def log(self, name: str) -> str:
        return self.child(name).log.read_text()

    def connect(self, name: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[name]), timeout=20)

    def stop(self) -> None:
        self.supervisor.stop()
        self.far.stop()
        self.names.close()


def until(true: Callable[[], Value], seconds: float = 30.0) -> Value:
    """Wait for something to become true; what it became."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.03)
    return value


def prepare(
    folder: Path,
    far_folder: Path,
    variables: Mapping[str, str],
    modules: Mapping[str, Sequence[str]] = MODULES,
    others: Sequence[Program] = (),
) -> Services:
    """Services that do not run yet, and whatever else their supervisor looks after.

    The variables say at least where PostgreSQL and Redis are.
    """
    names = NameServer()
    far = FarSide(far_folder).start()
    ports = {name: free_port() for name in PORTS}
    certificate, key = folder / "certificate.pem", folder / "certificate.key"
    make_self_signed(HOSTNAME, certificate, key)
    authority = Authority(folder / "authority.pem")
    environment = {
        **variables,
        **{f"FACTEUR_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "FACTEUR_HOSTNAME": HOSTNAME,
        "FACTEUR_LISTEN": "127.0.0.1",
        "FACTEUR_PROCESSES": "2",
        "FACTEUR_TLS_CERTIFICATE": str(certificate),
        "FACTEUR_TLS_KEY": str(key),
        "FACTEUR_TLS_CLIENT_CA": str(authority.path),
        "FACTEUR_SPOOL": str(folder),
        "FACTEUR_DNS": f"127.0.0.1:{names.port}",
        "FACTEUR_REMOTE_SMTP_PORT": str(far.port),
        "FACTEUR_SWEEP_SECONDS": "1",
        # The authority that far.test's certificate is from.
        "SSL_CERT_FILE": str(far_folder / "far.pem"),
        "PYTHONPATH": str(ROOT),
    }
    programs = [
        Program(
            name,
            (str(PYTHON), "-m", *module),
            environment,
            health=f"http://127.0.0.1:{ports['web' if name == 'web' else name + '_health']}/healthz",
        )
        for name, module in modules.items()
    ]
    supervisor = Supervisor([*others, *programs], folder / "log", lambda _pids: None)
    return Services(ports, names, far, supervisor, environment, authority)


@pytest.fixture(scope="session")
def world(services: Services) -> Iterator[Services]:
    """The same, and one more SMTP service behind a balancer: whoever connects to "world" says where it comes from.

    A client sends the line of the PROXY protocol first, so that it may have any address.
    """
    ports = {name: free_port() for name in ("smtp", "submission", "submissions", "lmtp", "smtp_health")}
    environment = {
        **services.environment,
        **{f"FACTEUR_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "FACTEUR_PROXY_FROM": "127.0.0.0/8",
        "FACTEUR_PROCESSES": "1",
    }
    command = (str(PYTHON), "-m", *MODULES["smtp"])
    health = f"http://127.0.0.1:{ports['smtp_health']}/healthz"
    log = services.child("smtp").log.parent / "world"
    supervisor = Supervisor([Program("smtp", command, environment, health=health)], log, lambda _pids: None)
    supervisor.start(["smtp"])
    services.ports |= {"world": ports["smtp"], "world_health": ports["smtp_health"]}
    try:
        yield services
    finally:
        supervisor.stop()


@pytest.fixture(scope="session")
def services(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """All five of them."""
    database = config.database
    url = f"postgresql://{database.user}@{database.host}:{database.port}/{database.name}"
    ours = {name: value for name, value in os.environ.items() if name.startswith("FACTEUR_")}
    folders = tmp_path_factory.mktemp("services"), tmp_path_factory.mktemp("far")
    running = prepare(*folders, {**ours, "FACTEUR_DATABASE_URL": url})
    running.supervisor.start(list(MODULES))
    try:
        yield running
    finally:
        running.stop()
