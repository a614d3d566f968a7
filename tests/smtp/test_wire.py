"""The wire keeps pace with its client, both ways."""

import asyncio
import socket
from typing import Any

from mailservices.smtp.wire import READ_AHEAD, Wire

PIECE = b"x" * 65536
#: Octets of a client that sends and sends.
MUCH = 32 * 2**20


async def test_whoever_takes_no_replies_is_read_no_further() -> None:
    """Neither what it sends nor what it is sent fills the memory."""
    loop, seen, ended = asyncio.get_running_loop(), [0, 0], asyncio.Event()
    transports: list[Any] = []

    async def converse(wire: Wire) -> None:
        transport: Any = wire.transport
        transports.append(transport)
        wire.patience.renew(MUCH)
        try:
            await talk(wire, transport)
        finally:
            ended.set()

    async def talk(wire: Wire, transport: Any) -> None:
        while await wire.read(30):
            wire.write(PIECE)
            await wire.drain()
            seen[0] = max(seen[0], transport.get_write_buffer_size())
            seen[1] += 1

    server = await loop.create_server(lambda: Wire(converse, loop, "mx.test", None), "127.0.0.1", 0)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await loop.sock_connect(client, server.sockets[0].getsockname())
        sending = asyncio.create_task(loop.sock_sendall(client, b"y" * MUCH))
        await asyncio.wait({sending}, timeout=2)
        assert not sending.done()
        assert seen[0] <= 2 * len(PIECE)
        assert seen[1] * READ_AHEAD < MUCH
        sending.cancel()
        await asyncio.wait({sending})
    transports[0].abort()
    await ended.wait()
    server.close()
    await server.wait_closed()


async def test_a_client_that_was_read_slowly_loses_nothing() -> None:
    loop, heard = asyncio.get_running_loop(), bytearray()
    done = asyncio.Event()

    async def converse(wire: Wire) -> None:
        wire.patience.renew(MUCH)
        while octets := await wire.read(30):
            heard.extend(octets)
            await asyncio.sleep(0)
        wire.write(b"%d" % len(heard))
        await wire.drain()
        done.set()

    server = await loop.create_server(lambda: Wire(converse, loop, "mx.test", None), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"y" * (4 * 2**20))
    writer.write_eof()
    assert await reader.read() == b"%d" % (4 * 2**20)
    await done.wait()
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
