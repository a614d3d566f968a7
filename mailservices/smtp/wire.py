"""The wire under an SMTP session: aiosmtpd's protocol. The only file that knows aiosmtpd.

What aiosmtpd gives: the connection's life, STARTTLS in the middle of it, back-pressure of what is written. What it
is not asked for, since RFC 5321 and RFC 3461 want more than it does: reading lines and messages, every verb and
every reply. Those are ours, in protocols/smtp and in this room. Octets do not pass through its stream reader, and
one timer serves all reads of a connection: both would cost more than most commands.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiosmtpd.smtp import SMTP, TLSSetupException

from mailservices import log
from mailservices.mail import codes
from mailservices.net.connection import LINGER_LIMIT, PARTING_LIMIT, PARTING_OCTETS, plain_address
from mailservices.net.patience import Endless, Patience

#: Octets read ahead of what was asked for.
READ_AHEAD = 64 * 1024
#: Seconds for a client that does not take its replies.
WRITE_LIMIT = 120.0
#: Seconds from a connection, or from the start of TLS, to the first read.
CONNECTION_LIMIT = 300.0
#: Seconds after which the timer looks again, where it rang and nobody was waiting for the client.
BUSY_LIMIT = 1.0

_log = log.get()


class Closed(Exception):
    """The client is gone."""


class Wire(SMTP):
    """One client's connection. `converse` is the whole conversation on it."""

    line_length_limit = READ_AHEAD

    def __init__(
        self,
        converse: Callable[["Wire"], Awaitable[None]],
        loop: asyncio.AbstractEventLoop,
        hostname: str,
        context: ssl.SSLContext | None,
    ) -> None:
        super().__init__(None, hostname=hostname, loop=loop, tls_context=context)
        self._converse = converse
        #: The client's address where a balancer speaks for it; set before the connection is made.
        self.proxied: tuple[str, int] | None = None
        self._peer = ""
        self._gathered = bytearray()
        self._received = bytearray()
        self._eof = False
        #: Nothing is read from the client: it is ahead of us. (What `_paused` says, its base class needs.)
        self._held_off = False
        self._reading: asyncio.Future[None] | None = None
        #: When the client that is being read has been silent for too long, on the loop's clock.
        self._deadline = 0.0
        #: Between two commands: nothing is lost when the connection ends here.
        self.idle = True
        #: The service stops: no further command is begun.
        self.ending = False
        #: Who has signed in.
        self.account_id: int | None = None
        self.patience = Patience()
        #: When `read` returned last, on the monotonic clock.
        self.read_at = time.monotonic()

    # asyncio and aiosmtpd call these

    async def _handle_client(self) -> None:
        try:
            await self._converse(self)
        finally:
            self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Under TLS as well: what a client sent before is not looked at (RFC 3207 §4.2).
        self._received.clear()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > READ_AHEAD and not self._held_off:
            transport: Any = self.transport
            self._held_off = True
            transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """A client may stop writing and still wait for its replies; aiosmtpd would cancel the conversation."""
        self._eof = True
        self._wake()
        return not self.tls

    def connection_lost(self, error: Exception | None) -> None:
        self._eof = True
        super().connection_lost(error)

    def _wake(self) -> None:
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """The timer that runs is let run, unless it would ring too late."""
        self._deadline = self.loop.time() + (duration or CONNECTION_LIMIT)
        if self._timeout_handle is None or self._timeout_handle.when() > self._deadline:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_at(self._deadline, self._timeout_cb)

    def _timeout_cb(self) -> None:
        now = self.loop.time()
        if self._reading is None:
            self._deadline = now + BUSY_LIMIT
        if now < self._deadline:
            self._set_timer()
            return
        _log.info("client sent away", reason="silent")
        self.write(bytes(codes.TIMED_OUT))
        self.close()

    async def push(self, _status: str | bytes) -> None:
        """aiosmtpd says something itself only when it starts TLS."""
        self.write(bytes(codes.TLS_READY))
        await self.drain()

    async def handle_exception(self, error: Exception) -> str:
        raise error

    def dismiss(self) -> None:
        """The service stops (RFC 5321 §3.8)."""
        self.ending = True
        if self.idle:
            self.write(bytes(codes.SHUTTING_DOWN))
            self.close()

    # a session calls these

    @property
    def peer(self) -> str:
        """The client's IP address."""
        if not self._peer:
            found = self.proxied
            if found is None and self.transport is not None:
                found = self.transport.get_extra_info("peername")
            self._peer = plain_address(str(found[0])) if found else ""
        return self._peer

    @property
    def tls(self) -> str:
        """Version and cipher, such as "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty for plain text."""
        found: Any = self.transport.get_extra_info("cipher") if self.transport is not None else None
        return f"{found[1]} {found[0]}" if found else ""

    @property
    def secured(self) -> ssl.SSLObject | None:
        """TLS on this connection; None while there is none."""
        return self.transport.get_extra_info("ssl_object") if self.transport is not None else None

    async def read(self, limit: float) -> bytes:
        """The next octets; empty when the client has none any more.

        It is told to go if nothing whole came within so many seconds (net/patience.py).

        Raises:
            Endless: it sends, and nothing comes of it.
        """
        self._flush()
        if not self._received and not self._eof:
            self._reset_timeout(max(self.patience.left(limit), 0.001))
            await self._wait()
        self.read_at = time.monotonic()
        data = bytes(self._received)
        self._received.clear()
        if self._held_off:
            self._held_off = False
            transport: Any = self.transport
            if transport is not None:
                transport.resume_reading()
        self.patience.took(len(data))
        return data

    async def _wait(self) -> None:
        """Until something is there to be read."""
        self._reading = self.loop.create_future()
        try:
            await self._reading
        finally:
            self._reading = None

    async def is_silent(self, seconds: float) -> bool:
        """Whether the client says nothing for so long.

        Raises:
            Closed: it went away meanwhile.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._received:
                    if self._eof:
                        raise Closed
                    await self._wait()
        except TimeoutError:
            return True
        return False

    @property
    def buffered(self) -> bool:
        """Whether octets were received that nobody has read."""
        return bool(self._received)

    def write(self, octets: bytes) -> None:
        """Gathered until somebody drains, reads or closes: replies to pipelined commands leave together."""
        self._gathered += octets

    def _flush(self) -> None:
        if not self._gathered:
            return
        octets = bytes(self._gathered)
        self._gathered.clear()
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            transport.write(octets)

    async def drain(self) -> None:
        """Send what is written.

        Raises:
            Closed: the client is gone, or does not take its replies.
        """
        self._flush()
        transport: Any = self.transport
        if transport is not None and not transport.is_closing() and not transport.get_write_buffer_size():
            return
        try:
            async with asyncio.timeout(WRITE_LIMIT):
                await self._writer.drain()
        except TimeoutError as error:
            _log.info("client sent away", reason="takes no replies")
            self._abort()
            raise Closed from error
        except OSError as error:
            raise Closed from error

    async def last_words(self, octets: bytes) -> None:
        """Say why the client has to go, and hear it out for a moment, as net/connection.py explains."""
        self.write(octets)
        self._flush()
        if self.transport is None or self.transport.is_closing():
            return
        if self._writer.can_write_eof():
            self._writer.write_eof()
        self.patience.renew(PARTING_OCTETS)
        with suppress(Endless, OSError, TimeoutError):
            async with asyncio.timeout(PARTING_LIMIT):
                while await self.read(PARTING_LIMIT):
                    pass

    def close(self) -> None:
        """Send what is written, then close; a client that does not take it is not waited for."""
        self._flush()
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            if transport.get_write_buffer_size():
                self.loop.call_later(LINGER_LIMIT, transport.abort)
            transport.close()

    def _abort(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abort()

    async def start_tls(self) -> None:
        """Answer 220, then continue under TLS. The caller has made sure that nothing is buffered.

        Raises:
            Closed: the handshake failed.
        """
        try:
            await self.smtp_STARTTLS("")
        except (TLSSetupException, OSError) as error:
            _log.info("TLS failed", cause=type(error.__cause__ or error).__name__)
            raise Closed from error
