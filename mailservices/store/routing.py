"""The administrator's rules of how mail leaves, as a worker process holds them: read once in some seconds."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from mailservices import log
from mailservices.mail import sealing
from mailservices.mail.routing import Rule, Source, TlsMode
from mailservices.mail.sealing import NotSealedHere
from mailservices.store.pool import Pool, connection

#: Seconds until a change is seen.
KEPT_SECONDS = 3.0

RULES = """
SELECT id, recipient, sender, host, port, tls, username, secret, mechanism, source4, source6, helo, connections,
       pool, first_pause, longest_pause, lifetime
FROM policy_route WHERE active ORDER BY id
"""
SOURCES = """
SELECT pool, id AS source_id, address, helo, warmup, began, daily
FROM policy_source WHERE active ORDER BY position, id
"""

_log = log.get()


class Rules:
    """One process reads them once, however many ask."""

    def __init__(self, pool: Pool, sealing_key: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._sealing_key = sealing_key
        self._clock = clock
        self._fresh_until = float("-inf")
        self._rules: tuple[Rule, ...] = ()
        self._lock = asyncio.Lock()

    async def current(self, bound: int | None = None) -> tuple[Rule, ...]:
        """All of them. `bound`, the id of one, may be newer than what is held: then they are read at once.

        Raises Unavailable where they cannot be read: nothing may leave by the wrong way.
        """
        async with self._lock:
            unknown = bound is not None and all(rule.rule_id != bound for rule in self._rules)
            if unknown or self._clock() >= self._fresh_until:
                async with connection(self._pool) as db:
                    rows, addresses = await db.fetch(RULES), await db.fetch(SOURCES)
                self._rules = tuple(self._rule(row, addresses) for row in rows)
                self._fresh_until = self._clock() + KEPT_SECONDS
            return self._rules

    def _rule(self, row: Any, addresses: Iterable[Any]) -> Rule:
        values = dict(row)
        name = values.pop("pool")
        values["pooled"] = bool(name)
        values["sources"] = tuple(_source(one) for one in addresses if name and one["pool"] == name)
        secret = b""
        if values["secret"] is not None:
            context = sealing.route_context(values["host"], values["username"])
            try:
                secret = sealing.unseal(self._sealing_key, values["secret"], context)
            except NotSealedHere:
                # The sign-in will fail, and the mail wait: the other rules go on.
                _log.error("route's secret cannot be opened: was FACTEUR_SECRET_KEY changed?", host=values["host"])
        rule_id, tls = values.pop("id"), TlsMode(values.pop("tls"))
        return Rule(**{**values, "rule_id": rule_id, "tls": tls, "secret": secret.decode()})


def _source(row: Any) -> Source:
    return Source(row["source_id"], row["address"], row["helo"], tuple(row["warmup"]), row["began"], row["daily"])
