"""Group commit: the one door by which messages enter mailboxes and the outgoing queue.

While one transaction is in flight, arrivals gather; the next transaction takes them all. Idle latency is one
commit; under load its cost is shared.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import asyncpg

from mailservices import log
from mailservices.mail.errors import MailError, NoSuchFolder, Unavailable
from mailservices.store import doubt, single
from mailservices.store.delivery import Delivery, Placed, stands, write
from mailservices.store.pool import Connection, Pool, acquired
from mailservices.store.queue import LeaseLost
from mailservices.store.reports import AlreadyReported
from mailservices.store.webhooks import Hooks

#: What one transaction takes at most.
BATCH_MESSAGES = 200
BATCH_OCTETS = 8 * 2**20
#: Arrivals that may wait; more are told to come back later.
WAITING_MESSAGES = 2000
#: Attempts when PostgreSQL itself resolves a conflict by refusing.
CONFLICT_ATTEMPTS = 3

_CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_ONES_OWN_FAULT = (
    NoSuchFolder, AlreadyReported, LeaseLost, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError,
)  # fmt: skip

_log = log.get()

#: Told (account, mailbox, modseq) after a commit, where something is new. Called in the event loop, must not wait.
Tell = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    done: asyncio.Future[list[Placed]]

    def end(self, result: list[Placed] | Exception) -> None:
        if self.done.done():
            return
        if isinstance(result, Exception):
            self.done.set_exception(result)
        else:
            self.done.set_result(result)


class Appender:
    """The one appender of a process. Made inside the event loop."""

    def __init__(self, pool: Pool, tell: Tell) -> None:
        self._pool = pool
        self._tell = tell
        self._hooks = Hooks(pool)
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._stopping = False
        #: Commits whose answer was lost.
        self._doubts: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Commit what waits, then end."""
        self._stopping = True
        self._wake.set()
        await self._task
        if self._doubts:
            await asyncio.wait(self._doubts)

    async def deliver(self, delivery: Delivery) -> list[Placed]:
        """Commit this delivery together with whatever else arrives now; returns after the commit.

        The placements come back in the order of the delivery's contents and their placements; none where the
        answer to a commit was lost, and the message is gone by the time that it is asked for again.

        Raises:
            MailboxFull, TooLargeForMailbox, NoSuchFolder: a placement is impossible; nothing was stored.
            AlreadyReported, LeaseLost: somebody else wrote the report that this delivery is, or has its message.
            Unavailable: the database did not confirm.
        """
        if len(self._waiting) >= WAITING_MESSAGES or self._stopping:
            raise Unavailable
        waiting = _Waiting(delivery, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.done

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if batch := self._take():
                    await self._commit_or_fail(batch)

    async def _commit_or_fail(self, batch: list[_Waiting]) -> None:
        try:
            alone = len(batch) == 1 and single.possible(batch[0].delivery)
            if not (alone and await self._commit_alone(batch[0])):
                await self._commit(batch)
        except Unavailable:  # nothing was sent; the log has the cause
            _fail(batch)
        except Exception as error:  # noqa: BLE001 - one batch's surprise must not end the appender
            _log.exception("delivery failed", error=type(error).__name__)
            _fail(batch)

    def _take(self) -> list[_Waiting]:
        octets = count = 0
        for waiting in self._waiting[:BATCH_MESSAGES]:
            octets += waiting.delivery.size
            if count and octets > BATCH_OCTETS:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return [waiting for waiting in batch if not waiting.done.cancelled()]

    async def _commit_alone(self, waiting: _Waiting) -> bool:
        """By one statement; False where that cannot be, and the whole transaction has to say why."""
        sent = False
        try:
            async with acquired(self._pool) as db:
                sent = True
                placed = await single.write(db, waiting.delivery)
        except (*_CONFLICTS, *_ONES_OWN_FAULT):
            return False
        except Exception as error:  # noqa: BLE001 - whatever it was, it may have been committed
            _log.error("commit failed", error=type(error).__name__, cause=str(error)[:300])
            if sent:
                self._wait_for(self._find_out_alone(waiting))
            else:
                _fail([waiting])
            return True
        if placed is None:
            return False
        self._tell_all([waiting], [[placed]])
        return True

    async def _commit(self, batch: list[_Waiting]) -> None:
        """One transaction for all; where it is refused for its content, one for each."""
        wanted = await self._wanted(batch)
        for attempt in range(1, CONFLICT_ATTEMPTS + 1):
            results: list[list[Placed] | MailError] = []
            try:
                async with acquired(self._pool) as db, db.transaction():
                    results = await write(db, [waiting.delivery for waiting in batch], wanted)
            except _CONFLICTS:
                if attempt == CONFLICT_ATTEMPTS:
                    raise
            except _ONES_OWN_FAULT as error:
                if len(batch) > 1:
                    for waiting in batch:
                        await self._commit_or_fail([waiting])
                else:
                    self._refuse(batch[0], error)
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, COMMIT may have been sent
                _log.error("commit failed", error=type(error).__name__, cause=str(error)[:300])
                if results:
                    self._wait_for(self._find_out(batch, results))
                else:
                    _fail(batch)
                return
            else:
                self._tell_all(batch, results)
                return

    async def _wanted(self, batch: list[_Waiting]) -> frozenset[str]:
        """What hooks are to be told of, where something goes into the queue or out of it."""
        if any(any(waiting.delivery.leaving()) or waiting.delivery.settlement for waiting in batch):
            return await self._hooks.wanted()
        return frozenset()

    def _wait_for(self, finding_out: Coroutine[None, None, None]) -> None:
        """COMMIT was sent, but no answer came: whoever waits for it waits on, and others go on meanwhile."""
        task = asyncio.create_task(finding_out)
        self._doubts.add(task)
        task.add_done_callback(self._doubts.discard)

    async def _find_out(self, batch: list[_Waiting], results: list[list[Placed] | MailError]) -> None:
        deliveries = [waiting.delivery for waiting in batch]
        if await doubt.stands(self._pool, lambda db: stands(db, deliveries)):
            self._tell_all(batch, results)
        else:
            _fail(batch)

    async def _find_out_alone(self, waiting: _Waiting) -> None:
        placed: list[Placed] = []

        async def ask(db: Connection) -> bool:
            if not await stands(db, [waiting.delivery]):
                await single.bar(db, waiting.delivery)
                return False
            placed[:] = await single.find(db, waiting.delivery)
            return True

        if await doubt.stands(self._pool, ask):
            self._tell_all([waiting], [placed])
        else:
            _fail([waiting])

    def _refuse(self, waiting: _Waiting, error: Exception) -> None:
        if isinstance(error, asyncpg.PostgresError):
            _log.error("delivery refused", error=type(error).__name__, cause=str(error)[:300])
            error = Unavailable()
        waiting.end(error)

    def _tell_all(self, batch: list[_Waiting], results: list[list[Placed] | MailError]) -> None:
        for waiting, result in zip(batch, results, strict=True):
            waiting.end(result)
            for where in result if isinstance(result, list) else ():
                self._tell(where.account_id, where.mailbox_id, where.modseq)


def _fail(batch: list[_Waiting]) -> None:
    """Let all of them try again later."""
    for waiting in batch:
        waiting.end(Unavailable())
