"""One line of ours on the way to a destination: taken before anything is claimed, and what comes of it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mailservices.mail import routing
from mailservices.mail.routing import Rule
from mailservices.store import lanes
from workers.outbound.settle import Outcome

if TYPE_CHECKING:
    from workers.engine import Engine

#: Seconds that a worker does not ask again for a lane that is full.
FULL_SECONDS = 0.2
#: Seconds between two times that a line tells how well all goes, and where the lane is as wide as can be.
WELL_SECONDS = 0.2
WIDE_SECONDS = 5.0
#: Lanes that a worker remembers as full or down.
REMEMBERED = 10_000
#: Stages at which a host was not reached, or not even greeted.
UNREACHED = ("dns", "connect", "helo", "starttls", "auth")


class Lane:
    """What a drain holds: its line, whether it only probes, and the words for what comes of it."""

    def __init__(self, engine: "Engine", name: str, widest: int, entered: lanes.Entered, *, shared: bool) -> None:
        self._engine = engine
        self._name = name
        self._widest = widest
        self._well = False
        self._tell_at = float("-inf")
        self.line = entered.line
        #: Other destinations go by the same host.
        self.shared = shared
        self.probes = entered.probes

    async def tell(self, outcomes: Sequence[Outcome], *, private: bool) -> bool:
        """What came of one message; False where the lane is down: nothing more is to be tried now.

        That a host is not private enough says nothing of other mail.
        """
        unreached = [one for one in outcomes if one.stage in UNREACHED and not one.permanent]
        if len(unreached) == len(outcomes):
            if private:
                return True
            await lanes.went_down(self._engine.pool, self._name, unreached[0].text)
            return False
        if any(not one.taken and not one.permanent and (one.broken or one.stage == "mail") for one in outcomes):
            await lanes.went_badly(self._engine.pool, self._name)
        else:
            self._well = True
        return True

    async def pause(self) -> None:
        """What was claimed is worked off: whatever went well is told, once in a while."""
        now = time.monotonic()
        if self._well and (self.probes or now >= self._tell_at):
            grew = await lanes.went_well(self._engine.pool, self._name, self._widest)
            self._well = self.probes = False
            self._tell_at = now + (WELL_SECONDS if grew else WIDE_SECONDS)


@asynccontextmanager
async def enter(engine: "Engine", destination: str) -> AsyncIterator[Lane | None]:
    """A line to a destination, given back at the end; None where the lane is full or down."""
    rule = routing.choose(await engine.rules.current(), "", destination)
    name = _name(rule, destination)
    if engine.closed_lanes.get(name, 0.0) > time.monotonic():
        yield None
        return
    widest = rule.connections or lanes.WIDEST
    entered = await lanes.enter(engine.pool, name, widest, engine.config.outgoing_connections)
    if isinstance(entered, lanes.Closed):
        if entered.crowded:
            engine.make_room()
        if len(engine.closed_lanes) >= REMEMBERED:
            engine.closed_lanes.clear()
        # A retry that somebody asks for is seen within a sweep.
        pause = min(entered.seconds, float(engine.config.sweep_seconds)) if entered.seconds else FULL_SECONDS
        engine.closed_lanes[name] = time.monotonic() + pause
        if not entered.seconds:
            # Whoever holds the lines may just be leaving.
            asyncio.get_running_loop().call_later(pause, engine.wake, destination)
        yield None
        return
    try:
        yield Lane(engine, name, widest, entered, shared=bool(rule.host))
    finally:
        await lanes.leave(engine.pool, entered.line)


def _name(rule: Rule, destination: str) -> str:
    """All that goes by one host shares its lane."""
    return f"{rule.host}:{rule.port}" if rule.host else destination
