"""One destination is drained: claim what is due, send it over few connections, settle each message at once.

The lease is renewed while we work, so that nobody else sends the same; a worker that dies stops renewing, and the
next sweep gives its recipients to another.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from mailservices import log
from mailservices.mail import routing
from mailservices.mail.errors import Unavailable
from mailservices.mail.routing import Rule
from mailservices.mail.vocabulary import Event
from mailservices.mail.webhooks import OF_STATE, Happening
from mailservices.net import metrics
from mailservices.store import directory, lanes, queue, settling, trace
from mailservices.store.queue import Attempt, Claim, QueuedMessage, QueuedRecipient
from mailservices.store.settling import Settled
from workers.engine import Engine
from workers.outbound import lane, local
from workers.outbound.lane import UNREACHED, Lane
from workers.outbound.line import Line, Wish, wish_of
from workers.outbound.settle import Outcome, settle

#: Recipients of one claim, and of one transaction (RFC 5321 §4.5.3.1.8).
CLAIM_RECIPIENTS = 100
#: Stages at which something was found out about the destination.
SAID_OF_IT = (*UNREACHED, "mail", "rcpt", "data", "chunk", "final", "rset")
#: Seconds between two renewals of a lease: two may fail.
RENEW_SECONDS = queue.LEASE.total_seconds() / 3
#: Seconds between attempts to write down what a host said, while the database is away.
SETTLE_PAUSE = 0.5

_log = log.get()


async def drain(engine: Engine, destination: str) -> None:
    """Send what is due for a destination until nothing is."""
    if await directory.is_local(engine.pool, destination):
        await _drain_here(engine, destination)
        return
    async with lane.enter(engine, destination) as entered:
        if entered is None:
            return
        lines = _Lines(engine, destination)
        try:
            while not engine.stopping:
                limit = 1 if entered.probes else CLAIM_RECIPIENTS
                claim = await engine.claim(destination, limit)
                if claim is None:
                    # A line that others might want is not kept.
                    if entered.shared or not await engine.idle(destination):
                        return
                    continue
                if len(claim.recipients) == CLAIM_RECIPIENTS:
                    # There is more: another line may help.
                    engine.help(destination)
                async with _held(engine, claim, entered.line) as held:
                    held.worked_off = await _work_off(engine, claim, lines, entered)
                    if not held.worked_off:
                        return
                    await entered.pause()
        finally:
            await lines.close()


class _Lines:
    """The ways to a destination, one under each rule that holds for some of its mail."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination
        self._lines: dict[Rule, Line] = {}

    async def of(self, message: QueuedMessage, route_id: int | None) -> tuple[Rule, Line]:
        """The rule that holds for a message now, and the way under it; an administrator may have chosen one."""
        rules = await self._engine.rules.current(bound=route_id)
        rule = routing.holding(rules, route_id, message.sender, self._destination)
        if rule not in self._lines:
            self._lines[rule] = Line(self._engine, self._destination, rule)
        return rule, self._lines[rule]

    async def close(self) -> None:
        for line in self._lines.values():
            await line.close()


async def _drain_here(engine: Engine, destination: str) -> None:
    """Deliver what was held for people of our own (RFC 4865), until nothing is due."""
    while not engine.stopping and (claim := await engine.claim(destination, CLAIM_RECIPIENTS)):
        async with _held(engine, claim):
            for recipient in claim.recipients:
                await _deliver_here(engine, claim, recipient)
        engine.reports_due()


async def _deliver_here(engine: Engine, claim: Claim, recipient: QueuedRecipient) -> None:
    message, started = claim.messages[recipient.message_id], time.monotonic()
    if engine.stopping:
        return
    outcome = await local.deliver(engine, claim, message, recipient)
    if outcome is None:
        metrics.ATTEMPTS.labels(Event.DELIVERED, "local").inc()
        return
    attempt = settle(message, recipient, outcome, time.monotonic() - started, datetime.now(UTC))
    await _settle(engine, claim, message, [attempt])
    metrics.ATTEMPTS.labels(attempt.outcome, attempt.stage).inc()


@dataclass(slots=True)
class _Held:
    """A claim as it is worked off: whether all of it is settled."""

    worked_off: bool = False


@asynccontextmanager
async def _held(engine: Engine, claim: Claim, line: UUID | None = None) -> AsyncIterator[_Held]:
    """Renews the lease, and the line; gives back at the end what was not tried."""

    async def renew() -> None:
        pause = RENEW_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await queue.renew(engine.pool, claim)
                if line is not None:
                    await lanes.renew(engine.pool, line)
                pause = RENEW_SECONDS
            except Unavailable:
                # As soon as the database is back, before somebody else claims the same.
                pause = SETTLE_PAUSE
                _log.warning("lease not renewed", destination=claim.destination)

    renewing, held = asyncio.create_task(renew()), _Held()
    try:
        yield held
    finally:
        renewing.cancel()
        if not held.worked_off:
            await queue.release(engine.pool, claim)


async def _work_off(engine: Engine, claim: Claim, lines: _Lines, entered: Lane) -> bool:
    """Whether there is any use in going on: nobody goes on where nobody can be reached."""
    ordered = sorted(claim.recipients, key=_transaction)
    refused = await engine.suppressed.answer([one.address for one in ordered])
    for _, group in groupby(ordered, key=_transaction):
        if engine.stopping:
            return False
        recipients = list(group)
        message = claim.messages[recipients[0].message_id]
        rule, line = await lines.of(message, recipients[0].route_id)
        started = time.monotonic()
        wanted = [one for one in recipients if one.address.lower() not in refused]
        tried = dict(zip(wanted, await _try(line, message, wanted), strict=True)) if wanted else {}
        outcomes = [tried.get(one) or _suppressed(refused[one.address.lower()]) for one in recipients]
        seconds, now = time.monotonic() - started, datetime.now(UTC)
        attempts = [
            settle(message, recipient, outcome, seconds, now, rule)
            for recipient, outcome in zip(recipients, outcomes, strict=True)
        ]
        await _settle(engine, claim, message, attempts)
        for attempt in attempts:
            metrics.ATTEMPTS.labels(attempt.outcome, attempt.stage).inc()
        if any(attempt.report for attempt in attempts):
            engine.reports_due()
        if engine.hooks.any:
            engine.webhooks_due()
        # A sender's own way says nothing of the destination, nor does what never left this house.
        if (
            tried
            and not rule.sender
            and not recipients[0].route_id
            and all(one.stage in SAID_OF_IT for one in tried.values())
        ):
            private = wish_of(message) is Wish.REQUIRED
            if not await entered.tell(list(tried.values()), private=private):
                return False
    return True


def _transaction(recipient: QueuedRecipient) -> tuple[str, int]:
    """What goes in one transaction: one message, one way."""
    return str(recipient.message_id), recipient.route_id or 0


def _suppressed(reason: str) -> Outcome:
    return Outcome(
        "list", 0, "5.1.1", f"Not sent: hosts there have said before that nobody has this address: {reason}"
    )


async def _try(line: Line, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> list[Outcome]:
    """One outcome for each recipient. What we cannot send ourselves waits, and holds up no other message."""
    if message.by_mode.startswith("R") and message.deliver_by and datetime.now(UTC) >= message.deliver_by:
        # RFC 2852 §4.1.3
        return [Outcome("time", 0, "5.4.7", "The time for its delivery is over")] * len(recipients)
    try:
        return await line.send(message, recipients)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - unknown means temporary
        _log.exception("message not sent", message=message.message_id.hex, error=type(error).__name__)
        line.drop()
        return [Outcome("data", 0, "4.3.0", "Something went wrong here")] * len(recipients)


async def _settle(engine: Engine, claim: Claim, message: QueuedMessage, attempts: Sequence[Attempt]) -> None:
    """Write down what became of a message, however often that takes: a host that has it must not get it again."""
    settled = Settled(claim.lease, [(attempt, _row(message, attempt)) for attempt in attempts])
    while True:
        try:
            wanted = await engine.hooks.wanted()
            settled = replace(settled, happened=_happened(message, attempts, wanted))
            await settling.settle(engine.settlements, settled)
        except Unavailable:
            settled = replace(settled, again=True)
            _log.warning("settlement waits", destination=claim.destination)
            await asyncio.sleep(SETTLE_PAUSE)
        else:
            return


def _happened(message: QueuedMessage, attempts: Sequence[Attempt], wanted: frozenset[str]) -> dict[int, Happening]:
    """What hooks that want to know it are told, by the recipient's key."""
    return {
        attempt.recipient.recipient_id: Happening(
            OF_STATE[attempt.state], datetime.now(UTC), message.message_id.hex, message.sender,
            attempt.recipient.address, message.message_id_field, message.envid, attempt.reply,
        )
        for attempt in attempts
        if OF_STATE[attempt.state] in wanted
    }  # fmt: skip


def _row(message: QueuedMessage, attempt: Attempt) -> trace.Row:
    return trace.Row(
        message.message_id, attempt.outcome, "worker", message.account_id, attempt.address or None,
        message.sender, attempt.recipient.address, message.message_id_field, message.size, attempt.reply,
        of=trace.of(message.account_id, message.sender, attempt.recipient.received_as),
    )  # fmt: skip
