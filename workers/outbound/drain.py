"""One destination is drained: claim what is due, send it over few connections, settle each message at once.

The lease is renewed while we work, so that nobody else sends the same; a worker that dies stops renewing, and the
next sweep gives its recipients to another.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import groupby

from mailservices import log
from mailservices.mail import route
from mailservices.mail.errors import Unavailable
from mailservices.mail.route import Hop, NoRoute
from mailservices.mail.vocabulary import Event
from mailservices.net import metrics
from mailservices.protocols.smtp.parameters import encode_xtext
from mailservices.store import bodies, directory, queue, trace
from mailservices.store.queue import Attempt, Claim, QueuedMessage, QueuedRecipient
from workers.engine import Engine
from workers.outbound import local
from workers.outbound.client import Client, Destination, HostFailed, Parameters, TlsFailed
from workers.outbound.settle import Outcome, settle

#: Recipients of one claim, and of one transaction (RFC 5321 §4.5.3.1.8).
CLAIM_RECIPIENTS = 100
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
    line = _Line(engine, destination)
    try:
        while not engine.stopping and (claim := await queue.claim(engine.pool, destination, CLAIM_RECIPIENTS)):
            async with _held(engine, claim):
                await _work_off(engine, claim, line)
    finally:
        await line.close()


async def _drain_here(engine: Engine, destination: str) -> None:
    """Deliver what was held for people of our own (RFC 4865), until nothing is due."""
    while not engine.stopping and (claim := await queue.claim(engine.pool, destination, CLAIM_RECIPIENTS)):
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
    await _settle(engine, claim, [attempt], _rows(message, [attempt]))
    metrics.ATTEMPTS.labels(attempt.outcome, attempt.stage).inc()


@asynccontextmanager
async def _held(engine: Engine, claim: Claim) -> AsyncIterator[None]:
    """Renews the lease; gives back at the end what was not tried."""

    async def renew() -> None:
        pause = RENEW_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await queue.renew(engine.pool, claim.lease)
                pause = RENEW_SECONDS
            except Unavailable:
                # As soon as the database is back, before somebody else claims the same.
                pause = SETTLE_PAUSE
                _log.warning("lease not renewed", destination=claim.destination)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await queue.release(engine.pool, claim.lease)


async def _work_off(engine: Engine, claim: Claim, line: "_Line") -> None:
    ordered = sorted(claim.recipients, key=lambda recipient: str(recipient.message_id))
    for message_id, group in groupby(ordered, key=lambda recipient: recipient.message_id):
        if engine.stopping:
            return
        message, recipients = claim.messages[message_id], list(group)
        started = time.monotonic()
        outcomes = await _try(line, message, recipients)
        seconds, now = time.monotonic() - started, datetime.now(UTC)
        attempts = [
            settle(message, recipient, outcome, seconds, now)
            for recipient, outcome in zip(recipients, outcomes, strict=True)
        ]
        await _settle(engine, claim, attempts, _rows(message, attempts))
        for attempt in attempts:
            metrics.ATTEMPTS.labels(attempt.outcome, attempt.stage).inc()
        if any(attempt.report for attempt in attempts):
            engine.reports_due()


async def _try(line: "_Line", message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> list[Outcome]:
    """One outcome for each recipient. What we cannot send ourselves waits, and holds up no other message."""
    if message.by_mode.startswith("R") and message.deliver_by and datetime.now(UTC) >= message.deliver_by:
        # RFC 2852 §4.1.3
        return [Outcome("time", 0, "5.4.7", "The time for its delivery is over")] * len(recipients)
    try:
        if message.require_tls and message.sender:
            return await line.send_privately(message, recipients)
        return await line.send(message, recipients)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - unknown means temporary
        _log.exception("message not sent", message=message.message_id.hex, error=type(error).__name__)
        line.drop()
        return [Outcome("data", 0, "4.3.0", "Something went wrong here")] * len(recipients)


async def _settle(engine: Engine, claim: Claim, attempts: Sequence[Attempt], rows: Sequence[trace.Row]) -> None:
    """Write down what became of a message, however often that takes: a host that has it must not get it again."""
    tried = False
    while True:
        try:
            await queue.settle(engine.pool, claim, attempts, rows, again=tried)
        except Unavailable:
            tried = True
            _log.warning("settlement waits", destination=claim.destination)
            await asyncio.sleep(SETTLE_PAUSE)
        else:
            return


def _rows(message: QueuedMessage, attempts: Iterable[Attempt]) -> list[trace.Row]:
    return [
        trace.Row(
            message.message_id, attempt.outcome, "worker", message.account_id, attempt.address or None,
            message.sender, attempt.recipient.address, message.message_id_field, message.size, attempt.reply,
        )
        for attempt in attempts
    ]  # fmt: skip


class _Line:
    """The way to one destination: its hosts, and the connection to one of them while it is good."""

    def __init__(self, engine: Engine, destination: str) -> None:
        self._engine = engine
        self._destination = destination
        self._client: Client | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.quit()

    async def send(self, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> list[Outcome]:
        """One outcome for each recipient."""
        reused = self._client is not None
        try:
            client = self._client or await self._connect()
            try:
                return await self._transact(client, message, recipients)
            except HostFailed as error:
                self.drop()
                # A kept connection may have been closed meanwhile: that says nothing of the host.
                if not reused or error.stage != "mail":
                    return [_broken(error, client.hop)] * len(recipients)
            client = await self._connect()
            try:
                return await self._transact(client, message, recipients)
            except HostFailed as error:
                self.drop()
                return [_broken(error, client.hop)] * len(recipients)
        except NoRoute as error:
            return [Outcome("dns", 0, error.enhanced, error.words)] * len(recipients)
        except _NobodyAnswers as error:
            return [error.outcome] * len(recipients)

    async def send_privately(self, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> list[Outcome]:
        """RFC 8689 §4.2.1: over TLS to a host that proves its name and promises the same, or not at all."""
        try:
            hops = await self._hops()
        except NoRoute as error:
            return [Outcome("dns", 0, error.enhanced, error.words)] * len(recipients)
        failed: list[Outcome] = []
        for hop in hops:
            try:
                client = await self._open_privately(hop)
            except HostFailed as error:
                failed.append(_not_private(error, hop))
                continue
            try:
                return await self._transact(client, message, recipients)
            except HostFailed as error:
                return [_broken(error, hop)] * len(recipients)
            finally:
                await client.quit()
        # What may succeed later is tried again.
        return [next((one for one in failed if not one.permanent), failed[0])] * len(recipients)

    async def _open_privately(self, hop: Hop) -> Client:
        if not hop.secure:
            raise TlsFailed("dns", "Nobody vouches for the name of the host: its MX record is not signed")
        config = self._engine.config
        client = await Client.open(hop, config.remote_smtp_port, config.hostname, verified=True)
        if "REQUIRETLS" not in client.features:
            await client.quit()
            raise NotPrivate("helo", "The host does not promise to demand TLS of others (REQUIRETLS)")
        return client

    def drop(self) -> None:
        """The connection is of no use any more."""
        if self._client is not None:
            self._client.abort()
            self._client = None

    async def _connect(self) -> Client:
        """A connection to the first host that takes one.

        Raises:
            NoRoute, _NobodyAnswers
        """
        last: tuple[HostFailed, Hop] | None = None
        for hop in await self._hops():
            try:
                self._client = await self._open(hop)
            except HostFailed as error:
                last = (error, hop)
            else:
                return self._client
        if last is None:
            raise NoRoute("4.4.4", f"No host that takes mail for {self._destination} is known.")
        raise _NobodyAnswers(_broken(*last))

    async def _hops(self) -> list[Hop]:
        config, resolver = self._engine.config, self._engine.resolver
        return await resolver.answer(route.find(self._destination, config.hostname, loopback=resolver.loopback))

    async def _open(self, hop: Hop) -> Client:
        config = self._engine.config
        try:
            return await Client.open(hop, config.remote_smtp_port, config.hostname)
        except TlsFailed:
            # RFC 7435 §3: opportunistic; plain text is no worse than what a host without TLS gets.
            return await Client.open(hop, config.remote_smtp_port, config.hostname, tls=False)

    async def _transact(
        self, client: Client, message: QueuedMessage, recipients: Sequence[QueuedRecipient]
    ) -> list[Outcome]:
        refusal = _cannot(client, message, recipients)
        if refusal is not None:
            return [refusal] * len(recipients)
        by = None
        if message.deliver_by:
            # RFC 2852 §4.1.4: what is left now; negative where the time is over and only notice was asked for.
            left = (message.deliver_by - datetime.now(UTC)).total_seconds()
            by = int(left), message.by_mode
        parameters = Parameters(
            message.sender, message.size, message.eightbit, message.smtputf8, message.ret,
            encode_xtext(message.envid), message.priority, message.require_tls, by,
        )  # fmt: skip
        told = message.by_mode.startswith("N") and "DELIVERBY" not in client.features
        destinations = [_destination(one, late_is_told=told) for one in recipients]
        answers = await client.send(parameters, destinations, self._text(message))
        return [
            Outcome(
                answer.stage, answer.reply.code, answer.reply.enhanced or _status(answer.reply.code),
                answer.reply.text, client.hop.host, client.hop.address, client.tls, "DSN" in client.features,
                "DELIVERBY" in client.features,
            )
            for answer in answers
        ]  # fmt: skip

    async def _text(self, message: QueuedMessage) -> AsyncIterator[bytes]:
        yield message.prefix + message.header
        async for piece in bodies.read(self._engine.pool, message.blob_id, 0, message.body_size):
            yield piece


class NotPrivate(HostFailed):
    """The host does not know REQUIRETLS."""


class _NobodyAnswers(Exception):
    """All hosts were tried."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.text)


def _broken(error: HostFailed, hop: Hop) -> Outcome:
    """A connection that failed: temporary, whatever the host said, for others may take the mail later."""
    reply = error.reply
    code = reply.code if reply is not None and not reply.permanent else 0
    said = f"{reply.code} {reply.text}" if reply is not None and reply.permanent else error.words
    enhanced = "4.4.1" if error.stage == "connect" else "4.4.2"
    return Outcome(error.stage, code, enhanced, said, hop.host, hop.address)


def _cannot(client: Client, message: QueuedMessage, recipients: Sequence[QueuedRecipient]) -> Outcome | None:
    """What the host's features rule out, without asking it."""
    features, hop = client.features, client.hop
    limit = features.get("SIZE", "")
    if limit.isdigit() and 0 < int(limit) < message.size:
        # RFC 1870 §6.1
        words = f"The message has {message.size} octets; {hop.host} takes {limit} at most"
        return Outcome("mail", 0, "5.3.4", words, hop.host, hop.address)
    if message.by_mode.startswith("R") and not _keeps_time(features, message):
        # RFC 2852 §4.1.4.1
        words = f"{hop.host} does not promise to deliver in time or to return"
        return Outcome("mail", 0, "5.3.3", words, hop.host, hop.address)
    beyond_ascii = not all(one.isascii() for one in (message.sender, *(each.address for each in recipients)))
    if (beyond_ascii or message.smtputf8) and "SMTPUTF8" not in features:
        # RFC 6531 §3.2
        words = f"{hop.host} does not take addresses or headers beyond ASCII"
        return Outcome("mail", 0, "5.6.7", words, hop.host, hop.address)
    return None


def _keeps_time(features: dict[str, str], message: QueuedMessage) -> bool:
    """Whether the host knows DELIVERBY, and takes as short a time as is left (RFC 2852 §2)."""
    if "DELIVERBY" not in features or message.deliver_by is None:
        return False
    least = features["DELIVERBY"].strip()
    left = (message.deliver_by - datetime.now(UTC)).total_seconds()
    return left >= 1 and (not least.isdigit() or int(least) <= left)


def _not_private(error: HostFailed, hop: Hop) -> Outcome:
    """RFC 8689 §4.2.1: its two status codes; a host that did not answer may do so later."""
    if isinstance(error, NotPrivate):
        return Outcome(error.stage, 0, "5.7.30", error.words, hop.host, hop.address)
    if isinstance(error, TlsFailed):
        return Outcome(error.stage, 0, "5.7.10", error.words, hop.host, hop.address)
    return _broken(error, hop)


def _destination(recipient: QueuedRecipient, *, late_is_told: bool) -> Destination:
    notify = recipient.notify
    if late_is_told and notify != ("NEVER",):
        # RFC 2852 §4.1.4.2: the next host knows no time, but it can tell of delay.
        notify = (*(notify or ("FAILURE",)), "DELAY") if "DELAY" not in (notify or ()) else notify
    kind, semicolon, address = recipient.orcpt.partition(";")
    orcpt = f"{kind};{encode_xtext(address)}" if semicolon else ""
    return Destination(recipient.address, ",".join(notify or ()), orcpt)


def _status(code: int) -> str:
    """RFC 3463 §2: what a reply without an enhanced code says."""
    return {2: "2.0.0", 4: "4.0.0", 5: "5.0.0"}.get(code // 100, "4.0.0")
