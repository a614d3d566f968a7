"""Who looks at which folder, in this process: nudges wake them, and a poll makes up for nudges that were lost.

One query asks for all folders that are watched, however many sessions watch them.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.net.nudges import POLL_SECONDS, UNHEARD, Nudges
from mailservices.store import mailboxes
from mailservices.store.pool import Pool

_log = log.get()


@dataclass(eq=False, slots=True)
class Watching:
    """One session's look at one folder."""

    account_id: int
    mailbox_id: int
    #: What it knows up to.
    known: Callable[[], int]
    #: Called with the folder's id when something is new.
    changed: Callable[[int], None]
    #: Called when something may be: nudges were not heard from the beginning.
    unsure: Callable[["Watching"], None] = field(init=False)

    def hear(self, mailbox_id: int, modseq: int) -> None:
        """A nudge for the account."""
        if modseq == UNHEARD:
            self.unsure(self)
        elif mailbox_id == 0 or (mailbox_id == self.mailbox_id and modseq > self.known()):
            self.changed(self.mailbox_id)


class Watch:
    """All that are watching. Made inside the event loop."""

    def __init__(self, pool: Pool, nudges: Nudges) -> None:
        self._pool = pool
        self._nudges = nudges
        self._watching: set[Watching] = set()
        self._listening: dict[Callable[[int, int], None], frozenset[int]] = {}
        self._unsure: set[Watching] = set()
        self._wake = asyncio.Event()
        self._tasks = [asyncio.create_task(task) for task in (self._poll_always(), self._look_always())]

    def start(self, watching: Watching) -> None:
        watching.unsure = self._look_soon
        self._watching.add(watching)
        self._nudges.watch(watching.account_id, watching.hear)

    def stop(self, watching: Watching) -> None:
        self._watching.discard(watching)
        self._unsure.discard(watching)
        self._nudges.unwatch(watching.account_id, watching.hear)

    def listen(self, account_ids: frozenset[int], hear: Callable[[int, int], None]) -> None:
        """Call this with (folder, modseq) for every folder of these accounts; (0, 0) means all of them."""
        before = self._listening.get(hear, frozenset())
        self._listening[hear] = account_ids
        for account_id in account_ids - before:
            self._nudges.watch(account_id, hear)
        for account_id in before - account_ids:
            self._nudges.unwatch(account_id, hear)

    def stop_listening(self, hear: Callable[[int, int], None]) -> None:
        for account_id in self._listening.pop(hear, frozenset()):
            self._nudges.unwatch(account_id, hear)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _poll_always(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            for hear in list(self._listening):
                hear(0, 0)
            try:
                await self._look(self._watching)
            except Unavailable:
                _log.warning("poll failed", watching=len(self._watching))

    def _look_soon(self, watching: Watching) -> None:
        self._unsure.add(watching)
        self._wake.set()

    async def _look_always(self) -> None:
        """Before the client asks: its first command waits for nothing."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            unsure, self._unsure = self._unsure, set()
            try:
                await self._look(unsure)
            except Unavailable:
                # Whoever asks next looks for himself, or is told that nobody can.
                for one in unsure & self._watching:
                    one.changed(one.mailbox_id)

    async def _look(self, at: Collection[Watching]) -> None:
        folders = {(one.account_id, one.mailbox_id) for one in at}
        modseqs = await mailboxes.modseqs(self._pool, sorted(folders))
        for one in list(at):
            # A folder that is not there any more is news, too.
            is_new = modseqs.get((one.account_id, one.mailbox_id), one.known() + 1) > one.known()
            if is_new and one in self._watching:
                one.changed(one.mailbox_id)
