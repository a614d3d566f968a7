"""The REST API from far away: a tool that tries to break it, and a client that was generated from its schema.

Both work on a database of their own, where they may delete whatever they find.
"""

import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from appliance import PYTHON, ROOT, VENV
from appliance.ports import free_port
from appliance.supervisor import Program, Supervisor
from mailservices.config import Config

#: Seconds that the tool may take, and for those whom the API itself lets in.
SECONDS, MORE_SECONDS = 40, 20
#: What one signs in by, and what shuts out: asked for by themselves.
DOORS = "/(administrators|tokens|blocks)/"
#: Keys from here on are of the administrator and the token that the tool signs in by: it may look at them only.
OWN_KEYS = 1_000_000_000
HOOKS = f"""
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    if case.method != "GET" and str(case.path_parameters.get("id")).startswith("{OWN_KEYS}"[:-1]):
        case.path_parameters["id"] = 7
"""


@dataclass(frozen=True)
class Api:
    """Where it is, a token of an administrator who may everything, and what the server has said."""

    url: str
    token: str
    log: Path


@contextmanager
def made_database(config: Config, name: str) -> Iterator[None]:
    """One more database on the same server."""
    d = config.database
    with psycopg.connect(
        host=d.host, port=d.port, user=d.user, password=d.password, dbname="postgres", autocommit=True
    ) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def number_from(config: Config, first: int) -> None:
    """The key of the next administrator, and of the next token."""
    d = config.database
    with psycopg.connect(host=d.host, port=d.port, user=d.user, password=d.password, dbname="rest") as db:
        for table in ("directory_administrator", "directory_api_token"):
            db.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {first}")


def manage(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [PYTHON, "-m", "webadmin.manage", *command],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def api(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder, port = tmp_path_factory.mktemp("rest"), free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith("FACTEUR_")},
        "FACTEUR_DATABASE_URL": f"postgresql://{config.database.user}@{config.database.host}:{config.database.port}/rest",
        # Blocks lie in Redis: not with those of all other tests.
        "FACTEUR_REDIS_URL": f"{os.environ['FACTEUR_REDIS_URL'].rpartition('/')[0]}/9",
        "FACTEUR_WEB_PORT": str(port),
        "FACTEUR_LISTEN": "127.0.0.1",
        "FACTEUR_PROCESSES": "2",
        "FACTEUR_API_PER_MINUTE": "1000000",
        "PYTHONPATH": str(ROOT),
    }
    health = f"http://127.0.0.1:{port}/healthz"
    web = Program("web", (str(PYTHON), "-m", "webadmin"), environment, health=health)
    supervisor = Supervisor([web], folder / "log", lambda _pids: None)
    with made_database(config, "rest"):
        manage(environment, "migrate", "--verbosity=0")
        number_from(config, OWN_KEYS)
        manage(environment, "first_administrator")
        token = manage(environment, "new_token", "admin", "rest").strip()
        number_from(config, 1)
        supervisor.start(["web"])
        try:
            yield Api(f"http://127.0.0.1:{port}/api/v1", token, supervisor.children[0].log)
        finally:
            supervisor.stop()


def test_nothing_breaks_it(api: Api, tmp_path: Path) -> None:
    shoot(api, tmp_path, SECONDS, "--exclude-path-regex", DOORS)


def test_nothing_breaks_what_lets_in_and_shuts_out(api: Api, tmp_path: Path) -> None:
    """Administrators and tokens come and go, while the tool's own stay out of its reach."""
    shoot(api, tmp_path, MORE_SECONDS, "--include-path-regex", DOORS)


def shoot(api: Api, folder: Path, seconds: int, *chosen: str) -> None:
    """Schemathesis makes requests from the schema, good ones and bad ones, and compares the answers with it."""
    (folder / "hooks.py").write_text(HOOKS)
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    done = subprocess.run(
        [
            VENV / "bin" / "st", "run", f"{api.url}/schema/", "--header", f"Authorization: Bearer {api.token}",
            "--checks", checks, "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "8",
            "--max-time", str(seconds), "--seed", "1", "--no-color",
            "--suppress-health-check", "all", "--warnings", "off", "--workers", "1", *chosen,
        ],
        cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:]
    assert "Traceback" not in api.log.read_text()
    # Whoever it signed in as is there still: it was not turned away all the time.
    asked = urllib.request.Request(f"{api.url}/tokens/", headers={"Authorization": f"Bearer {api.token}"})
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 200


def test_a_client_made_from_the_schema_works(api: Api, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("post_hooks: []\npackage_name_override: client\n")
    done = subprocess.run(
        [
            VENV / "bin" / "openapi-python-client", "generate", "--url", f"{api.url}/schema/?format=json",
            "--meta", "none", "--output-path", "client", "--config", "config.yaml", "--fail-on-warning",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    host = api.url.removesuffix("/api/v1")
    done = subprocess.run(
        [PYTHON, program, host, api.token], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("made.example.org 1\nalice@made.example.org True\n", 0), done.stderr


PROGRAM = """
import sys

from client import AuthenticatedClient
from client.api.accounts import accounts_create, accounts_partial_update, accounts_retrieve
from client.api.domains import domains_create, domains_list
from client.models import AccountRequest, DomainRequest, PatchedAccountRequest

with AuthenticatedClient(sys.argv[1], sys.argv[2], raise_on_unexpected_status=True) as api:
    domains_create.sync(client=api, body=DomainRequest(name="made.example.org"))
    found = domains_list.sync(client=api, name="made.example.org").results
    print(found[0].name, len(found))
    body = AccountRequest(address="alice@made.example.org", password="pw1")
    made = accounts_create.sync(client=api, body=body)
    accounts_partial_update.sync(made.id, client=api, body=PatchedAccountRequest(display_name="Alice"))
    account = accounts_retrieve.sync(made.id, client=api)
    print(account.address, account.display_name == "Alice")
"""
