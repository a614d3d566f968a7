"""Limits that all processes share: buckets by name, in Redis, changed by one script; blocks that people can lift.

A bucket fills by what is charged to it, and empties evenly in its period. What would make it overflow is turned
away; a limit with a block turns everything away for that long, and twice as long each further time.

While Redis is away each process keeps its own buckets by the same rules, and says so in the log.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import redis as redis_blocking
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from mailservices import log
from mailservices.net.nudges import GONE

#: Seconds for Redis to answer, and until it is asked again after it has not.
ANSWER_LIMIT = 1.0
RETRY_SECONDS = 5.0
#: Buckets that one process keeps while Redis is away.
OWN_BUCKETS = 10_000
#: Seconds of the longest block, and how often a block may double.
LONGEST_BLOCK = 24 * 3600
DOUBLINGS = 6
#: Blocks that are listed.
LISTED = 1000
#: Seconds for which a process goes by the blocks that it has read, and how many it holds.
HELD_SECONDS = 1.0
HELD_BLOCKS = 10_000
#: Characters kept of why something is blocked.
WHY_LIMIT = 200

_PREFIX = "facteur:limit:"
_BLOCKS = "facteur:blocks"
_MARK = "facteur:mark:"

# KEYS: the set of blocks, then one for each bucket. ARGV: the cost, why, the prefix; then size, period and block
# of each. Answers level and seconds to wait of each bucket, as text. A script is one step to everybody else.
_SCRIPT = """
local told = redis.call('TIME')
local now = tonumber(told[1]) + tonumber(told[2]) / 1000000
local cost, why, prefix = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local answer = {}
for i = 2, #KEYS do
  local at = 4 + (i - 2) * 3
  local size, period, block = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local kept = redis.call('HMGET', KEYS[i], 'level', 'at', 'ends', 'times')
  local level, since = tonumber(kept[1] or 0), tonumber(kept[2] or now)
  local ends, times = tonumber(kept[3] or 0), tonumber(kept[4] or 0)
  level = math.max(0, level - (now - since) * size / period)
  local wait = math.max(0, ends - now)
  if wait == 0 and cost > 0 then
    if level + cost > size then
      if block > 0 then
        wait = math.min(block * 2 ^ math.min(times, DOUBLINGS), LONGEST)
        ends, times, level = now + wait, times + 1, 0
        redis.call('ZADD', KEYS[1], ends, string.sub(KEYS[i], #prefix + 1))
      else
        wait = (level + cost - size) * period / size
      end
    else
      level = level + cost
    end
    redis.call('HSET', KEYS[i], 'level', tostring(level), 'at', tostring(now), 'ends', tostring(ends),
               'times', tostring(times), 'why', why)
    redis.call('EXPIRE', KEYS[i], math.ceil(math.max(ends - now, 0) + 2 * period))
  end
  answer[#answer + 1] = tostring(level)
  answer[#answer + 1] = tostring(wait)
end
return answer
""".replace("DOUBLINGS", str(DOUBLINGS)).replace("LONGEST", str(LONGEST_BLOCK))

_log = log.get()


@dataclass(frozen=True, slots=True)
class Limit:
    """How much in what time. `block` is 0 where nothing more than the overflow is turned away."""

    name: str
    size: float
    #: Seconds.
    period: float
    block: float = 0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit for one address, network, account or whatever its name says."""

    limit: Limit
    what: str

    @property
    def key(self) -> str:
        return f"{self.limit.name}:{self.what}"


@dataclass(frozen=True, slots=True)
class State:
    """How a bucket stands. `wait` is 0, or the seconds for which it turns everything away."""

    level: float
    wait: float


@dataclass(slots=True)
class _Own:
    """A bucket of this process."""

    level: float = 0.0
    at: float = 0.0
    ends: float = 0.0
    times: int = 0


class Limiter:
    """The buckets, for one process. Made inside the event loop."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=ANSWER_LIMIT,
            socket_connect_timeout=ANSWER_LIMIT,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(_SCRIPT)
        self._away_until = 0.0
        self._own: dict[str, _Own] = {}
        self._own_marks: dict[str, float] = {}
        #: Bucket -> until when it is blocked, on the monotonic clock; None where that is not known.
        self._blocks: dict[str, float] | None = None
        self._blocks_until = 0.0

    async def close(self) -> None:
        await self._redis.aclose()

    async def look(self, buckets: Sequence[Bucket]) -> list[State]:
        """How they stand."""
        return await self.charge(buckets, 0)

    async def blocked(self, buckets: Sequence[Bucket]) -> list[bool]:
        """Which of them turn everything away.

        What another process has blocked, or somebody has lifted, is seen within HELD_SECONDS.
        """
        if time.monotonic() >= self._blocks_until and self._may_ask():
            self._blocks_until = time.monotonic() + HELD_SECONDS
            await self._read_blocks()
        if self._blocks is None or not self._may_ask():
            return [state.wait > 0 for state in await self.look(buckets)]
        now = time.monotonic()
        return [self._blocks.get(bucket.key, 0.0) > now for bucket in buckets]

    async def _read_blocks(self) -> None:
        try:
            seconds, micros = await self._redis.time()
            now = seconds + micros / 1e6
            listed: Any = await self._redis.zrangebyscore(_BLOCKS, now, "inf", 0, HELD_BLOCKS + 1, withscores=True)
        except GONE as error:
            self._went(error)
            self._blocks = None
            return
        here = time.monotonic()
        self._blocks = {key.decode(): here + ends - now for key, ends in listed}
        if len(listed) > HELD_BLOCKS:
            self._blocks = None

    async def charge(self, buckets: Sequence[Bucket], cost: float = 1, why: str = "") -> list[State]:
        """Charge each of them, unless it turns this away; how they stand then."""
        if not buckets:
            return []
        keys = [_BLOCKS, *(_PREFIX + bucket.key for bucket in buckets)]
        arguments: list[Any] = [cost, why[:WHY_LIMIT], _PREFIX]
        for bucket in buckets:
            arguments += [bucket.limit.size, bucket.limit.period, bucket.limit.block]
        if self._may_ask():
            try:
                told = [float(one) for one in await self._script(keys, arguments)]
            except GONE as error:
                self._went(error)
            else:
                states = [State(*pair) for pair in zip(told[::2], told[1::2], strict=True)]
                self._note_blocks(buckets, states)
                return states
        return [self._charge_own(bucket, cost) for bucket in buckets]

    def _note_blocks(self, buckets: Sequence[Bucket], states: Sequence[State]) -> None:
        """Its own blocks a process knows at once."""
        if self._blocks is not None:
            now = time.monotonic()
            for bucket, state in zip(buckets, states, strict=True):
                if state.wait and bucket.limit.block:
                    self._blocks[bucket.key] = now + state.wait

    async def mark(self, name: str, seconds: float) -> None:
        """Remember something for so long, and for all processes."""
        if self._may_ask():
            try:
                await self._redis.set(_MARK + name, b"1", ex=int(seconds))
            except GONE as error:
                self._went(error)
        if len(self._own_marks) >= OWN_BUCKETS:
            del self._own_marks[next(iter(self._own_marks))]
        self._own_marks[name] = time.monotonic() + seconds

    async def marked(self, name: str) -> bool:
        """Whether it is remembered."""
        if self._may_ask():
            try:
                return bool(await self._redis.exists(_MARK + name))
            except GONE as error:
                self._went(error)
        return self._own_marks.get(name, 0.0) > time.monotonic()

    def _may_ask(self) -> bool:
        return time.monotonic() >= self._away_until

    def _went(self, error: Exception) -> None:
        self._away_until = time.monotonic() + RETRY_SECONDS
        _log.warning("limits are each process's own", cause=type(error).__name__)

    def _charge_own(self, bucket: Bucket, cost: float) -> State:
        """The script, in Python."""
        limit, now = bucket.limit, time.monotonic()
        own = self._own.get(bucket.key) or _Own(at=now)
        level = max(0.0, own.level - (now - own.at) * limit.size / limit.period)
        wait = max(0.0, own.ends - now)
        if wait or not cost:
            return State(level, wait)
        if level + cost <= limit.size:
            level += cost
        elif limit.block:
            wait = min(limit.block * 2 ** min(own.times, DOUBLINGS), LONGEST_BLOCK)
            own.ends, own.times, level = now + wait, own.times + 1, 0.0
        else:
            wait = (level + cost - limit.size) * limit.period / limit.size
        own.level, own.at = level, now
        if len(self._own) >= OWN_BUCKETS and bucket.key not in self._own:
            del self._own[next(iter(self._own))]
        self._own[bucket.key] = own
        return State(level, wait)


@dataclass(frozen=True, slots=True)
class Block:
    """Something that is turned away for a while."""

    #: Names it in an address of the web.
    id: str
    #: The limit, and what it holds for.
    limit: str
    what: str
    #: Seconds since 1970.
    until: float
    why: str


class Meter:
    """The same buckets for a caller without an event loop; it has no buckets of its own."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_blocking.Redis.from_url(
            redis_url, socket_timeout=ANSWER_LIMIT, socket_connect_timeout=ANSWER_LIMIT
        )
        self._script = self._redis.register_script(_SCRIPT)

    def charge(self, bucket: Bucket, cost: float = 1) -> State:
        """Charge it, unless it turns this away; how it stands then.

        Raises:
            RedisError
        """
        limit = bucket.limit
        told: Any = self._script(
            [_BLOCKS, _PREFIX + bucket.key], [cost, "", _PREFIX, limit.size, limit.period, limit.block]
        )
        return State(float(told[0]), float(told[1]))


class Blocks:
    """What is blocked, to look at and to lift: for a caller without an event loop."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_blocking.Redis.from_url(
            redis_url, socket_timeout=3, socket_connect_timeout=3, decode_responses=True
        )

    def close(self) -> None:
        self._redis.close()

    def all(self) -> list[Block]:
        """The one that ends first is the first.

        Raises:
            RedisError
        """
        self._redis.zremrangebyscore(_BLOCKS, "-inf", time.time())
        listed: Any = self._redis.zrange(_BLOCKS, 0, LISTED - 1, withscores=True)
        pipe = self._redis.pipeline(transaction=False)
        for key, _ in listed:
            pipe.hget(_PREFIX + key, "why")
        found = []
        for (key, until), why in zip(listed, pipe.execute(), strict=True):
            limit, _, what = key.partition(":")
            found.append(Block(sha256(key.encode()).hexdigest()[:16], limit, what, until, why or ""))
        return found

    def lift(self, block: Block) -> None:
        """Let it in again, as if it had never been blocked.

        Raises:
            RedisError
        """
        key = f"{block.limit}:{block.what}"
        self._redis.delete(_PREFIX + key)
        self._redis.zrem(_BLOCKS, key)
