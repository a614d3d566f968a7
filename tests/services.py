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
from appliance.ports import free_port
from appliance.supervisor import Child, Program, Supervisor
from mailservices.config import PORTS, Config
from mailservices.net.tls import make_self_signed
from tests.certificates import Authority, make_for_names
from tests.world import FarSide, NameServer, PolicyHost

Value = TypeVar("Value")

MODULES = {
    "smtp": ("mailservices", "smtp"),
    "imap": ("mailservices", "imap"),
    "pop3": ("mailservices", "pop3"),
    "worker": ("workers", "worker"),
    "beat": ("workers", "beat"),
}
#: Domains, each with .test behind it, whose policy hosts have a certificate.
POLICY_DOMAINS = ("enforced", "misnamed", "testing", "private-sts", "stripped", "posted")
#: Where the keys of a domain's people are.
DIRECTORY = "openpgpkey.keyed.test"
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
    #: Where MTA-STS policies are.
    policies: PolicyHost

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
        self.policies.stop()
        self.names.close()


def until(true: Callable[[], Value], seconds: float = 30.0) -> Value:
    """Wait for something to become true; what it became."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.03)
    return value


def all_know(seconds: float) -> None:
    """Each process of a service looks so often. None is asked: all connections may come to one of them."""
    time.sleep(seconds + 2)


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
    hosts = [*(f"mta-sts.{name}.test" for name in POLICY_DOMAINS), DIRECTORY]
    policies = PolicyHost(make_for_names(far_folder / "policies.pem", *hosts)).start()
    # The authorities of both: their certificates are their own.
    trusted = far_folder / "trusted.pem"
    trusted.write_bytes((far_folder / "far.pem").read_bytes() + (far_folder / "policies.pem").read_bytes())
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
        "FACTEUR_POP2": "loopback",
        "FACTEUR_TLS_CERTIFICATE": str(certificate),
        "FACTEUR_TLS_KEY": str(key),
        "FACTEUR_TLS_CLIENT_CA": str(authority.path),
        "FACTEUR_SPOOL": str(folder),
        "FACTEUR_DNS": f"127.0.0.1:{names.port}",
        "FACTEUR_REMOTE_SMTP_PORT": str(far.port),
        "FACTEUR_SWEEP_SECONDS": "1",
        "FACTEUR_WEBHOOKS_PRIVATE": "yes",
        "FACTEUR_REMOTE_HTTPS_PORT": str(policies.port),
        "SSL_CERT_FILE": str(trusted),
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
    return Services(ports, names, far, supervisor, environment, authority, policies)


@pytest.fixture(scope="session")
def world(services: Services) -> Iterator[Services]:
    """The same, and one more SMTP service behind a balancer: whoever connects to "world" says where it comes from.

    A client sends the line of the PROXY protocol first, so that it may have any address.
    """
    names = ("smtp", "submission", "submissions", "lmtp")
    yield from _one_more(services, "world", "smtp", names, {"FACTEUR_PROXY_FROM": "127.0.0.0/8"})


@pytest.fixture(scope="session")
def limited(services: Services) -> Iterator[Services]:
    """The same, and one more IMAP service, "limited", whose commands are about three messages at most."""
    yield from _one_more(services, "limited", "imap", ("imap", "imaps"), {"FACTEUR_MESSAGE_LIMIT": "3"})


def _one_more(
    services: Services, called: str, name: str, listening: Sequence[str], variables: Mapping[str, str]
) -> Iterator[Services]:
    """One more service beside the others; the first port is also known as it is `called`."""
    ports = {one: free_port() for one in (*listening, f"{name}_health")}
    environment = {
        **services.environment,
        **{f"FACTEUR_{one.upper()}_PORT": str(port) for one, port in ports.items()},
        **variables,
        "FACTEUR_PROCESSES": "1",
    }
    command = (str(PYTHON), "-m", *MODULES[name])
    health = f"http://127.0.0.1:{ports[f'{name}_health']}/healthz"
    log = services.child(name).log.parent / called
    supervisor = Supervisor([Program(name, command, environment, health=health)], log, lambda _pids: None)
    supervisor.start([name])
    services.ports |= {f"{called}_{one}": port for one, port in ports.items()} | {called: ports[name]}
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
