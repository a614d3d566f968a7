"""Connections to PostgreSQL: one small pool per process, short limits, and one error for whatever fails.

Only this room opens transactions, and nothing in it writes to a client's socket: handlers never see a connection.
Limits hold on both sides, so that a statement that the client gave up is not carried out later.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from mailservices import log
from mailservices.config import Database
from mailservices.mail.errors import Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.pool.PoolConnectionProxy

#: Connections of one process; sessions hold none while they wait.
CONNECTIONS = 8
#: Statements that one connection keeps prepared.
PREPARED_STATEMENTS = 512
#: Seconds.
CONNECT_LIMIT = 5.0
ACQUIRE_LIMIT = 10.0
STATEMENT_LIMIT = 15.0
LOCK_LIMIT = 10.0

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


async def open_pool(database: Database, service: str, connections: int = CONNECTIONS) -> Pool:
    """A pool that connects when it is first needed, so that a service may start before its database."""
    return await asyncpg.create_pool(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.name,
        min_size=0,
        max_size=connections,
        timeout=CONNECT_LIMIT,
        command_timeout=STATEMENT_LIMIT,
        max_inactive_connection_lifetime=120.0,
        statement_cache_size=PREPARED_STATEMENTS,
        server_settings={**_SETTINGS, "application_name": f"facteur {service}"},
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(_connection: object) -> None:
    """Our transactions leave no session state behind; asking the server for it costs a round trip a statement."""


@asynccontextmanager
async def acquired(pool: Pool) -> AsyncIterator[Connection]:
    """A connection, waited for no longer than its limit; what the driver raises comes out.

    The driver's own limit would cost a task each time.
    """
    async with asyncio.timeout(ACQUIRE_LIMIT):
        db = await pool.acquire()
    try:
        yield db
    finally:
        await pool.release(db)


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


async def check(pool: Pool) -> None:
    """Raises Unavailable unless the database answers."""
    async with connection(pool) as db:
        await db.fetchval("SELECT 1", timeout=CONNECT_LIMIT)
