"""One small supervisor: starts programs in order, waits until each is healthy, restarts what dies.

Each program has its own session, so that Ctrl-C reaches only the supervisor, and is told to stop when the
supervisor itself dies.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from appliance import Trouble

#: Seconds.
START_LIMIT = 90.0
STOP_LIMIT = 20.0
FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER = 0.5, 15.0, 30.0
#: A log grown past this is put aside at the next start.
LOG_OCTETS = 50 * 2**20

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to know that it serves."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Loopback ports that it binds: must be free before, and answer after.
    ports: tuple[int, ...] = ()
    #: A URL that answers 200 once it is healthy.
    health: str = ""
    stop: str = "SIGTERM"


class Child:
    """One program and the process that it runs as just now."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.pause = FIRST_PAUSE
        self.again_at = 0.0

    def start(self) -> None:
        with self._open_log() as log:
            self.process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**_plain_environment(), **self.program.environment},
                start_new_session=True,
                preexec_fn=_stop_with_parent(self.program.stop),  # noqa: PLW1509 - no threads here
            )
        self.started = time.monotonic()

    def _open_log(self) -> IO[bytes]:
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_OCTETS:
            self.log.replace(self.log.with_suffix(".log.1"))
        return self.log.open("ab")

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def healthy(self) -> bool:
        if self.program.health:
            return _answers(self.program.health)
        return all(_listens(port) for port in self.program.ports)

    def signal_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(getattr(signal, self.program.stop))

    def wait_stopped(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Runs programs until it is told to stop."""

    def __init__(
        self, programs: list[Program], logs: Path, changed: Callable[[dict[str, list[int]]], None]
    ) -> None:
        self.children = [Child(program, logs) for program in programs]
        self.changed = changed
        self.stopping = False
        self._order: list[list[Child]] = []
        self._told: dict[str, list[int]] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_requested)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _stop_requested(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def start(self, names: list[str]) -> None:
        """Start these, in parallel, and wait until all are healthy.

        Raises:
            Trouble: a port is taken, or a program ends or stays ill.
        """
        chosen = [child for child in self.children if child.program.name in names]
        for child in chosen:
            refuse_taken_ports(child.program)
        self._order.append(chosen)
        for child in chosen:
            child.start()
        deadline = time.monotonic() + START_LIMIT
        for child in chosen:
            while not child.healthy():
                if self.stopping:
                    raise KeyboardInterrupt
                if not child.running or time.monotonic() > deadline:
                    raise Trouble(
                        f"{child.program.name} does not start: {last_words(child.log)} (see {child.log})"
                    )
                time.sleep(0.05)
            if not child.running:
                raise Trouble(f"{child.program.name} ended at once: {last_words(child.log)} (see {child.log})")

    def watch(self) -> None:
        """Restart what dies, until a signal says stop."""
        while not self.stopping:
            now = time.monotonic()
            for child in self.children:
                self._look_after(child, now)
            self.tell()
            time.sleep(0.2)

    def _look_after(self, child: Child, now: float) -> None:
        if child.process is None:
            return
        if child.running:
            if now - child.started > STEADY_AFTER:
                child.pause = FIRST_PAUSE
        elif child.again_at == 0.0:
            say(f"{child.program.name} ended ({child.process.returncode}); starting it again")
            child.again_at = now + child.pause
            child.pause = min(child.pause * 2, LONGEST_PAUSE)
        elif now >= child.again_at:
            child.again_at = 0.0
            child.start()

    def tell(self) -> None:
        """Report process ids where they changed: each program's own first, then its children's."""
        pids = {child.program.name: process_ids(child.process.pid) for child in self.children if child.process}
        if pids != self._told:
            self._told = pids
            self.changed(pids)

    def stop(self) -> None:
        """Stop everything in reverse order of its start: the database last."""
        for children in reversed(self._order):
            deadline = time.monotonic() + STOP_LIMIT
            for child in children:
                child.signal_stop()
            for child in children:
                child.wait_stopped(deadline)


def refuse_taken_ports(program: Program) -> None:
    """Raises: Trouble: something listens already where the program wants to."""
    for port in program.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise Trouble(
                    f"Port {port} for {program.name} is taken on 127.0.0.1 ({error.strerror}): "
                    "stop what listens there, or choose another (docs/operating.md, Ports)."
                ) from error


def process_ids(pid: int) -> list[int]:
    """The process and its children, where the system tells (Linux); else the process alone."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *sorted(map(int, children))]


def last_words(log: Path) -> str:
    """The last complaint in a program's log: why it did not start."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    complaints = [line for line in lines[-50:] if "FATAL" in line or "rror" in line or "facteur:" in line]
    return (complaints or lines or ["it wrote nothing"])[-1].strip()[:300]


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def _plain_environment() -> dict[str, str]:
    """What a program inherits: nothing of ours but what `Program.environment` adds."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FACTEUR_")}


def _stop_with_parent(name: str) -> Callable[[], None] | None:
    """Linux: the child gets this signal when its parent dies, however it dies."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    number = int(getattr(signal, name))

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)

    return ask


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
