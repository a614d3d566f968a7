"""Clients that come through a balancer: the PROXY header is read before anything else, TLS included.

A configured balancer must send it; from anybody else nothing is read, and a header would be a client's first line.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from ssl import SSLContext

from mailservices import log
from mailservices.config import Network
from mailservices.mail.errors import ProtocolError
from mailservices.net import proxy_header
from mailservices.net.connection import plain_address
from mailservices.net.proxy_header import Client

#: Seconds for the header, and for a TLS handshake; clients that may be on their way in at once.
HEADER_LIMIT = 5.0
HANDSHAKE_LIMIT = 20.0
ENTERING = 2000

_log = log.get()


class Acceptor:
    """Takes the clients of one listening socket. Made inside the event loop."""

    def __init__(
        self,
        bound: socket.socket,
        factory: Callable[[], asyncio.BaseProtocol],
        tls: SSLContext | None,
        balancers: Sequence[Network],
    ) -> None:
        bound.setblocking(False)
        self._bound = bound
        self._factory = factory
        self._tls = tls
        self._balancers = balancers
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """No more clients."""
        self._accepting.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                client, address = await self._loop.sock_accept(self._bound)
            except OSError as error:
                # Such as no file left for it: others may go on meanwhile.
                _log.error("client not accepted", cause=type(error).__name__)
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(self._enter(client, str(address[0])))
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)
            while len(self._entering) > ENTERING:
                await asyncio.wait(self._entering, return_when=asyncio.FIRST_COMPLETED)

    async def _enter(self, client: socket.socket, address: str) -> None:
        try:
            spoken_for = await self._header(client) if self._is_balancer(address) else None
            await self._loop.connect_accepted_socket(
                lambda: self._make(spoken_for),
                client,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_LIMIT if self._tls else None,
            )
        except (OSError, ProtocolError, TimeoutError) as error:
            _log.info("client did not get in", peer=address, cause=type(error).__name__)
            client.close()

    def _make(self, spoken_for: Client | None) -> asyncio.BaseProtocol:
        protocol = self._factory()
        if spoken_for is not None:
            protocol.proxied = (spoken_for.address, spoken_for.port)  # type: ignore[attr-defined]
        return protocol

    def _is_balancer(self, address: str) -> bool:
        peer = ipaddress.ip_address(plain_address(address))
        return any(peer in network for network in self._balancers)

    async def _header(self, client: socket.socket) -> Client | None:
        async with asyncio.timeout(HEADER_LIMIT):
            fixed = await self._exactly(client, proxy_header.FIXED_OCTETS)
            if proxy_header.is_line(fixed):
                return proxy_header.parse_line(await self._line(client, fixed))
            rest = await self._exactly(client, proxy_header.rest_octets(fixed))
            return proxy_header.parse(fixed, rest)

    async def _exactly(self, client: socket.socket, count: int) -> bytes:
        """No octet more: what follows is the client's, and may be TLS."""
        octets = b""
        while len(octets) < count:
            more = await self._loop.sock_recv(client, count - len(octets))
            if not more:
                raise ProtocolError("The PROXY header is not whole.")
            octets += more
        return octets

    async def _line(self, client: socket.socket, begun: bytes) -> bytes:
        while not begun.endswith(b"\r\n"):
            if len(begun) >= proxy_header.LINE_OCTETS:
                raise ProtocolError("The PROXY header is too long.")
            begun += await self._exactly(client, 1)
        return begun.removesuffix(b"\r\n")
