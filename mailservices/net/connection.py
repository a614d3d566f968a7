"""One client's bytes, in and out: an asyncio protocol small enough for thousands of idle clients.

It knows nothing of what is said. Reading stops while the server is behind (back-pressure towards the client), and
`drain` waits while the client is behind, so that neither can make the other's memory grow.
"""

import asyncio
import ipaddress
import ssl
from contextlib import suppress
from functools import lru_cache
from typing import cast

from mailservices import log
from mailservices.net.deflate import Damaged, Deflate
from mailservices.net.patience import Endless, Patience

#: Octets received but not yet read, above which the socket is left alone.
READ_AHEAD = 128 * 1024
#: Octets written but not yet taken, above which `drain` waits.
WRITE_AHEAD = 512 * 1024
#: Octets that are not kept any longer for what else is said in the same breath.
GATHERED_OCTETS = 16 * 1024
#: Seconds for a TLS handshake.
HANDSHAKE_LIMIT = 20.0
#: Seconds for a client that does not take what it asked for.
WRITE_LIMIT = 300.0
#: Seconds for it to take the last of it once the connection is being closed.
LINGER_LIMIT = 30.0
#: Seconds for which a client that is sent away is still heard.
PARTING_LIMIT = 2.0
#: Octets that may come meanwhile: more than the two sockets hold, for those were sent before it could know.
PARTING_OCTETS = 16 * 2**20
#: Addresses of which it is known whether they are this machine's.
KNOWN_ADDRESSES = 1024

_log = log.get()


class TimedOut(Exception):
    """The client said nothing for too long."""


class Closed(Exception):
    """The client is gone, or does not take its answers."""


class Connection(asyncio.Protocol):
    """Subclasses say in `serve` what happens on it, in one task from connect to close."""

    __slots__ = (
        "_buffer", "_deflate", "_drained", "_eof", "_gathered", "_octets", "_paused", "_reader", "_task", "_timer",
        "loop", "patience", "peer", "port", "proxied", "tls", "transport",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        #: The client's IP address and port.
        self.peer = ""
        self.port = 0
        self.tls = False
        #: The client's address where a balancer speaks for it; set before the connection is made.
        self.proxied: tuple[str, int] | None = None
        self.patience = Patience()
        self._buffer = bytearray()
        self._eof = False
        #: What was written and has not gone out, and how much that is.
        self._gathered: list[bytes] = []
        self._octets = 0
        self._deflate: Deflate | None = None
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """The whole conversation."""
        raise NotImplementedError

    def lost(self) -> None:
        """Called once, after the conversation's task has ended."""

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_AHEAD)
        peer = self.proxied or transport.get_extra_info("peername") or ("", 0)
        self.peer, self.port = plain_address(str(peer[0])), int(peer[1])
        self.tls = transport.get_extra_info("ssl_object") is not None
        self._task = self.loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self.serve()
        finally:
            self.close()
            self.lost()

    def data_received(self, data: bytes) -> None:
        if self._deflate is not None:
            self._deflate.receive(data)
            self._inflate()
        else:
            self._buffer += data
        if len(self._buffer) > READ_AHEAD and self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def _inflate(self) -> None:
        """As much of what came compressed as may be read ahead; the rest waits as it is."""
        deflate = self._deflate
        if deflate is None:
            return
        try:
            while len(self._buffer) <= READ_AHEAD and (data := deflate.unpacked(READ_AHEAD)):
                self._buffer += data
        except Damaged:
            _log.info("client sent away", reason="damaged compression")
            self._eof = True
            self.abort()

    def eof_received(self) -> bool:
        self._eof = True
        self._wake()
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self._eof = True
        self._wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def pause_writing(self) -> None:
        if self._drained is None or self._drained.done():
            self._drained = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # servers call these

    @property
    def secured(self) -> ssl.SSLObject | None:
        """TLS on this connection; None while there is none."""
        return self.transport.get_extra_info("ssl_object") if self.transport is not None else None

    async def read(self, limit: float) -> bytes:
        """What the client sent; empty at its end.

        Raises:
            TimedOut: nothing whole came within so many seconds (net/patience.py).
            Endless: it sends, and nothing comes of it.
        """
        while not self._buffer and not self._eof:
            await self.wait(self.patience.left(limit))
        data = bytes(self._buffer)
        self._buffer.clear()
        self.patience.took(len(data))
        self._inflate()
        if self._paused and self.transport is not None and len(self._buffer) <= READ_AHEAD:
            self._paused = False
            self.transport.resume_reading()
        return data

    async def wait(self, limit: float) -> None:
        """Until the client sends something, goes, or `interrupt` is called.

        Raises:
            TimedOut: nothing of that within so many seconds.
        """
        if self._buffer or self._eof:
            return
        self._flush()
        self._reader = self.loop.create_future()
        timer = self.loop.call_later(limit, self._time_out, self._reader)
        try:
            await self._reader
        finally:
            timer.cancel()
            self._reader = None

    def interrupt(self) -> None:
        """Let `wait` return."""
        self._wake()

    def _time_out(self, reader: asyncio.Future[None]) -> None:
        if not reader.done():
            reader.set_exception(TimedOut())

    def write(self, data: bytes) -> None:
        """What is said before anything is waited for leaves together: each packet costs more than its octets."""
        if self.transport is None or self.transport.is_closing():
            return
        if not self._gathered:
            self.loop.call_soon(self._flush)
        self._gathered.append(data)
        self._octets += len(data)
        if self._octets >= GATHERED_OCTETS:
            self._flush()

    def _flush(self) -> None:
        """Send what was gathered."""
        transport, gathered = self.transport, self._gathered
        if not gathered or transport is None or transport.is_closing():
            return
        self._gathered, self._octets = [], 0
        if self._deflate is None:
            transport.writelines(gathered)
        else:
            transport.write(self._deflate.packed(b"".join(gathered)))

    def start_deflate(self) -> None:
        """Compress what is written from here on, and take what comes for compressed (RFC 4978 §3)."""
        self._flush()
        self._deflate = Deflate()

    @property
    def compressed(self) -> bool:
        return self._deflate is not None

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written.

        Raises:
            Closed: it is gone, or took nothing for too long.
        """
        if self._drained is not None and not self._drained.done():
            try:
                async with asyncio.timeout(WRITE_LIMIT):
                    await asyncio.shield(self._drained)
            except TimeoutError as error:
                _log.info("client sent away", reason="takes no answers")
                self.abort()
                raise Closed from error
        if self.transport is None or self.transport.is_closing():
            raise Closed

    @property
    def readable(self) -> bool:
        """Whether `read` would return at once."""
        return bool(self._buffer) or self._eof

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Continue under TLS. The caller has made sure that nothing is buffered (RFC 3207 §4.2).

        Raises:
            Closed: the handshake failed.
        """
        if self.transport is None:
            raise Closed
        self._flush()
        try:
            transport = await self.loop.start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_LIMIT
            )
        except (OSError, ssl.SSLError, TimeoutError, ConnectionError) as error:
            _log.info("TLS failed", cause=type(error).__name__)
            raise Closed from error
        if transport is None:
            raise Closed
        self.transport = transport
        self.tls = True

    async def last_words(self, octets: bytes) -> None:
        """Say why the client has to go, and hear it out for a moment.

        To close while octets are unread would reset the connection, and take the words with it
        (RFC 1122 §4.2.2.13).
        """
        self.write(octets)
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._flush()
        if transport.can_write_eof():
            transport.write_eof()
        self.patience.renew(PARTING_OCTETS)
        with suppress(TimedOut, Endless, TimeoutError):
            async with asyncio.timeout(PARTING_LIMIT):
                while await self.read(PARTING_LIMIT):
                    pass

    def close(self) -> None:
        """Send what is written, then close; a client that does not take it is not waited for."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            self._flush()
            if transport.get_write_buffer_size():
                self.loop.call_later(LINGER_LIMIT, transport.abort)
            transport.close()

    def abort(self) -> None:
        """Close without waiting for the client."""
        if self.transport is not None:
            self.transport.abort()


def plain_address(address: str) -> str:
    """An IPv4 client of an IPv6 socket looks like ::ffff:192.0.2.1: the address without its wrapping."""
    if address.startswith("::ffff:"):
        return address.removeprefix("::ffff:")
    return address.partition("%")[0]


@lru_cache(KNOWN_ADDRESSES)
def is_loopback(address: str) -> bool:
    """Whether the client is on this very machine; what is no address is not."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
