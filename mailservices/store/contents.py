"""A message that came whole becomes a Content: its structure is read, its body made ready for the store."""

import asyncio
import mmap

from mailservices.mail import structure
from mailservices.mail.structure import Facts
from mailservices.store import bodies
from mailservices.store.delivery import Content
from mailservices.store.pool import Pool

#: The structure of a larger body is read in a thread.
THREAD_OCTETS = 2**20
#: Larger bodies that one process prepares at once: as much of each as is looked at counts as memory of ours.
LARGE_AT_ONCE = 3

_large = asyncio.Semaphore(LARGE_AT_ONCE)


async def prepare(
    pool: Pool,
    prefix: bytes,
    header: bytes,
    body: bytes | mmap.mmap,
    *,
    leaves: bool = False,
    needed: bool = True,
) -> tuple[Content, Facts]:
    """The content of prefix + header + body, and what is known of it.

    Args:
        leaves: no mailbox here gets it, so that nobody asks for its structure.
        needed: anybody gets it as it is; else no octet of its body is written.

    Raises:
        Unavailable: a large body could not be written.
    """
    head = prefix + header
    if leaves:
        facts = structure.little(header)
        stored = await bodies.keep(pool, body if needed else b"")
    elif len(body) > THREAD_OCTETS:
        async with _large:
            facts = await asyncio.to_thread(structure.read, head, body)
            stored = await bodies.keep(pool, body if needed else b"")
    else:
        facts = structure.read(head, body)
        stored = await bodies.keep(pool, body if needed else b"")
    return Content(prefix, header, stored, facts.envelope, facts.bodystructure, facts.sent_at), facts
