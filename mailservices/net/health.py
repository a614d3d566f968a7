"""/healthz and /metrics of a service: a few lines of HTTP on a port of their own.

Health is what a container engine or balancer asks: 200 where this process can do its work, 503 where it cannot.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, generate_latest, multiprocess

from mailservices.mail.errors import MailError

REQUEST_OCTETS = 8192
REQUEST_LIMIT = 10.0
#: Seconds that one check may take.
CHECK_LIMIT = 3.0
TEXT = "text/plain; version=0.0.4; charset=utf-8"

#: Name of what is checked -> raises unless it is well.
Checks = dict[str, Callable[[], Awaitable[object]]]


class Health:
    """Answers for one service. Without what is only `helpful` it does its work, slower: that is told, no more."""

    def __init__(self, checks: Checks, helpful: Checks | None = None) -> None:
        self.checks = checks
        self.helpful = helpful or {}

    def protocol(self) -> asyncio.StreamReaderProtocol:
        reader = asyncio.StreamReader(limit=REQUEST_OCTETS)
        return asyncio.StreamReaderProtocol(reader, self._answer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_LIMIT):
                request = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = await self._page(request.split(b" ", 2)[:2])
                head = (
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                    "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked does not want to know
        finally:
            writer.close()

    async def _page(self, request: list[bytes]) -> tuple[str, str, bytes]:
        match request:
            case [b"GET", b"/healthz"]:
                well, findings = await self.findings()
                return "200 OK" if well else "503 Service Unavailable", "application/json", findings
            case [b"GET", b"/metrics"]:
                return "200 OK", TEXT, metrics()
            case [b"GET", _]:
                return "404 Not Found", TEXT, b"There are /healthz and /metrics here.\n"
            case _:
                return "405 Method Not Allowed", TEXT, b"Only GET is known here.\n"

    async def findings(self) -> tuple[bool, bytes]:
        """Whether it can do its work, and a JSON object that says what is not well."""
        asked = {**self.checks, **self.helpful}
        states = dict(zip(asked, await asyncio.gather(*map(_state, asked.values())), strict=True))
        well = all(states[name] == "ok" for name in self.checks)
        slow = well and any(state != "ok" for state in states.values())
        status = ("degraded" if slow else "ok") if well else "failing"
        return well, json.dumps({"status": status, **states}).encode() + b"\n"


async def _state(check: Callable[[], Awaitable[object]]) -> str:
    try:
        async with asyncio.timeout(CHECK_LIMIT):
            await check()
    except TimeoutError:
        return "does not answer"
    except (MailError, OSError) as error:
        return "is not reachable" if isinstance(error, OSError) else "does not work"
    return "ok"


def metrics() -> bytes:
    """The counters of all processes of this service, in Prometheus's text form."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
