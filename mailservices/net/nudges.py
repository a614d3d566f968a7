"""Commit, then tell: which mailbox has something new, over Redis to every process that watches.

A nudge carries no mail and is never waited for. Lost ones cost a poll: every watcher looks by itself once in a
while, and all of them look when Redis comes back.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mailservices import log

#: What a Redis that goes may raise through the driver; RuntimeError is uvloop's, where the connection was closed
#: between a look at it and the writing.
GONE = (RedisError, OSError, TimeoutError, RuntimeError)
#: Seconds after which a watcher looks without being told.
POLL_SECONDS = 30.0
#: Seconds between attempts to reach Redis.
RETRY_SECONDS = 1.0
CONNECT_LIMIT = 3.0
#: Seconds in which nudges gather: to publish one costs a tenth of what a message does.
GATHER_SECONDS = 0.01
#: Nudges that may wait for Redis; the polls make up for what is dropped.
WAITING_NUDGES = 10_000

_CHANNEL = "facteur:account:%d"

#: The modseq of a nudge that nobody sent: it is heard from now on, and what came before may have been missed.
UNHEARD = -1

#: Called in the event loop with (mailbox, modseq); mailbox 0 says: look at everything.
Watcher = Callable[[int, int], None]

_log = log.get()


class Nudges:
    """The process's one voice and ear. Made inside the event loop."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_connect_timeout=CONNECT_LIMIT,
            socket_keepalive=True,
            health_check_interval=15,
            retry=Retry(NoBackoff(), 0),
        )
        self._outbox: dict[tuple[int, int], int] = {}
        self._sending: asyncio.Task[None] | None = None
        self._watchers: dict[int, set[Watcher]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def ping(self) -> None:
        """Raises OSError unless Redis answers."""
        try:
            await self._redis.ping()
        except RedisError as error:
            raise OSError("Redis does not answer") from error

    async def close(self) -> None:
        for task in (self._sending, self._listening):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._redis.aclose()

    # telling

    def tell(self, account_id: int, mailbox_id: int, modseq: int) -> None:
        """Say that a mailbox has changed up to this modseq. Returns at once."""
        if len(self._outbox) < WAITING_NUDGES:
            self._outbox[account_id, mailbox_id] = modseq
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._outbox:
            await asyncio.sleep(GATHER_SECONDS)
            nudges, self._outbox = self._outbox, {}
            try:
                try:
                    await self._publish(nudges)
                except GONE:
                    # The connection may be one from before Redis was started again: the next is a new one.
                    await self._publish(nudges)
            except GONE as error:
                _log.warning("nudges lost", nudges=len(nudges), cause=type(error).__name__)

    async def _publish(self, nudges: dict[tuple[int, int], int]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for (account_id, mailbox_id), modseq in nudges.items():
                pipe.publish(_CHANNEL % account_id, b"%d %d" % (mailbox_id, modseq))
            await pipe.execute()

    # watching

    def watch(self, account_id: int, watcher: Watcher) -> None:
        """Call this watcher when a mailbox of the account changes."""
        self._watchers.setdefault(account_id, set()).add(watcher)
        self._changed.set()
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_always())

    def unwatch(self, account_id: int, watcher: Watcher) -> None:
        watchers = self._watchers.get(account_id, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(account_id, None)
            self._changed.set()

    async def _listen_always(self) -> None:
        while True:
            try:
                await self._listen()
            except GONE as error:
                _log.warning("redis away", cause=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        heard: set[int] = set()
        async with self._redis.pubsub(ignore_subscribe_messages=True) as ear:
            subscribed = asyncio.Event()
            subscriber = asyncio.create_task(self._subscribe(ear, heard, subscribed))
            subscriber.add_done_callback(lambda _: subscribed.set())
            try:
                while True:
                    # Nothing is heard of nobody.
                    await subscribed.wait()
                    if subscriber.done():
                        subscriber.result()
                    message = await ear.get_message(timeout=5.0)
                    if message and message["type"] == "message":
                        self._hear(message["channel"], message["data"])
            finally:
                subscriber.cancel()
                with suppress(asyncio.CancelledError, RedisError, OSError):
                    await subscriber

    async def _subscribe(self, ear: PubSub, heard: set[int], subscribed: asyncio.Event) -> None:
        """Keep the subscriptions equal to what is watched, and say whether there are any."""
        while True:
            self._changed.clear()
            wanted = self._watchers.keys()
            new, old = wanted - heard, heard - wanted
            if new:
                await ear.subscribe(*[_CHANNEL % account_id for account_id in new])
                heard |= new
                subscribed.set()
                for account_id in new:
                    self._call(account_id, 0, UNHEARD)
            if old:
                await ear.unsubscribe(*[_CHANNEL % account_id for account_id in old])
                heard -= old
                if not heard:
                    subscribed.clear()
            await self._changed.wait()

    def _hear(self, channel: bytes, data: bytes) -> None:
        mailbox_id, _, modseq = data.partition(b" ")
        self._call(int(channel.rpartition(b":")[2]), int(mailbox_id), int(modseq))

    def _call(self, account_id: int, mailbox_id: int, modseq: int) -> None:
        for watcher in list(self._watchers.get(account_id, ())):
            watcher(mailbox_id, modseq)
