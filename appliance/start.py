"""`make run`: the story of one start, from an empty folder to a served appliance and back."""

import fcntl
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from appliance import PYTHON, ROOT, Trouble, environment, plan, programs
from appliance.plan import PRIVATE_PORTS, Plan
from appliance.private import DATABASE, USER, Private
from appliance.supervisor import START_LIMIT, Program, Supervisor, say
from mailservices.config import PORTS

SERVICES = ("web", "smtp", "imap", "pop3", "worker", "beat")
#: Seconds between two looks at a database that recovers.
RECOVERY_PAUSE = 0.2
#: The listeners of appliance.json, as (address, port) pairs.
LISTENERS = ("smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s")


def run() -> None:
    """Start everything, tell where it is, and keep it running until a signal comes.

    Raises:
        Trouble: one clear sentence; nothing is left running.
    """
    chosen = plan.read(dict(PORTS))
    lock = _lock(chosen.folder)
    private = Private(chosen.folder, chosen.ports["database"], chosen.ports["redis"])
    environment.ensure_servers()
    private.prepare()
    variables = _environment(chosen, private)
    first = _FirstStart(chosen.folder / "secrets" / "administrator.json")
    supervisor = Supervisor(
        [*private.programs(), *(_service(name, chosen, variables) for name in SERVICES)],
        chosen.logs,
        lambda pids: _write_report(chosen, first, pids),
    )
    with supervisor:
        supervisor.start(["postgresql", "redis"])
        say("PostgreSQL and Redis are ready")
        _create_database(chosen, private)
        _manage(variables, "migrate", "--verbosity=0")
        _python(variables, "-m", "mailservices", "certificate")
        first.ensure(variables)
        say("The database is up to date")
        supervisor.start(list(SERVICES))
        supervisor.tell()
        print(_banner(chosen, first), flush=True)
        supervisor.watch()
        say("Stopping")
    lock.close()
    say(f"Stopped; the data is in {chosen.folder}")


def manage(arguments: list[str]) -> None:
    """Become Django's command line, towards the appliance that runs in this folder.

    Raises:
        Trouble: none does.
    """
    chosen = plan.read(dict(PORTS))
    try:
        report = json.loads(chosen.report.read_text())
    except (OSError, ValueError) as error:
        raise Trouble(f"No appliance runs in {chosen.folder}: start it with `make run`.") from error
    private = Private(chosen.folder, report["database"][1], report["redis"][1])
    command = [str(PYTHON), "-m", "webadmin.manage", *arguments]
    os.execve(PYTHON, command, {**os.environ, **_environment(chosen, private)})  # noqa: S606


def _lock(folder: Path) -> Any:
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle = (folder / "lock").open("a+")
    except OSError as error:
        raise Trouble(f"{folder} cannot be used as the data folder: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        raise Trouble(f"An appliance runs already in {folder} (process {handle.read().strip()}).") from error
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def _environment(chosen: Plan, private: Private) -> dict[str, str]:
    """What the services read; mailservices/config.py has the meaning of each."""
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("FACTEUR_") and not name.endswith(("_PORT", "_PORTS", "_VENV"))
    }
    tls = chosen.folder / "tls"
    spool = chosen.folder / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    return {
        **passed_on,
        **private.environment(),
        **{f"FACTEUR_{name.upper()}_PORT": str(chosen.ports[name]) for name in PORTS},
        "FACTEUR_HOSTNAME": chosen.hostname,
        "FACTEUR_LISTEN": os.environ.get("FACTEUR_LISTEN") or "127.0.0.1",
        "FACTEUR_REMOTE_SMTP_PORT": os.environ.get("FACTEUR_REMOTE_SMTP_PORT") or "25",
        "FACTEUR_PROCESSES": str(chosen.processes),
        "FACTEUR_SPOOL": str(spool),
        "FACTEUR_TLS_CERTIFICATE": os.environ.get("FACTEUR_TLS_CERTIFICATE") or str(tls / "certificate.pem"),
        "FACTEUR_TLS_KEY": os.environ.get("FACTEUR_TLS_KEY") or str(tls / "key.pem"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def _service(name: str, chosen: Plan, environment: dict[str, str]) -> Program:
    module = {"web": ("webadmin",), "worker": ("workers", "worker"), "beat": ("workers", "beat")}
    listening = {
        "web": ("web",),
        "smtp": ("smtp", "submission", "submissions", "lmtp", "smtp_health"),
        "imap": ("imap", "imaps", "imap_health"),
        "pop3": ("pop3", "pop3s", "pop3_health", *(["pop2"] if _pop2() else [])),
        "worker": ("worker_health",),
        "beat": ("beat_health",),
    }
    return Program(
        name=name,
        command=(str(PYTHON), "-m", *module.get(name, ("mailservices", name))),
        environment=environment,
        ports=tuple(chosen.ports[port] for port in listening[name]),
        health=_health(name, chosen),
    )


def _health(name: str, chosen: Plan) -> str:
    return f"http://127.0.0.1:{chosen.ports['web' if name == 'web' else name + '_health']}/healthz"


def _create_database(chosen: Plan, private: Private) -> None:
    server = programs.postgresql()
    if server is None:
        raise Trouble("No PostgreSQL server is installed here.")
    command = [
        server["createdb"], "--host=127.0.0.1", f"--port={chosen.ports['database']}", f"--username={USER}",
        DATABASE,
    ]  # fmt: skip
    variables = {**os.environ, "PGPASSWORD": private.secret("database_password"), "LC_ALL": "C"}
    deadline = time.monotonic() + START_LIMIT
    while True:
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        # After a crash it listens before it has put its files in order: "the database system is starting up".
        if "the database system is" not in done.stderr or time.monotonic() > deadline:
            break
        time.sleep(RECOVERY_PAUSE)
    if done.returncode and "already exists" not in done.stderr:
        raise Trouble(f"The database cannot be made: {done.stderr.strip()}")


def _manage(environment: dict[str, str], *arguments: str) -> str:
    return _python(environment, "-m", "webadmin.manage", *arguments)


def _python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(PYTHON), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
        raise Trouble(f"{' '.join(arguments[1:3])} failed: {last}")
    return done.stdout


class _FirstStart:
    """The first administrator and the token for scripts: made once, kept in one file of mode 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made = False
        self.facts: dict[str, Any] = {}

    def ensure(self, environment: dict[str, str]) -> None:
        told = _manage(environment, "first_administrator", "--json").strip()
        if told:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(told + "\n")
            self.made = True
        if self.path.exists():
            try:
                self.facts = json.loads(self.path.read_text())
            except ValueError as error:
                raise Trouble(
                    f"{self.path} is damaged: remove it to start without the first administrator's password and "
                    "API token in appliance.json (they stay valid)."
                ) from error


def _pop2() -> str:
    """How POP2 is spoken here, if at all: the services refuse to start with what is none of these words."""
    return {"tls": "TLS", "loopback": "for this machine only"}.get(os.environ.get("FACTEUR_POP2", "").lower(), "")


def _listeners() -> tuple[str, ...]:
    return (*LISTENERS, "pop2") if _pop2() else LISTENERS


def _write_report(chosen: Plan, first: _FirstStart, pids: dict[str, list[int]]) -> None:
    """var/appliance.json, for scripts. Replaced whole, readable by its owner only."""
    report = {
        "web": f"http://127.0.0.1:{chosen.ports['web']}",
        "api_token": first.facts.get("api_token"),
        "admin": {"username": first.facts.get("username"), "password": first.facts.get("password")},
        **{name: ["127.0.0.1", chosen.ports[name]] for name in (*_listeners(), *PRIVATE_PORTS)},
        "health": {name: _health(name, chosen) for name in SERVICES},
        "pids": pids,
    }
    new = chosen.report.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
    new.replace(chosen.report)


def _banner(chosen: Plan, first: _FirstStart) -> str:
    ports = chosen.ports
    lines = [
        "",
        "Facteur runs. Ctrl-C stops it; the data stays.",
        "",
        f"  Dashboard    http://127.0.0.1:{ports['web']}/",
        f"  API          http://127.0.0.1:{ports['web']}/api/v1/",
        f"  SMTP         127.0.0.1:{ports['smtp']}",
        f"  Submission   127.0.0.1:{ports['submission']} (STARTTLS), {ports['submissions']} (TLS)",
        f"  LMTP         127.0.0.1:{ports['lmtp']}",
        f"  IMAP         127.0.0.1:{ports['imap']} (STARTTLS), {ports['imaps']} (TLS)",
        f"  POP3         127.0.0.1:{ports['pop3']} (STLS), {ports['pop3s']} (TLS)",
        *([f"  POP2         127.0.0.1:{ports['pop2']} ({_pop2()})"] if _pop2() else []),
        f"  For scripts  {chosen.report}",
        f"  Logs         {chosen.logs}/",
        "",
    ]
    if first.made:
        lines += [
            f"  Administrator  {first.facts['username']}",
            f"  Password       {first.facts['password']}   (shown this once; change it in the dashboard)",
            "",
        ]
    return "\n".join(lines)
