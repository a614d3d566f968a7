"""Bodies in and out: immutable, in pieces of one mebibyte, each a zstd frame where that makes it smaller.

A body of one piece is written together with the message. A larger one is written before, in transactions of its
own, so that it holds up nobody else's commit; should the message never be committed, maintenance removes the
pieces that nothing refers to.
"""

import asyncio
import mmap
import tempfile
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, TypeAlias
from uuid import UUID

import zstandard

from mailservices.store.gathering import Gathering
from mailservices.store.ids import new_id
from mailservices.store.pool import Pool, connection
from mailservices.store.rows import Rows

#: Octets of a piece before compression.
PIECE_OCTETS = 2**20
#: Compression of more than this leaves the event loop.
THREAD_OCTETS = 64 * 1024
#: Fewer octets are not worth a frame.
LEAST_OCTETS = 200
_LEVEL = 3


class _Zstd(threading.local):
    """Each thread's own: one that two threads use at once writes damaged frames, as its manual warns."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False, write_content_size=True)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _Zstd()

_COLUMNS = ("blob_id", "piece", "zstd", "data")
INSERT_PIECE = "INSERT INTO mail_blob (blob_id, piece, zstd, data) VALUES ($1, $2, $3, $4)"
SELECT_PIECES = (
    "SELECT piece, zstd, data FROM mail_blob WHERE blob_id = $1 AND piece BETWEEN $2 AND $3 ORDER BY piece"
)
SELECT_SMALL = "SELECT blob_id, zstd, data FROM mail_blob WHERE blob_id = ANY($1::uuid[]) AND piece = 0"

#: Small bodies, read together with those that others ask for.
Smalls: TypeAlias = "Gathering[UUID, bytes]"


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is, or will be, in the store. `data` is its only piece where that is not written yet."""

    blob_id: UUID
    size: int
    zstd: bool = False
    data: bytes | None = None


async def keep(pool: Pool, body: bytes | mmap.mmap) -> Body:
    """Make a body ready to be committed with its message; write a large one now."""
    size = len(body)
    blob_id = new_id()
    if size <= PIECE_OCTETS:
        zstd, data = await _packed(bytes(body))
        return Body(blob_id, size, zstd, data)
    for piece, start in enumerate(range(0, size, PIECE_OCTETS)):
        zstd, data = await _packed(body[start : start + PIECE_OCTETS])
        if isinstance(body, mmap.mmap):
            # What is packed is not needed any more: the file keeps it, memory need not.
            body.madvise(mmap.MADV_DONTNEED, start, min(PIECE_OCTETS, size - start))
        async with connection(pool) as db:
            await db.execute(INSERT_PIECE, blob_id, piece, zstd, data)
    return Body(blob_id, size)


async def _packed(octets: bytes) -> tuple[bool, bytes]:
    if len(octets) > THREAD_OCTETS:
        return await asyncio.to_thread(pack, octets)
    return pack(octets)


def pack(octets: bytes) -> tuple[bool, bytes]:
    """Whether it is a zstd frame, and what to store."""
    if len(octets) < LEAST_OCTETS:
        return False, octets
    packed = _zstd.compressor.compress(octets)
    return (True, packed) if len(packed) < len(octets) else (False, octets)


def unpack(zstd: bool, data: bytes) -> bytes:
    return _zstd.decompressor.decompress(data) if zstd else data


def rows(bodies: Iterable[Body]) -> Rows:
    """The single pieces of these bodies that are not written yet; one that several share once."""
    unique = {body.blob_id: body for body in bodies if body.data is not None}
    return "mail_blob", _COLUMNS, [(body.blob_id, 0, body.zstd, body.data) for body in unique.values()]


async def to_file(pool: Pool, blob_id: UUID, size: int) -> IO[bytes]:
    """A large body as one, in a file without a name; whoever asked for it closes it."""
    # Closed by the caller, whose it is then.
    file = tempfile.TemporaryFile(prefix="body-")  # noqa: SIM115
    try:
        async for piece in read(pool, blob_id, 0, size):
            file.write(piece)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


async def read(pool: Pool, blob_id: UUID, start: int, end: int) -> AsyncIterator[bytes]:
    """The octets from start to end, piece by piece; one piece is in memory at a time."""
    for piece in range(start // PIECE_OCTETS, (max(end, start + 1) - 1) // PIECE_OCTETS + 1):
        async with connection(pool) as db:
            rows = await db.fetch(SELECT_PIECES, blob_id, piece, piece)
        for row in rows:
            octets = unpack(row["zstd"], row["data"])
            if len(octets) > THREAD_OCTETS:
                await asyncio.sleep(0)
            offset = piece * PIECE_OCTETS
            yield octets[max(0, start - offset) : max(0, end - offset)]


def smalls(pool: Pool) -> Smalls:
    """For one process: reads bodies of up to THREAD_OCTETS whole. Made inside the event loop."""
    return Gathering(partial(_read_small, pool))


async def _read_small(pool: Pool, blob_ids: Sequence[UUID]) -> list[bytes]:
    async with connection(pool) as db:
        rows = await db.fetch(SELECT_SMALL, list(set(blob_ids)))
    found = {row["blob_id"]: unpack(row["zstd"], row["data"]) for row in rows}
    return [found.get(blob_id, b"") for blob_id in blob_ids]
