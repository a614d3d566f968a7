"""A pytest plugin: the private PostgreSQL and Redis of a test run, up before Django reads its settings.

Processes of pytest-xdist find them running: the environment that the first process sets is theirs too.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from appliance import ROOT
from appliance.ports import free_port
from appliance.private import DATABASE, Private
from appliance.supervisor import Supervisor

FOLDER = Path(os.environ.get("FACTEUR_TEST_VAR") or ROOT / "var" / "test")
_MARK = "FACTEUR_TEST_SERVERS"

_supervisor: Supervisor | None = None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    start()
    return (yield)


def start() -> None:
    """Start both servers, unless they run, and point this process's environment at them."""
    global _supervisor
    if _MARK in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=_made(FOLDER)))
    private = Private(folder, free_port(), free_port(), fast=True)
    private.prepare()
    _supervisor = Supervisor(private.programs(), folder / "log", lambda _pids: None)
    _supervisor.start(["postgresql", "redis"])
    os.environ.update(private.environment())
    os.environ["FACTEUR_DATABASE_URL"] = os.environ["FACTEUR_DATABASE_URL"].removesuffix(DATABASE) + "postgres"
    os.environ["FACTEUR_HOSTNAME"] = "mail.facteur.test"
    os.environ["FACTEUR_WEB_HOSTS"] = "localhost 127.0.0.1 testserver"
    os.environ[_MARK] = str(folder)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pytest_unconfigure() -> None:
    stop()


def stop() -> None:
    """Stop the servers, if this process started them, and remove their folder."""
    if _supervisor is not None:
        _supervisor.stop()
        shutil.rmtree(os.environ[_MARK], ignore_errors=True)
