"""The policy for mail from the world: the engine's view of the policy_* tables, kept for seconds."""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailservices import log
from mailservices.config import Network
from mailservices.mail import dnslist
from mailservices.mail.dnslist import DnsList
from mailservices.mail.errors import ProtocolError
from mailservices.mail.policy import CONNECTIONS_PER_MINUTE, MESSAGES_PER_MINUTE, Action, Inbound, ListEffect
from mailservices.store import access
from mailservices.store.access import Access
from mailservices.store.pool import Pool, connection

#: Seconds until a change is seen.
KEPT_SECONDS = 3.0
#: Seconds that a greeting may wait for them.
MOMENT = 0.5

INBOUND = """
SELECT d.name, i.spf, i.dkim, i.dmarc, i.iprev, i.helo, i.dnslists, i.greylist, i.reports
FROM policy_inbound i LEFT JOIN directory_domain d ON d.id = i.domain_id
"""
DNSLISTS = "SELECT zone, effect, codes FROM policy_dnslist WHERE active ORDER BY zone"
SEALERS = "SELECT domain FROM policy_trusted_sealer"
NETWORKS = "SELECT network FROM policy_trusted_network"
LIMITS = "SELECT name, per_minute FROM policy_limit"

NOTICE = """
INSERT INTO policy_notice (name, detail) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET detail = EXCLUDED.detail, at = now()
"""
#: The notice that a gateway hides the clients' addresses.
GATEWAY = "gateway"

_log = log.get()


@dataclass(frozen=True, slots=True)
class Rules:
    """All of it at one moment."""

    default: Inbound = field(default_factory=Inbound)
    domains: Mapping[str, Inbound] = field(default_factory=dict)
    lists: tuple[DnsList, ...] = ()
    #: Domains whose ARC seal may stand for what was lost on the way.
    sealers: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    connections_per_minute: int = CONNECTIONS_PER_MINUTE
    messages_per_minute: int = MESSAGES_PER_MINUTE
    access: Access = field(default_factory=Access)

    def of(self, domain: str) -> Inbound:
        return self.domains.get(domain, self.default)

    def trusts(self, address: str) -> bool:
        """Whether it is in a network from which nothing is checked."""
        if not self.networks:
            return False
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self.networks)


class Policies:
    """The rules as they are now, or were a moment ago. One process reads them once, however many ask."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._fresh_until = float("-inf")
        self._reading: asyncio.Task[Rules] | None = None
        #: What was read last.
        self.last = Rules()

    async def current(self) -> Rules:
        """Raises Unavailable where they cannot be read: nobody knows what to let pass."""
        if self._clock() < self._fresh_until:
            return self.last
        return await asyncio.shield(self._read_once())

    async def recent(self) -> Rules:
        """What was read last, where the database takes longer than a moment: for whoever need not know."""
        if self._clock() >= self._fresh_until:
            reading = self._read_once()
            reading.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.wait({reading}, timeout=MOMENT)
        return self.last

    def _read_once(self) -> "asyncio.Task[Rules]":
        """All who ask meanwhile wait for the same answer, and for the same failure."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> Rules:
        self.last = await read(self._pool)
        self._fresh_until = self._clock() + KEPT_SECONDS
        return self.last


async def read(pool: Pool) -> Rules:
    async with connection(pool) as db:
        inbound = await db.fetch(INBOUND)
        lists = await db.fetch(DNSLISTS)
        sealers = await db.fetch(SEALERS)
        networks = await db.fetch(NETWORKS)
        limits = {row["name"]: row["per_minute"] for row in await db.fetch(LIMITS)}
    policies = {row["name"]: _inbound(row) for row in inbound}
    return Rules(
        policies.pop(None, Inbound()),
        policies,
        tuple(one for row in lists if (one := _list(row))),
        frozenset(row["domain"] for row in sealers),
        tuple(ipaddress.ip_network(row["network"], strict=False) for row in networks),
        limits.get("connections", CONNECTIONS_PER_MINUTE),
        limits.get("messages", MESSAGES_PER_MINUTE),
        await access.read(pool),
    )


def _inbound(row: Any) -> Inbound:
    return Inbound(
        spf=Action(row["spf"]),
        dkim=Action(row["dkim"]),
        dmarc=Action(row["dmarc"]),
        iprev=Action(row["iprev"]),
        helo=Action(row["helo"]),
        dnslists=row["dnslists"],
        greylist=row["greylist"],
        reports=row["reports"],
    )


def _list(row: Any) -> DnsList | None:
    try:
        return DnsList(row["zone"], ListEffect(row["effect"]), dnslist.parse_codes(row["codes"]))
    except ProtocolError as error:
        _log.error("DNS list not understood", zone=row["zone"], cause=str(error))
        return None


async def notice(pool: Pool, name: str, detail: str) -> None:
    """Let the dashboard know."""
    async with connection(pool) as db:
        await db.execute(NOTICE, name, detail)
