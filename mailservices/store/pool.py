"""Connections to PostgreSQL: one small pool per process, short limits, and one error for whatever fails.

Only this room opens transactions, and nothing in it writes to a client's socket: handlers never see a connection.
Limits hold on both sides, so that a statement that the client gave up is not carried out later.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from mailservices import log
from mailservices.config import Database
from mailservices.mail.errors import Unavailable

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

#: Connections of one process; sessions hold none while they wait.
CONNECTIONS = 8
#: Statements that one connection keeps prepared.
PREPARED_STATEMENTS = 512
#: Seconds.
CONNECT_LIMIT = 5.0
ACQUIRE_LIMIT = 10.0
STATEMENT_LIMIT = 15.0
LOCK_LIMIT = 10.0
#: How long those stay open that nobody wants, but for the last.
IDLE_LIMIT = 120.0
#: Below this the numbers of types are the same in every PostgreSQL (its FirstGenbkiObjectId).
FIXED_TYPES = 10_000

_SETTINGS = {
    "application_name": "facteur",
    "statement_timeout": f"{STATEMENT_LIMIT:.0f}s",
    "lock_timeout": f"{LOCK_LIMIT:.0f}s",
    "idle_in_transaction_session_timeout": f"{2 * STATEMENT_LIMIT:.0f}s",
    "tcp_user_timeout": f"{STATEMENT_LIMIT:.0f}s",
    "jit": "off",
    # Statements are written so that one plan is right for all arguments: planning took longer than most of them.
    "plan_cache_mode": "force_generic_plan",
    # Likewise for whatever size of a table: a plan that was made while it was empty is kept until it is analysed.
    "enable_seqscan": "off",
    # How like a word must be: a letter more or less in a short one, but not the first two of three alone.
    "pg_trgm.word_similarity_threshold": "0.55",
}

#: What a database that is away, overloaded or restarting may raise through the driver.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

_log = log.get()
#: Fixed numbers of types -> what the driver was told of them.
_known_types: dict[frozenset[int], Sequence[Any]] = {}


class Pool:
    """The connections of one process, opened when they are needed; who finds all of them taken waits for one.

    It is ours because each statement asks it: the driver's own takes longer than most statements do.
    """

    def __init__(self, connect: Callable[[], Coroutine[Any, Any, Connection]], most: int) -> None:
        self._connect = connect
        self._most = most
        self._loop = asyncio.get_running_loop()
        #: Those that nobody has, and since when; the last one is taken first.
        self._idle: list[tuple[float, Connection]] = []
        #: How many there are, with those that are being opened.
        self._count = 0
        #: Who waits for a connection, or for leave to open one.
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._tidying: asyncio.TimerHandle | None = None
        self._closing = False
        #: One was closed.
        self._closed = asyncio.Event()

    async def acquire(self) -> Connection:
        """A connection that is nobody else's until `release`.

        Raises:
            TimeoutError: all are taken, for too long.
            ConnectionError: the pool is closed.
            Exception: whatever the driver raises where it cannot connect.
        """
        if self._closing:
            raise ConnectionError("the pool is closed")
        while self._idle:
            _, db = self._idle.pop()
            if not db.is_closed():
                return db
            self._count -= 1
        if self._count < self._most:
            self._count += 1
        elif (given := await self._wait()) is not None:
            return given
        try:
            return await self._connect()
        except BaseException:
            self._gone()
            raise

    async def _wait(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(ACQUIRE_LIMIT):
                return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                # It came just as nobody waited any more.
                given = waiter.result()
                if given is None:
                    self._gone()
                else:
                    self.release(given)
            raise

    def release(self, db: Connection) -> None:
        """Give a connection back; one that is not as it was taken is closed."""
        if self._closing or db.is_closed() or db.is_in_transaction():
            db.terminate()
            self._gone()
        elif not self._hand_on(db):
            self._idle.append((self._loop.time(), db))
            if self._tidying is None and len(self._idle) > 1:
                self._tidying = self._loop.call_later(IDLE_LIMIT, self._tidy)

    def _gone(self) -> None:
        """There is one less: somebody else may open another."""
        if not self._hand_on(None):
            self._count -= 1
            self._closed.set()

    def _hand_on(self, db: Connection | None) -> bool:
        """Whether somebody waits for it."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(db)
                return True
        return False

    def _tidy(self) -> None:
        """The last one stays: to open another takes ten times as long as what somebody will ask after a while."""
        now = self._loop.time()
        while len(self._idle) > 1 and self._idle[0][0] + IDLE_LIMIT <= now:
            self._idle.pop(0)[1].terminate()
            self._count -= 1
        pause = self._idle[0][0] + IDLE_LIMIT - now if self._idle else 0.0
        self._tidying = self._loop.call_later(pause, self._tidy) if len(self._idle) > 1 else None

    async def close(self) -> None:
        """Close those that nobody has, and the others as they are given back; waits for them."""
        self._closing = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(ConnectionError("the pool is closed"))
        if self._tidying is not None:
            self._tidying.cancel()
        while self._idle:
            self._idle.pop()[1].terminate()
            self._count -= 1
        with suppress(TimeoutError):
            async with asyncio.timeout(STATEMENT_LIMIT):
                while self._count:
                    self._closed.clear()
                    await self._closed.wait()


async def open_pool(database: Database, service: str, connections: int = CONNECTIONS) -> Pool:
    """A pool that connects when it is first needed, so that a service may start before its database."""
    return Pool(partial(_connect, database, service), connections)


class _Connection(Connection):
    """Knows the types that others of the process have asked about.

    The driver asks about every kind of array once in each connection, for longer than most statements take.
    """

    __slots__ = ()

    async def _introspect_types(self, numbers: Iterable[int], limit: float | None) -> tuple[Sequence[Any], Any]:
        wanted = frozenset(numbers)
        if wanted in _known_types:
            # What has a name leaves the statement alone that is being prepared.
            return _known_types[wanted], SimpleNamespace(name="known")
        found: tuple[Sequence[Any], Any] = await super()._introspect_types(wanted, limit)  # type: ignore[misc]
        if max(wanted) < FIXED_TYPES:
            _known_types[wanted] = found[0]
        return found


async def _connect(database: Database, service: str) -> Connection:
    return await asyncpg.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.name,
        timeout=CONNECT_LIMIT,
        command_timeout=STATEMENT_LIMIT,
        statement_cache_size=PREPARED_STATEMENTS,
        connection_class=_Connection,
        server_settings={**_SETTINGS, "application_name": f"facteur {service}"},
    )


@asynccontextmanager
async def acquired(pool: Pool) -> AsyncIterator[Connection]:
    """A connection, waited for no longer than its limit; what the driver raises comes out."""
    db = await pool.acquire()
    try:
        yield db
    finally:
        pool.release(db)


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """A connection for single statements.

    Raises:
        Unavailable: the database did not answer, or refused. The cause is in the log.
    """
    try:
        async with acquired(pool) as db:
            yield db
    except FAILURES as error:
        _log.error("database failed", error=type(error).__name__, cause=str(error)[:300])
        raise Unavailable from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction: committed when the block ends, undone when it raises. Raises as `connection` does."""
    async with connection(pool) as db, db.transaction():
        yield db


@asynccontextmanager
async def planned(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction whose statements are planned for the very arguments that they have: for those of which the
    plan depends on them, and that take longer than to plan them. Raises as `connection` does.
    """
    async with transaction(pool) as db:
        await db.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        yield db


async def check(pool: Pool) -> None:
    """Raises Unavailable unless the database answers."""
    async with connection(pool) as db:
        await db.fetchval("SELECT 1", timeout=CONNECT_LIMIT)
