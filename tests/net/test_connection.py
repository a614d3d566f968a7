"""A connection that is compressed: what it holds is bounded, whatever comes (RFC 4978)."""

import asyncio
import zlib
from typing import Any

import pytest

from mailservices.net.connection import READ_AHEAD, Connection
from mailservices.net.patience import Endless


class Wire(asyncio.Transport):
    """The far side: what was written to it, and whether anybody reads from it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reads = True
        self.closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True


class Silent(Connection):
    async def serve(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> Any:
    opened = Silent(asyncio.get_running_loop())
    opened.connection_made(wire)
    opened.start_deflate()
    yield opened
    assert opened._task is not None
    opened._task.cancel()
    await asyncio.wait([opened._task])


def packed(octets: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(octets) + packer.flush(zlib.Z_SYNC_FLUSH)


async def test_little_that_stands_for_much_is_held_as_it_came(connection: Silent, wire: Wire) -> None:
    connection.data_received(packed(bytes(20 * 2**20)))
    assert len(connection._buffer) <= 3 * READ_AHEAD
    assert not wire.reads
    connection.patience.renew(5 * 2**20)
    for _ in range(8):
        assert len(await connection.read(1)) <= 3 * READ_AHEAD
        assert not wire.reads
    # Nobody has to wait for the end of what has none.
    with pytest.raises(Endless):
        await read_all(connection)


async def read_all(connection: Silent) -> None:
    while await connection.read(1):
        pass


async def test_what_was_held_is_read_to_its_end(connection: Silent, wire: Wire) -> None:
    connection.data_received(packed(b"x" * 2**20))
    connection.eof_received()
    connection.patience.renew(2**20)
    read = b""
    while data := await connection.read(1):
        read += data
    assert read == b"x" * 2**20
    assert wire.reads


async def test_what_is_written_together_goes_out_together(connection: Silent, wire: Wire) -> None:
    connection.write(b"one ")
    connection.write(b"two")
    await asyncio.sleep(0)
    assert zlib.decompressobj(-15).decompress(wire.written) == b"one two"
    connection.write(b" three")
    connection.close()
    assert zlib.decompressobj(-15).decompress(wire.written) == b"one two three"


async def test_who_sends_damage_is_sent_away(connection: Silent, wire: Wire) -> None:
    connection.data_received(b"\xff" * 100)
    assert wire.closing
    assert await connection.read(1) == b""
