"""Which MTA-STS policy holds for a domain now (RFC 8461 §3.3, §5.1): the one that is kept, or a newer one."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import mta_sts
from mailservices.mail.mta_sts import Mode, Policy
from mailservices.mail.questions import Found, Txt
from mailservices.mail.tls_report import Failure, PolicyType, Session
from mailservices.net.sts import NotFetched, fetch
from mailservices.store import sts
from mailservices.store.tally import Kind

if TYPE_CHECKING:
    from workers.engine import Engine

#: RFC 8461 §3.3: not more often after a failure; and daily while all is well.
AGAIN_SECONDS = 300.0
REFRESH = timedelta(days=1)
#: Domains of which a failure is remembered.
FAILURES = 10_000

_log = log.get()


class Policies:
    """One for a worker process."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        #: (domain, version) -> until when it is not asked for again.
        self._failed: dict[tuple[str, str], float] = {}

    async def of(self, domain: str) -> Policy | None:
        """The policy of a domain; None where there is none, or its mode is none.

        Raises:
            Unavailable: what is kept cannot be read: nobody knows.
        """
        kept = await sts.kept(self._engine.pool, domain)
        # Only a signed or a vanished record costs the DNS: its answer is kept by the resolver.
        answer = await self._engine.resolver.ask(Txt(mta_sts.name(domain)))
        records = answer.records if isinstance(answer, Found) else ()
        version = mta_sts.record_id(one for one in records if isinstance(one, bytes))
        policy = kept.policy if kept else None
        old = kept is None or kept.record_id != version or datetime.now(UTC) - kept.fetched_at > REFRESH
        if version and old:
            # RFC 8461 §3.3: what is kept holds, whatever became of the record or the host.
            policy = await self._fetch(domain, version) or policy
        return None if policy is None or policy.mode is Mode.NONE else policy

    async def _fetch(self, domain: str, version: str) -> Policy | None:
        key = domain, version
        if self._failed.get(key, 0.0) > time.monotonic():
            return None
        try:
            policy = await fetch(self._engine.resolver, domain, self._engine.config.remote_https_port)
        except NotFetched as error:
            _log.warning("MTA-STS policy not fetched", domain=domain, cause=str(error)[:200])
            if len(self._failed) >= FAILURES:
                self._failed.clear()
            self._failed[key] = time.monotonic() + AGAIN_SECONDS
            failed = Session(
                PolicyType.STS.value,
                failure=Failure.STS_FETCH.value,
                host=mta_sts.host(domain),
                reason=str(error)[:200],
            )
            self._engine.tally.add(Kind.TLS, domain, failed.facts())
            return None
        await sts.keep(self._engine.pool, domain, version, policy)
        return policy
