"""How many lines stand at once on the way to a destination, counted for all workers: a lane grows and shrinks.

A line is taken before anything is claimed, renewed with the lease, and given back with what came of it. A lane on
which nobody can be reached is down: one line probes it, each time after a longer pause.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from mailservices.store.ids import new_id
from mailservices.store.pool import Pool, connection, transaction

#: How long a line stands unless it is renewed: as a lease does.
LINE = timedelta(seconds=20)
#: Lines on one lane at most, where no route says otherwise.
WIDEST = 20
#: Lines on all lanes at most, where the configuration says nothing.
MOST = 500
#: So close to the limit of all lanes they are counted one after the other.
CLOSE = 50
#: Pauses between two probes of a lane that is down: the first, and the longest.
FIRST_PROBE = timedelta(minutes=1)
LONGEST_PROBE = timedelta(minutes=30)
#: How long a lane is remembered on which nothing happens.
REMEMBERED = timedelta(days=2)

# Locks the lane: two workers count one after the other.
LANE = """
INSERT INTO queue_lane (lane) VALUES ($1)
ON CONFLICT (lane) DO UPDATE SET changed_at = now()
RETURNING width, failures, extract(epoch FROM down_until - now())::float AS down_for
"""
LINES = "SELECT count(*) FILTER (WHERE lane = $1) AS here, count(*) AS all FROM queue_line WHERE until > now()"
# Whoever comes close to the limit of all lanes counts after the one before.
ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtext('queue_line'))"
ENTER = "INSERT INTO queue_line (line, lane, until) VALUES ($1, $2, now() + $3::interval)"
RENEW = "UPDATE queue_line SET until = now() + $2::interval WHERE line = $1"
LEAVE = "DELETE FROM queue_line WHERE line = $1"

WENT_WELL = """
UPDATE queue_lane SET width = least($2::float, width + 1), failures = 0, down_until = NULL, down_since = NULL,
    reason = '', changed_at = now()
WHERE lane = $1 AND (width < $2::float OR failures > 0 OR down_until IS NOT NULL)
"""
WENT_BADLY = "UPDATE queue_lane SET width = greatest(1, width / 2), changed_at = now() WHERE lane = $1"
# Several lines that fail together are one failure.
WENT_DOWN = """
UPDATE queue_lane SET width = 1, failures = failures + 1, reason = $2, changed_at = now(),
    down_since = coalesce(down_since, now()),
    down_until = now() + least($3::interval * 2 ^ least(failures, 20), $4::interval) * (0.9 + 0.2 * random())
WHERE lane = $1 AND (down_until IS NULL OR down_until <= now())
"""
DROP = """
DELETE FROM queue_lane WHERE lane IN (SELECT lane FROM queue_lane WHERE changed_at < now() - $1::interval LIMIT $2)
"""
DROP_LINES = "DELETE FROM queue_line WHERE until < now() - $1::interval"


@dataclass(frozen=True, slots=True)
class Entered:
    """A line; on a lane that was down it only probes."""

    line: UUID
    probes: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """There is no line now: the lane is down for so many seconds, or, with 0, full."""

    seconds: float = 0.0
    #: It is not this lane that is full, but all of them together.
    crowded: bool = False


async def enter(pool: Pool, lane: str, widest: int = WIDEST, most: int = MOST) -> Entered | Closed:
    """A line on this lane, unless it is full or down, or there are `most` on all lanes."""
    line = new_id()
    async with transaction(pool) as db:
        [row] = await db.fetch(LANE, lane)
        if (row["down_for"] or 0.0) > 0:
            return Closed(float(row["down_for"]))
        [lines] = await db.fetch(LINES, lane)
        if lines["all"] + CLOSE >= most:
            await db.execute(ONE_BY_ONE)
            [lines] = await db.fetch(LINES, lane)
        if lines["here"] >= (1 if row["failures"] else max(1, int(min(row["width"], widest)))):
            return Closed()
        if lines["all"] >= most:
            return Closed(crowded=True)
        await db.execute(ENTER, line, lane, LINE)
    return Entered(line, bool(row["failures"]))


async def renew(pool: Pool, line: UUID) -> None:
    """Hold a line for another while."""
    async with connection(pool) as db:
        await db.execute(RENEW, line, LINE)


async def leave(pool: Pool, line: UUID) -> None:
    """Give a line back."""
    async with connection(pool) as db:
        await db.execute(LEAVE, line)


async def went_well(pool: Pool, lane: str, widest: int = WIDEST) -> bool:
    """Hosts there took, or refused for good, what they were given. False where the lane is as wide as can be."""
    async with connection(pool) as db:
        return await db.execute(WENT_WELL, lane, float(widest)) == "UPDATE 1"


async def went_badly(pool: Pool, lane: str) -> None:
    """A host there said later, or broke off: fewer lines from now on."""
    async with connection(pool) as db:
        await db.execute(WENT_BADLY, lane)


async def went_down(pool: Pool, lane: str, reason: str) -> None:
    """Nobody can be reached there."""
    async with connection(pool) as db:
        await db.execute(WENT_DOWN, lane, reason[:300], FIRST_PROBE, LONGEST_PROBE)


async def drop_lanes(pool: Pool, limit: int) -> int:
    """Forget lanes on which nothing has happened for long, and lines of dead workers."""
    async with connection(pool) as db:
        await db.execute(DROP_LINES, LINE)
        return int((await db.execute(DROP, REMEMBERED, limit)).rpartition(" ")[2])
