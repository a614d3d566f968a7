"""A world of its own for what breaks things: PostgreSQL and Redis set up as in production, and every service.

Nothing else runs on it, so that its processes may be killed, stopped and starved at will. All of them are children
of this process, found through the supervisor, and only they are ever killed.
"""

import asyncio
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from appliance import PYTHON
from appliance.ports import free_port
from appliance.private import DATABASE, Private
from appliance.supervisor import Child, process_ids
from mailservices import config as configuration
from mailservices.config import Config
from tests import services
from tests.conftest import Person
from tests.faults.clients import Imap, Pop3, Smtp, eventually
from tests.servers import FOLDER
from tests.services import Services

MODULES = {**services.MODULES, "web": ("webadmin",)}
SERVERS = ("postgresql", "redis")
#: Open files that a program may have when it starts: what most systems give.
OPEN_FILES = 1024

#: Calls, one a second, after which the web must be back.
OUTAGE_CALLS = 20

Database = psycopg.Connection[tuple[Any, ...]]

_numbers = itertools.count(1)


@dataclass
class World:
    """The appliance under test, and the ways in which it is hurt."""

    services: Services
    config: Config
    token: str = ""

    # processes

    def child(self, name: str) -> Child:
        return self.services.child(name)

    def pid(self, name: str) -> int:
        """The process that the supervisor started: for a service, gunicorn's arbiter."""
        process = self.child(name).process
        assert process is not None
        return process.pid

    def workers(self, name: str) -> list[int]:
        """Its children: gunicorn's workers; PostgreSQL's backends and auxiliary processes."""
        return process_ids(self.pid(name))[1:] if self.child(name).running else []

    def stop(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Stop one program, and wait until it is gone."""
        process = self.child(name).process
        assert process is not None
        process.send_signal(number)
        process.wait(30)

    async def start(self, name: str) -> None:
        """Start a program that does not run, and wait until it is healthy."""
        child = self.child(name)
        async with asyncio.timeout(60):
            while not (child.running and await asyncio.to_thread(child.healthy)):
                if not child.running:
                    child.start()
                await asyncio.sleep(0.1)
        if name == "postgresql":
            # It listens before it is ready.
            await eventually(lambda: asyncio.to_thread(_answers, self), "PostgreSQL answers")

    async def healthy(self) -> None:
        """Wait until everything is well."""
        for name in (*SERVERS, *MODULES):
            child = self.child(name)
            await eventually(lambda child=child: asyncio.to_thread(child.healthy), f"{name} is healthy")

    # what is in it

    def database(self, name: str = DATABASE) -> Database:
        """A connection that commits each statement."""
        d = self.config.database
        return psycopg.connect(
            host=d.host, port=d.port, user=d.user, password=d.password, dbname=name, autocommit=True
        )

    def call(self, method: str, path: str, **body: Any) -> Any:
        """One request to the API; its status and its answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.services.ports['web']}{path}",
            json.dumps(body).encode() if body else None,
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def people(self, count: int) -> list[Person]:
        """Accounts in a domain of their own."""
        domain = f"d{next(_numbers)}.faults.test"
        # No limit may hold up what a storm sends.
        limits = dict.fromkeys(("sending_messages", "sending_recipients", "sending_newcomers"), 10**9)
        self._make("domains", name=domain, **limits)
        found = []
        for number in range(count):
            address, password = f"p{number}@{domain}", f"the passphrase of {number}"
            account = self._make("accounts", address=address, password=password)
            found.append(Person(account["id"], address, password))
        return found

    def _make(self, kind: str, **body: Any) -> Any:
        """One row; after an outage, the web may ask for a few calls more."""
        for _ in range(OUTAGE_CALLS):
            if (answer := self.call("POST", f"/api/v1/{kind}/", **body))[0] != 503:
                break
            time.sleep(1)
        assert answer[0] == 201, answer
        return answer[1]


class Log:
    """What a service writes from now on."""

    def __init__(self, world: World, service: str) -> None:
        self._path = world.child(service).log
        self._from = self._path.stat().st_size

    def lines(self) -> list[bytes]:
        with self._path.open("rb") as file:
            file.seek(self._from)
            return file.read().splitlines()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines() if line.startswith(b"{") and line.endswith(b"}")]

    async def tells(self, event: str, reason: str, times: int = 1) -> None:
        async def told() -> bool:
            found = sum(one["event"] == event and one.get("reason", "") == reason for one in self.events())
            return found >= times

        await eventually(told, f"the log says {times} times: {event} {reason}")


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Everything, started once; whoever stops something starts it again. The logs of a run that failed stay."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=FOLDER))
    for name in ("services", "far", "temporary"):
        (folder / name).mkdir()
    private = Private(folder, free_port(), free_port())
    private.prepare()
    variables = {**private.environment(), "TMPDIR": str(folder / "temporary")}
    running = services.prepare(folder / "services", folder / "far", variables, MODULES, private.programs())
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, limits[1]))
    try:
        yield _started(running)
    finally:
        running.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        if request.session.testsfailed:
            print(f"The logs are in {folder / 'services' / 'log'}")
            shutil.rmtree(private.data, ignore_errors=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _started(running: Services) -> World:
    world = World(running, configuration.read(running.environment))
    running.supervisor.start(list(SERVERS))
    services.until(lambda: _answers(world, "postgres"))
    with world.database("postgres") as database:
        database.execute(f"CREATE DATABASE {DATABASE}")
    _manage(running, "migrate", "--verbosity=0")
    world.token = json.loads(_manage(running, "first_administrator", "--json"))["api_token"]
    running.supervisor.start(list(MODULES))
    return world


def _answers(world: World, name: str = DATABASE) -> bool:
    try:
        world.database(name).close()
    except psycopg.OperationalError:
        return False
    return True


def _manage(running: Services, *arguments: str) -> str:
    command = [str(PYTHON), "-m", "webadmin.manage", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **running.environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
async def whole(world: World) -> AsyncIterator[World]:
    """The world with everything up, before the test and after it."""
    yield world
    for name in (*SERVERS, *MODULES):
        await world.start(name)


@pytest.fixture
async def person(world: World) -> Person:
    [made] = await asyncio.to_thread(world.people, 1)
    return made


@asynccontextmanager
async def others_are_served(world: World, person: Person) -> AsyncIterator[None]:
    """Meanwhile, an ordinary client of each kind gets what it wants, again and again."""
    ending = asyncio.Event()
    ports = world.services.ports

    async def ordinary() -> None:
        while not ending.is_set():
            async with Smtp(ports["smtp"]) as smtp:
                await smtp.send_mail("a@b.test", [person.address], b"X-Id: x\r\n\r\nx\r\n")
            async with Imap(ports["imap"]) as imap:
                await imap.sign_in(person)
                await imap.ask(b"SELECT INBOX")
            async with Pop3(ports["pop3"]) as pop3:
                await pop3.ask(b"CAPA")
            await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as group:
        group.create_task(ordinary())
        yield
        ending.set()
