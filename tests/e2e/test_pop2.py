"""POP2 from outside: under TLS, or for this very machine only; and nowhere unless somebody asks for it."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance import PYTHON
from appliance.ports import free_port
from appliance.supervisor import Program, Supervisor
from tests.conftest import Person
from tests.services import MODULES, Services


@contextmanager
def pop2(services: Services, folder: Path, **variables: str) -> Iterator[int]:
    """One more POP3 service with these settings; its port for POP2."""
    ports = {name: free_port() for name in ("pop3", "pop3s", "pop2", "pop3_health")}
    environment = {
        **services.environment,
        **{f"FACTEUR_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        "FACTEUR_PROCESSES": "1",
        **variables,
    }
    health = f"http://127.0.0.1:{ports['pop3_health']}/healthz"
    program = Program("pop3", (str(PYTHON), "-m", *MODULES["pop3"]), environment, health=health)
    supervisor = Supervisor([program], folder, lambda _pids: None)
    supervisor.start(["pop3"])
    try:
        yield ports["pop2"]
    finally:
        supervisor.stop()


def say(client: socket.socket, *lines: str) -> list[bytes]:
    """Everything that is answered, the greeting first, until the server closes."""
    client.sendall("".join(f"{line}\r\n" for line in lines).encode())
    with client, client.makefile("rb") as file:
        return file.read().splitlines()


def hello(person: Person) -> str:
    return f"HELO {person.address} {person.password}".replace("'s ", "'s\\ ")


def test_under_tls_from_the_first_octet(services: Services, alice: Person, tmp_path: Path) -> None:
    with pop2(services, tmp_path, FACTEUR_POP2="tls") as port:
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        client = ssl._create_unverified_context().wrap_socket(plain)
        answered = say(client, hello(alice), "QUIT")
    assert answered == [b"+ POP2 Facteur is ready", b"#0 messages", b"+ Good-bye"]


def test_in_plain_text_for_this_machine_only(services: Services, alice: Person, tmp_path: Path) -> None:
    """Who comes from elsewhere says so by a balancer's header, as in `world`."""
    with pop2(services, tmp_path, FACTEUR_POP2="loopback", FACTEUR_PROXY_FROM="127.0.0.0/8") as port:
        for peer, last in (("127.0.0.1", b"+ Good-bye"), ("192.0.2.1", b"- Without TLS")):
            client = socket.create_connection(("127.0.0.1", port), timeout=20)
            answered = say(client, f"PROXY TCP4 {peer} 127.0.0.1 1024 109", hello(alice), "QUIT")
            assert answered[0] == b"+ POP2 Facteur is ready"
            assert answered[-1].startswith(last)


def test_nowhere_unless_somebody_asks_for_it(services: Services, tmp_path: Path) -> None:
    with pop2(services, tmp_path, FACTEUR_POP2="off") as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=20)
