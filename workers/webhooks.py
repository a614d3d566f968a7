"""What webhooks are told: signed, sent to public addresses only, and written down, whatever came of it.

At least once: a worker that dies between the answer and its settlement leaves it to the next, under the same id.
"""

import asyncio
import ipaddress
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import sealing, webhooks
from mailservices.mail.errors import ProtocolError, Unavailable
from mailservices.mail.questions import Addresses, Found
from mailservices.mail.sealing import NotSealedHere
from mailservices.mail.webhooks import Target
from mailservices.net import metrics, requests
from mailservices.net.requests import NoAnswer
from mailservices.store import trace
from mailservices.store import webhooks as store
from mailservices.store.webhooks import Due, Hook, Try

if TYPE_CHECKING:
    from workers.engine import Engine

#: Hooks that one process tells at once, and requests to one of them at once.
HOOKS = 50
AT_ONCE = 8
#: Seconds of one request, and for which a messenger keeps a hook: both together are less than its lease.
REQUEST_LIMIT = 15.0
ROUND_LIMIT = 120.0
#: Octets of an answer that are read and kept.
ANSWER_OCTETS = 400
#: Seconds that requests under way have when the worker stops.
STOP_LIMIT = 5.0

_log = log.get()


class Messengers:
    """One for each hook that has something to be told, in one worker process."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._tasks: set[asyncio.Task[None]] = set()

    async def send_due(self) -> None:
        """Take the hooks to which something is to be told; returns while they are being told.

        Raises:
            Unavailable
        """
        free = HOOKS - len(self._tasks)
        if self._engine.stopping or free <= 0:
            return
        for hook in await store.claim(self._engine.pool, free):
            task = asyncio.create_task(self._tell(hook))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Let requests under way end; what was not told is told by others."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=STOP_LIMIT)
        for task in set(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _tell(self, hook: Hook) -> None:
        try:
            await self._rounds(hook)
            await store.release(self._engine.pool, hook)
        except Unavailable:
            _log.warning("webhook interrupted", webhook=hook.webhook_id)
        except Exception as error:  # noqa: BLE001 - one hook's surprise must not end the others
            _log.exception("webhook failed", webhook=hook.webhook_id, error=type(error).__name__)

    async def _rounds(self, hook: Hook) -> None:
        """Until nothing is due, or something went wrong: then what else there is waits for the next sweep."""
        ends = time.monotonic() + ROUND_LIMIT
        while not self._engine.stopping and time.monotonic() < ends:
            told = await store.due(self._engine.pool, hook, AT_ONCE)
            if not told or not all(await asyncio.gather(*(self._one(hook, one) for one in told))):
                return

    async def _one(self, hook: Hook, told: Due) -> bool:
        """Whether it was taken, and more is wanted."""
        started = time.monotonic()
        code, text = await self._ask(hook, told)
        taken = 200 <= code < 300
        again = None if taken else webhooks.next_try(told.tries + 1, datetime.now(UTC))
        seconds = time.monotonic() - started
        metrics.WEBHOOKS.labels("taken" if taken else "failed").inc()
        tried = Try(taken, seconds, code, trace.clean(text), again, gone=code == webhooks.GONE)
        return await store.settle(self._engine.pool, hook, told, tried) and taken

    async def _ask(self, hook: Hook, told: Due) -> tuple[int, str]:
        """Status and words; 0 where nobody answered."""
        body, at = told.body.encode(), int(time.time())
        try:
            secret = sealing.unseal(
                self._engine.config.sealing_key, hook.secret, sealing.webhook_context(hook.url)
            )
            target = webhooks.target(hook.url)
            answer = await requests.ask(
                "POST",
                str(target),
                await addresses(self._engine, target),
                seconds=REQUEST_LIMIT,
                octets=ANSWER_OCTETS,
                headers={
                    "Content-Type": "application/json",
                    "User-Agent": "Facteur",
                    "webhook-id": told.delivery_id.hex,
                    "webhook-timestamp": str(at),
                    "webhook-signature": webhooks.signature(secret, told.delivery_id.hex, at, body),
                },
                content=body,
            )
        except NotSealedHere:
            _log.error(
                "webhook's secret cannot be opened: was FACTEUR_SECRET_KEY changed?", webhook=hook.webhook_id
            )
            return 0, "Its secret cannot be opened: make it anew"
        except (NoAnswer, ProtocolError) as error:
            return 0, str(error)
        return answer.status, answer.octets.decode("utf-8", "replace")


async def addresses(engine: "Engine", target: Target) -> list[str]:
    """Where it may be told: a name that leads into our own network would let strangers' pages in there.

    Raises:
        NoAnswer: nowhere.
    """
    try:
        found = [str(ipaddress.ip_address(target.host))]
    except ValueError:
        answer = await engine.resolver.ask(Addresses(target.host))
        found = [str(one) for one in answer.records] if isinstance(answer, Found) else []
        if not found:
            raise NoAnswer("Its host has no address") from None
    allowed = [one for one in found if engine.config.webhooks_private or webhooks.is_public(one)]
    if not allowed:
        raise NoAnswer("Its host has only private addresses (FACTEUR_WEBHOOKS_PRIVATE)")
    return allowed
