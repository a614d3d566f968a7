"""`python -m webadmin` serves pages and API by gunicorn, as many processes as are configured."""

import ctypes
import os
import signal
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webadmin.settings")

from gunicorn.app.base import BaseApplication

from mailservices import config as configuration
from mailservices import log
from mailservices.config import Config

THREADS = 8
#: Seconds for one request, and for those in flight when the service stops.
REQUEST_LIMIT = 60
DRAIN_LIMIT = 15
_PR_SET_PDEATHSIG = 1


class _Application(BaseApplication):
    def __init__(self, settings: Config) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.settings.listen}]" if ":" in self.settings.listen else self.settings.listen
        options = {
            "bind": f"{host}:{self.settings.ports['web']}",
            "workers": self.settings.processes,
            "threads": THREADS,
            # RFC 9110 §4.1 wants 8000 octets at least.
            "limit_request_line": 8190,
            "worker_class": "gthread",
            "timeout": REQUEST_LIMIT,
            "graceful_timeout": DRAIN_LIMIT,
            "proc_name": "facteur web",
            "control_socket_disable": True,
            "logger_class": log.ProcessLogger,
            "post_fork": _die_with_parent,
            # Containers give /dev/shm; elsewhere the default does.
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - heartbeats only
        }
        for option, value in options.items():
            self.cfg.set(option, value)  # type: ignore[union-attr]

    def load(self) -> Any:
        from webadmin.wsgi import application  # noqa: PLC0415 - in the worker, after the fork

        _begin_what_is_daily()
        return application


def _begin_what_is_daily() -> None:
    from webadmin.records import daily  # noqa: PLC0415 - models are there now

    daily.start()


def _die_with_parent(_arbiter: Any, _worker: Any) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    settings = configuration.load()
    log.set_up("web", settings.log_level)
    _Application(settings).run()


if __name__ == "__main__":
    main()
