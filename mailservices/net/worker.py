"""Service processes: gunicorn's arbiter around an asyncio loop of ours.

The arbiter forks the workers, restarts dead and hung ones, reloads on HUP without dropping a listener, and drains
on TERM. A worker serves its share of the clients of all listeners, and answers /healthz and /metrics on one more.
"""

import asyncio
import ctypes
import gc
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Protocol

import uvloop
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from mailservices import log
from mailservices.config import Config
from mailservices.net.proxy import HANDSHAKE_LIMIT, Acceptor

#: Seconds: between two signs of life, until a silent worker is killed, and for sessions to end.
HEARTBEAT = 1.0
HANG_LIMIT = 30
DRAIN_LIMIT = 15
BACKLOG = 2048

_PR_SET_PDEATHSIG = 1
#: glibc's mallopt(3): blocks above this come from the system, and go back to it. Left alone, it would keep what
#: each check of a password takes.
_M_MMAP_THRESHOLD = -3
GIVEN_BACK_OCTETS = 8 * 2**20
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_log = log.get()


@dataclass(frozen=True, slots=True)
class Listener:
    """One port: what speaks on it, and whether it speaks TLS from the first octet."""

    port: int
    factory: Callable[[], asyncio.BaseProtocol]
    tls: SSLContext | None = None
    #: Whether a balancer may stand before it.
    proxied: bool = True


class Service(Protocol):
    """What a worker serves. Made in the worker, inside its event loop."""

    async def start(self) -> Sequence[Listener]:
        """Open what is needed; the listeners come in the order of the ports that the arbiter bound."""

    async def stop(self) -> None:
        """Tell every client, wait for what is in flight, close everything."""


def run(name: str, config: Config, ports: Sequence[int], service: Callable[[Config], Service]) -> None:
    """Serve until told to stop."""
    log.set_up(name, config.log_level)
    _Application(name, config, ports, service).run()


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Where the workers' counters lie, so that any of them can tell the sum of all."""
    made = METRICS_FOLDER not in os.environ
    folder = os.environ.setdefault(METRICS_FOLDER, "") or tempfile.mkdtemp(prefix="facteur-metrics-")
    os.environ[METRICS_FOLDER] = folder
    maker = os.getpid()
    try:
        yield
    finally:
        # A worker that ends passes here too, but the others go on counting.
        if made and os.getpid() == maker:
            shutil.rmtree(folder, ignore_errors=True)


def take_files() -> None:
    """A client is a file: as many as this process may ask for, where it was given fewer."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):  # such as a system that says "no limit" and means its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_what_stands() -> None:
    """What a process has made by its start stays: nobody looks for garbage in it again, while its clients wait."""
    gc.collect()
    gc.freeze()


class _Application(BaseApplication):
    def __init__(
        self, name: str, config: Config, ports: Sequence[int], service: Callable[[Config], Service]
    ) -> None:
        self.name = name
        self.settings = config
        self.ports = ports
        self.service = service
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.settings.listen}]" if ":" in self.settings.listen else self.settings.listen
        options = {
            "bind": [f"{host}:{port}" for port in self.ports],
            "workers": self.settings.processes,
            "worker_class": MailWorker,
            "timeout": HANG_LIMIT,
            "graceful_timeout": DRAIN_LIMIT + 2,
            "backlog": BACKLOG,
            "proc_name": f"facteur {self.name}",
            "logger_class": log.ProcessLogger,
            "control_socket_disable": True,
            "child_exit": _forget_counters,
        }
        for option, value in options.items():
            self.cfg.set(option, value)  # type: ignore[union-attr]

    def load(self) -> Callable[[Config], Service]:
        return self.service


def _forget_counters(_arbiter: Any, worker: Any) -> None:
    from prometheus_client import multiprocess  # noqa: PLC0415 - reads the folder's name when it is imported

    multiprocess.mark_process_dead(worker.pid)


class MailWorker(Worker):
    """One process: an event loop over the arbiter's listening sockets."""

    def init_process(self) -> None:
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            with suppress(AttributeError):  # not every C library has it
                libc.mallopt(_M_MMAP_THRESHOLD, GIVEN_BACK_OCTETS)
        super().init_process()

    def init_signals(self) -> None:
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, stop.set)
        service: Service = self.wsgi(self.app.settings)
        listeners = await service.start()
        servers = [
            await self._open(loop, listener, bound.sock)
            for listener, bound in zip(listeners, self.sockets, strict=True)
        ]
        keep_what_stands()
        _log.info("worker started", pid=os.getpid())
        while not stop.is_set() and os.getppid() == self.ppid:
            self.notify()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HEARTBEAT)
        for server in servers:
            server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(service.stop(), DRAIN_LIMIT)
        _log.info("worker stopped", pid=os.getpid())

    async def _open(
        self, loop: asyncio.AbstractEventLoop, listener: Listener, bound: socket.socket
    ) -> asyncio.Server | Acceptor:
        balancers = self.app.settings.proxy_from
        if balancers and listener.proxied:
            return Acceptor(bound, listener.factory, listener.tls, balancers)
        return await loop.create_server(
            listener.factory, sock=bound, ssl=listener.tls, backlog=BACKLOG,
            ssl_handshake_timeout=None if listener.tls is None else HANDSHAKE_LIMIT,
        )  # fmt: skip
