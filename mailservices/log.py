"""One JSON line per event on standard output; the connection's id and account ride along in context variables.

Rules: an event is a short fixed phrase with fields, never a sentence built of values. No secret, no message
content. What a client did wrong is `info`; what an operator must mend is `error`.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any, cast

import orjson
import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, FilteringBoundLogger

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_shared: list[Callable[..., Any]] = [
    merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    # No local variables: there are passwords among them.
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
]


def _service(name: str) -> Callable[[Any, str, EventDict], EventDict]:
    def add(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event["service"] = name
        return event

    return add


def _plain(value: Any) -> str:
    return str(value)


def _dump(event: dict[str, Any], **_options: Any) -> str:
    return orjson.dumps(event, default=_plain).decode()


def set_up(service: str, level: str) -> None:
    """Send this process's events, and those of libraries that use `logging`, to standard output as JSON."""
    processors = [*_shared, _service(service)]
    structlog.configure(
        processors=[*processors, structlog.processors.JSONRenderer(serializer=orjson.dumps, default=_plain)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*processors, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dump),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    # aiosmtpd tells every line of every conversation at info, passwords among them.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    # httpx tells of every request at info.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def get() -> FilteringBoundLogger:
    """A logger; its events carry what `context` bound."""
    return cast("FilteringBoundLogger", structlog.get_logger())


context = bound_contextvars


class ProcessLogger:
    """gunicorn's own words, as events of ours."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg
        self._log = logging.getLogger("gunicorn")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def info(self, *words: Any, **more: Any) -> None:
        self._log.debug(*words, **more)

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg

    def access(self, *_: Any) -> None:
        """Requests are counted, not told."""

    def reopen_files(self) -> None:
        """There are none."""

    def close_on_exec(self) -> None:
        """There is nothing to close."""
