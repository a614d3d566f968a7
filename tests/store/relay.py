"""A way to PostgreSQL that breaks where it hurts most: around a commit."""

import asyncio
import dataclasses
from typing import Self

from mailservices.config import Config, Database


class Relay:
    """Between a pool and PostgreSQL: breaks the connection when a commit passes, before it or behind it.

    `commit` are octets by which it is known. With `late`, it reaches PostgreSQL some time after the near side has
    lost its connection.
    """

    def __init__(self, config: Config, *, passes: bool, late: float = 0.0, commit: bytes = b"COMMIT") -> None:
        self.config, self.passes, self.late, self.commit, self.broken = config, passes, late, commit, False
        self.address: tuple[str, int] = ("", 0)
        self._carrying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.address = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._carrying)

    def database(self) -> Database:
        return dataclasses.replace(self.config.database, host=self.address[0], port=self.address[1])

    async def _carry(self, near: asyncio.StreamReader, nearer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._carrying.add(task)
        there = self.config.database
        far, farther = await asyncio.open_connection(there.host, there.port)
        back = asyncio.create_task(self._copy(far, nearer))
        while octets := await near.read(65536):
            if self.commit in octets and not self.broken:
                self.broken = True
                nearer.transport.abort()
                if not self.passes:
                    break
                await asyncio.sleep(self.late)
            farther.write(octets)
        await farther.drain()
        farther.close()
        await back

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65536):
            if not writer.is_closing():
                writer.write(octets)
        writer.close()
